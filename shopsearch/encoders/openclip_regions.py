"""The last map of an open_clip image tower, for asking which places of it speak for a text.

A convolutional tower has the map that comes out of its last stage. A vision transformer has
patches: where it pools its class token, they are read for the last time in the last block; where it
pools the patches, after it. They are taken behind the layer norm that stands before that reading,
never before it: a norm does not care for the length of its input, so that gradient times activation
in front of one sums to 0, and what is computed there is the noise of rounding.

Letters: T tokens, C channels, H and W the size of the map.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from shopsearch.encoders.regions import View
from shopsearch.errors import RegionsUnavailable


class LastMap:
    """Takes the last map, (1, C, H, W), from the passes of the thread that made it.

    The map becomes a leaf that gradients can be taken of; other threads pass unhindered.
    """

    def __init__(self, visual: Any, aspect: float) -> None:
        self._aspect = aspect
        self._thread = threading.get_ident()
        self._n_prefix = _n_prefix_tokens(visual)
        self._taken: torch.Tensor | None = None

    @property
    def taken(self) -> torch.Tensor:
        """The map. Raises `RegionsUnavailable` where the tower has none that is understood."""
        if self._taken is None:
            raise RegionsUnavailable(
                "the image tower of this open_clip model has no last map of a known kind, so its "
                "regions cannot be told; use a ViT or ResNet model, or the compact encoder"
            )
        return self._taken

    def take(
        self, _module: Any, _given: tuple[Any, ...], given_out: torch.Tensor
    ) -> torch.Tensor | None:
        """What a module gave out, by way of the leaf; None leaves it as it is."""
        if threading.get_ident() != self._thread:
            return None
        if given_out.dim() == 4:
            self._taken = given_out.detach().clone().requires_grad_()
            return self._taken
        return self._take_patches(given_out.detach()) if given_out.dim() == 3 else None

    def _take_patches(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """Tokens are (1, T, C), or (T, 1, C) where the tower puts them first."""
        rows = tokens.reshape(-1, tokens.shape[-1])  # (T, C)
        prefix, patches = rows[: self._n_prefix], rows[self._n_prefix :]
        height = round((len(patches) / self._aspect) ** 0.5)
        if not height or len(patches) % height:
            return None
        self._taken = patches.T.reshape(1, patches.shape[1], height, -1).clone().requires_grad_()
        again = torch.cat([prefix, self._taken.flatten(2)[0].T])  # (T, C)
        return again.reshape(tokens.shape)


@contextmanager
def last_map(visual: Any, aspect: float) -> Iterator[LastMap]:
    """Watches an image tower; `aspect` is width / height of what it is shown."""
    last = LastMap(visual, aspect)
    hook = _last_with_places(visual).register_forward_hook(last.take)
    try:
        yield last
    finally:
        hook.remove()


def seen_of(picture_px: tuple[int, int], shown_px: tuple[int, int], *, is_cropped: bool) -> View:
    """What a tower sees of a picture that is scaled in proportion and cropped, or padded."""
    (width, height), (shown_width, shown_height) = picture_px, shown_px
    choose = max if is_cropped else min
    scale = choose(shown_width / width, shown_height / height)
    return View.centred(shown_width / (scale * width), shown_height / (scale * height))


def _last_with_places(visual: Any) -> torch.nn.Module:
    """The last module that gives out places; a tower of no known kind itself, which gives none."""
    module: torch.nn.Module = visual
    if hasattr(visual, "trunk"):
        module = _last_of_timm(visual.trunk) or visual
    elif hasattr(visual, "transformer"):
        module = _last_of_transformer(visual)
    elif hasattr(visual, "layer4"):  # a ResNet of OpenAI's kind
        module = visual.layer4
    return module


def _last_of_transformer(visual: Any) -> Any:
    """Of open_clip's own vision transformer."""
    if getattr(visual, "attn_pool", None) is not None:
        return visual.attn_pool.ln_k
    if visual.pool_type == "tok":
        return visual.transformer.resblocks[-1].ln_1
    return visual.transformer if visual.final_ln_after_pool else visual.ln_post


def _last_of_timm(trunk: Any) -> Any | None:
    """Of a timm network: a vision transformer, or one that says where its stages are."""
    if hasattr(trunk, "num_prefix_tokens") and hasattr(trunk, "blocks"):
        pools_class_token = getattr(trunk, "global_pool", "") in ("token", "")
        return getattr(trunk.blocks[-1], "norm1", None) if pools_class_token else trunk.norm
    return trunk.get_submodule(trunk.feature_info[-1]["module"]) if _is_told(trunk) else None


def _is_told(trunk: Any) -> bool:
    """Whether a timm network says where its last map is, channels first."""
    return bool(getattr(trunk, "feature_info", None)) and (
        getattr(trunk, "output_fmt", "NCHW") == "NCHW"
    )


def _n_prefix_tokens(visual: Any) -> int:
    """How many tokens stand before those of patches: the class token, registers."""
    if (trunk := getattr(visual, "trunk", None)) is not None:
        return int(getattr(trunk, "num_prefix_tokens", 0))
    return 1
