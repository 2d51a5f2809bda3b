"""Reads the weights of the two towers and writes their ONNX graphs, the head in both.

Pictures need torch once, to read the weights of their tower; texts never do.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from shopsearch.encoders.compact_graphs import (
    Bert,
    Block,
    Convolution,
    Lite,
    picture_graph,
    text_graph,
)
from shopsearch.encoders.compact_head_file import HeadFile
from shopsearch.encoders.compact_weights import text_folder, text_weights, unfit_text_weights


def export_pictures(head: HeadFile) -> bytes:
    """The graph of pictures. Raises `EncoderUnavailable`."""
    from shopsearch.encoders.compact_towers import ImageTower

    return picture_graph(layers(ImageTower().network), head)


def export_texts(head: HeadFile) -> bytes:
    """The graph of texts. Raises `EncoderUnavailable`."""
    return text_graph(_read_bert(), head)


def _read_bert() -> Bert:
    folder = text_folder()
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        with safetensors.safe_open(text_weights(folder), framework="np") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        return Bert(
            weights=weights,
            n_layers=config["num_hidden_layers"],
            n_heads=config["num_attention_heads"],
            epsilon=config["layer_norm_eps"],
        )
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise unfit_text_weights(folder, f"holds no MiniLM ({error})") from error


def layers(network: Any) -> Lite:
    """The layers of timm's EfficientNet-Lite2, batch norms folded already."""
    (stem,) = _convolutions(network.conv_stem, network.bn1)
    (last,) = _convolutions(network.conv_head, network.bn2)
    stages = [
        [Block(list(_convolutions(*block.children())), block.has_skip) for block in stage]
        for stage in network.blocks
    ]
    classifier = network.classifier
    return Lite(stem, stages, last, (_array(classifier.weight), _array(classifier.bias)))


def _convolutions(*modules: Any) -> Iterator[Convolution]:
    """Convolutions, each with the ReLU6 that follows it. Anything else is not expected here."""
    from torch import nn

    modules = tuple(module for module in modules if not isinstance(module, nn.Identity))
    for place, module in enumerate(modules):
        if isinstance(module, nn.ReLU6):
            continue
        if not isinstance(module, nn.Conv2d) or module.bias is None:
            raise TypeError(f"no layer of an EfficientNet-Lite: {module}")
        yield Convolution(
            weight=_array(module.weight),
            bias=_array(module.bias),
            stride=module.stride[0],
            groups=module.groups,
            is_clipped=isinstance(next(iter(modules[place + 1 :]), None), nn.ReLU6),
        )


def _array(weight: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(weight.detach().cpu().numpy())
