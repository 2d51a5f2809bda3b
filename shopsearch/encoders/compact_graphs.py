"""The compact model as two ONNX graphs: squares of pixels to rows, and tokens to rows.

The same figures as `compact_towers.py` and `compact_head.py` make with torch, tower and head in
one. Torch is not needed here: `compact_export.py` reads the weights. Letters as in those two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.encoders.compact_head_file import CLIP, HeadFile
from shopsearch.encoders.compact_inputs import SIDE_PX
from shopsearch.encoders.compact_weights import N_STAGES_READ
from shopsearch.encoders.onnx_graph import Graph

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its batch norm folded in, and what follows it."""

    weight: Weights  # (out, in per group, kernel, kernel)
    bias: Weights  # (out,)
    stride: int
    groups: int
    is_clipped: bool  # ReLU6 follows


@dataclass(frozen=True, slots=True)
class Block:
    """Convolutions one after the other."""

    convolutions: Sequence[Convolution]
    has_skip: bool  # what went in is added to what comes out


@dataclass(frozen=True, slots=True)
class Lite:
    """The layers of an EfficientNet-Lite."""

    stem: Convolution
    stages: Sequence[Sequence[Block]]
    last: Convolution  # makes the pooled embedding
    classifier: tuple[Weights, Weights]  # weight and bias


@dataclass(frozen=True, slots=True)
class Bert:
    """The weights of a BERT, by the names that its file has for them."""

    weights: Mapping[str, Weights]
    n_layers: int
    n_heads: int
    epsilon: float  # of the layer norms


def picture_graph(network: Lite, head: HeadFile) -> bytes:
    """`pixels` (B, S, S, 3) bytes -> `rows` (B, D)."""
    graph = Graph()
    pixels = graph.input("pixels", np.uint8, ["B", SIDE_PX, SIDE_PX, 3])
    features, logits = _tower(graph, network, pixels)
    rows = _PictureHead(graph, head).rows(features, logits)
    return graph.model(rows, ["B", head.shape.dimension])


def text_graph(bert: Bert, head: HeadFile) -> bytes:
    """`ids` (B, T) and `mask` (B, T) -> `rows` (B, D)."""
    graph = Graph()
    ids = graph.input("ids", np.int64, ["B", "T"])
    mask = graph.input("mask", np.float32, ["B", "T"])
    embedded = _BertGraph(graph, bert).embedded(ids, mask)
    return graph.model(_text_rows(graph, head, embedded), ["B", head.shape.dimension])


def _tower(graph: Graph, network: Lite, pixels: str) -> tuple[str, str]:
    """The features and the logits of pictures."""
    standard = graph.step("Sub", graph.step("Cast", pixels, to=1), graph.weight(127.0))
    maps = graph.step("Transpose", graph.times(standard, 1 / 128), perm=[0, 3, 1, 2])
    maps, side = _convolved(graph, maps, SIDE_PX, network.stem)
    rows: list[str] = []
    for depth, stage in enumerate(network.stages):
        for block in stage:
            maps, side = _through_block(graph, maps, side, block)
        if 1 <= depth <= N_STAGES_READ:
            rows += _mean_and_spread(graph, maps, side)
        if 1 <= depth < N_STAGES_READ:
            rows.append(_centre_mean(graph, maps, side))
    rows += _mean_and_spread(graph, maps, side)
    maps, _ = _convolved(graph, maps, side, network.last)
    pooled = _mean(graph, maps)  # (B, POOLED_DIM)
    return graph.joined(*rows, pooled), graph.linear(pooled, *network.classifier)


def _through_block(graph: Graph, maps: str, side: int, block: Block) -> tuple[str, int]:
    before = maps
    for convolution in block.convolutions:
        maps, side = _convolved(graph, maps, side, convolution)
    return (graph.step("Add", maps, before) if block.has_skip else maps), side


def _convolved(graph: Graph, maps: str, side: int, given: Convolution) -> tuple[str, int]:
    """The maps after a convolution, and their side: padding adds what the stride lacks."""
    made = graph.step(
        "Conv",
        maps,
        graph.weight(given.weight),
        graph.weight(given.bias),
        auto_pad="SAME_UPPER",
        kernel_shape=given.weight.shape[2:],
        strides=[given.stride] * 2,
        group=given.groups,
    )
    return (graph.clipped(made, 0.0, 6.0) if given.is_clipped else made), -(-side // given.stride)


def _mean(graph: Graph, maps: str) -> str:
    return graph.step("Flatten", graph.step("GlobalAveragePool", maps))  # (B, C)


def _mean_and_spread(graph: Graph, maps: str, side: int) -> list[str]:
    """Mean and standard deviation of each channel, 2 x (B, C)."""
    mean = graph.step("GlobalAveragePool", maps)  # (B, C, 1, 1)
    apart = graph.step("Sub", maps, mean)
    variance = _mean(graph, graph.step("Mul", apart, apart))
    unbiased = graph.times(variance, side**2 / (side**2 - 1))
    return [graph.step("Flatten", mean), graph.step("Sqrt", unbiased)]


def _centre_mean(graph: Graph, maps: str, side: int) -> str:
    margin = side // 4
    ends = [[margin] * 2, [side - margin] * 2, [2, 3]]
    return _mean(graph, graph.step("Slice", maps, *(graph.weight(end) for end in ends)))


class _PictureHead:
    """`CompactHead.image_rows`."""

    def __init__(self, graph: Graph, head: HeadFile) -> None:
        self._graph, self._head, self._weights = graph, head, head.weights

    def rows(self, features: str, logits: str) -> str:
        graph, share = self._graph, self._head.mix.looks_share
        components = self._compressed(features)  # (B, K)
        joint = graph.unit(graph.joined(self._prior(logits), self._learned(components)))
        looks = graph.unit(graph.step("MatMul", components, self._weight("looks_basis")))
        parts = [graph.times(joint, math.sqrt(1 - share**2)), graph.times(looks, share)]
        return graph.unit(graph.joined(*parts))  # (B, D)

    def _compressed(self, features: str) -> str:
        graph = self._graph
        centred = graph.step("Sub", features, self._weight("feature_mean"))
        standard = graph.step("Div", centred, self._weight("feature_scale"))  # (B, F)
        return graph.step("MatMul", graph.clipped(standard, -CLIP, CLIP), self._weight("basis"))

    def _prior(self, logits: str) -> str:
        graph = self._graph
        cooled = graph.times(logits, 1 / self._head.mix.temperature)
        seen_classes = graph.step("Softmax", cooled, axis=1)  # (B, C)
        return graph.unit(graph.step("MatMul", seen_classes, self._weight("class_words")))  # (B, T)

    def _learned(self, components: str) -> str:
        graph = self._graph
        bent = self._linear("out", graph.step("Gelu", self._linear("hidden", components)))
        return graph.unit(graph.step("Add", self._linear("direct", components), bent))  # (B, J)

    def _linear(self, name: str, rows: str) -> str:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return self._graph.linear(rows, weight, bias)

    def _weight(self, name: str) -> str:
        return self._graph.weight(self._weights[name])


def _text_rows(graph: Graph, head: HeadFile, embedded: str) -> str:
    """`CompactHead.text_rows`."""
    weights, trust = head.weights, head.mix.trust
    learned = graph.unit(graph.linear(embedded, weights["words.weight"], weights["words.bias"]))
    cosines = graph.step("MatMul", embedded, graph.weight(weights["landmarks"].T))  # (B, M)
    nearest = graph.step("ReduceMax", cosines, graph.weight([1]), keepdims=1)  # (B, 1)
    above = graph.step("Sub", nearest, graph.weight(trust.strange))
    share = graph.clipped(graph.times(above, 1 / (trust.familiar - trust.strange)), 0.0, 1.0)
    weighs = graph.step(
        "Add", graph.times(share, trust.most - trust.least), graph.weight(trust.least)
    )
    joint = graph.unit(graph.joined(embedded, graph.step("Mul", weighs, learned)))  # (B, T + J)
    return graph.step("Pad", joint, graph.weight([0, 0, 0, head.shape.looks]))  # (B, D)


class _BertGraph:
    """Devlin et al. 2018, arXiv:1810.04805, mean-pooled as all-MiniLM-L6-v2 is."""

    def __init__(self, graph: Graph, bert: Bert) -> None:
        self._graph, self._bert, self._weights = graph, bert, bert.weights

    def embedded(self, ids: str, mask: str) -> str:
        """(B, TEXT_DIM) unit rows."""
        graph = self._graph
        states = self._embeddings(ids)  # (B, T, TEXT_DIM)
        seen = graph.step("Cast", mask, to=6)  # whole numbers
        for layer in range(self._bert.n_layers):
            states = self._layer(f"encoder.layer.{layer}", states, seen)
        counted = graph.step("Mul", states, graph.step("Unsqueeze", mask, graph.weight([2])))
        return graph.unit(graph.step("ReduceSum", counted, graph.weight([1]), keepdims=0))

    def _embeddings(self, ids: str) -> str:
        """Words, and places in the text. The kind of text, always the first, goes with places."""
        graph = self._graph
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        places = self._weights["embeddings.position_embeddings.weight"] + kind
        length = graph.step("Shape", ids, start=1)
        start, axis = graph.weight([0]), graph.weight([0])
        there = graph.step("Slice", graph.weight(places), start, length, axis)
        words = graph.weight(self._weights["embeddings.word_embeddings.weight"])
        sums = graph.step("Add", graph.step("Gather", words, ids), there)
        return self._normalized("embeddings.LayerNorm", sums)

    def _layer(self, name: str, states: str, seen: str) -> str:
        graph = self._graph
        heard = self._linear(f"{name}.attention.output.dense", self._attention(name, states, seen))
        states = self._normalized(
            f"{name}.attention.output.LayerNorm", graph.step("Add", heard, states)
        )
        wide = graph.step("Gelu", self._linear(f"{name}.intermediate.dense", states))
        narrow = self._linear(f"{name}.output.dense", wide)
        return self._normalized(f"{name}.output.LayerNorm", graph.step("Add", narrow, states))

    def _attention(self, name: str, states: str, seen: str) -> str:
        """Queries, keys and values in one product, then attention to what is seen."""
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._weights[f"{part}.weight"].T for part in parts], axis=1)
        bias = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        return self._graph.own_step(
            "Attention",
            states,
            self._graph.weight(weight),
            self._graph.weight(bias),
            seen,
            num_heads=self._bert.n_heads,
        )

    def _linear(self, name: str, rows: str) -> str:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return self._graph.linear(rows, weight, bias)

    def _normalized(self, name: str, rows: str) -> str:
        weight = self._graph.weight(self._weights[f"{name}.weight"])
        bias = self._graph.weight(self._weights[f"{name}.bias"])
        return self._graph.step(
            "LayerNormalization", rows, weight, bias, axis=-1, epsilon=self._bert.epsilon
        )
