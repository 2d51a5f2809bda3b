"""Loads an open_clip model, its picture transform and its tokenizer, or says what to do.

Weights are safetensors, or read with weights_only: nothing is unpickled, and no code of a model
repository is run. What the hub once gave is used from the local cache without asking again, so that
an encoder id keeps its weights; a hub that does not answer is found out in seconds.
"""

from __future__ import annotations

import difflib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shopsearch.encoders import torchvision_operators

torchvision_operators.ensure()

import httpx  # noqa: E402
import huggingface_hub  # noqa: E402
import open_clip  # noqa: E402
import torch  # noqa: E402
from huggingface_hub import constants as hub  # noqa: E402

from shopsearch.encoders.openclip_id import CONFIG_NAME, OpenClipSource, Route  # noqa: E402
from shopsearch.errors import EncoderUnavailable  # noqa: E402

if TYPE_CHECKING:
    from PIL.Image import Image

Loaded = TypeVar("Loaded")

_HUB_TIMEOUT_S = 5.0
_loading = threading.RLock()  # the hub's offline switch is one for the whole process


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """An open_clip model with what belongs to it."""

    network: Any  # a torch module with encode_image and encode_text
    transform: Callable[[Image], torch.Tensor]  # a picture -> (3, H, W)
    tokenize: Callable[[list[str]], torch.Tensor]  # N texts -> (N, L) ids
    crops_centre: bool  # the transform scales the shortest side and takes a square of the middle
    squashes: bool  # the transform changes the shape of a picture to that of the model


def load(
    source: OpenClipSource, *, device: str, precision: str, cache_dir: Path | None
) -> LoadedModel:
    """The model, ready for inference. Raises `EncoderUnavailable`."""
    _check_names(source)
    cache = None if cache_dir is None else str(cache_dir)
    with _loading, _explained(source):
        config = _configuration(source, cache)
        network, transform = _with_hub(
            lambda: open_clip.create_model_from_pretrained(
                source.model,
                source.pretrained,
                device=device,
                precision=precision,
                cache_dir=cache,
                force_quick_gelu=_wants_quick_gelu(source),
            ),
            needs_hub=source.route in (Route.TAG, Route.HUB) or "hf_model_name" in config,
        )
        text = config.get("text_cfg", {})
        own_tokenizer = bool(text.get("hf_tokenizer_name"))
        # a configuration from outside must not switch on code from outside
        safely = {"trust_remote_code": False} if own_tokenizer else {}
        tokenizer = _with_hub(
            lambda: open_clip.get_tokenizer(source.model, cache_dir=cache, **safely),
            needs_hub=source.route is Route.HUB
            or (
                source.route is not Route.FOLDER
                and (own_tokenizer or "siglip" in source.model.lower())
            ),
        )
    resize_mode = network.visual.preprocess_cfg.get("resize_mode")
    return LoadedModel(
        network=network.eval().requires_grad_(requires_grad=False),
        transform=transform,
        tokenize=tokenizer,
        crops_centre=resize_mode == "shortest",
        squashes=resize_mode == "squash",
    )


def _check_names(source: OpenClipSource) -> None:
    """Unknown names get the known ones that are close."""
    if source.route not in (Route.TAG, Route.FILE):
        return
    if source.model not in open_clip.list_models():
        close = difflib.get_close_matches(source.model, open_clip.list_models(), n=5, cutoff=0.4)
        raise EncoderUnavailable(
            f"open_clip knows no model {source.model!r}; "
            + (f"did you mean {', '.join(close)}?" if close else "see open_clip.list_models()")
        )
    tags = open_clip.list_pretrained_tags_by_model(source.model)
    if source.route is Route.TAG and source.pretrained not in tags:
        raise EncoderUnavailable(
            f"open_clip has no weights {source.pretrained!r} for {source.model}, and there is no "
            f"such file; " + (f"it has {', '.join(tags)}" if tags else "name a weights file")
        )


def _configuration(source: OpenClipSource, cache: str | None) -> dict[str, Any]:
    """The architecture, before anything large is read."""
    if source.route is Route.FOLDER:
        path = Path(source.model.partition(":")[2]) / CONFIG_NAME
    elif source.route is Route.HUB:
        path = Path(_hub_file(source.model.partition(":")[2], cache))
    else:
        architecture: dict[str, Any] = open_clip.get_model_config(source.model)
        return architecture
    written = json.loads(path.read_text("utf-8"))
    if not isinstance(written, dict) or not isinstance(written.get("model_cfg"), dict):
        raise ValueError(f"{path.name} has no 'model_cfg'")
    config: dict[str, Any] = written["model_cfg"]
    return config


def _hub_file(repository: str, cache: str | None) -> str:
    path: str = _with_hub(
        lambda: huggingface_hub.hf_hub_download(repository, CONFIG_NAME, cache_dir=cache),
        needs_hub=True,
    )
    return path


def _wants_quick_gelu(source: OpenClipSource) -> bool:
    """Some tags were trained with another activation than the model of that name has."""
    if source.route is not Route.TAG:
        return False
    return bool(open_clip.get_pretrained_cfg(source.model, source.pretrained).get("quick_gelu"))


def _with_hub(load: Callable[[], Loaded], *, needs_hub: bool) -> Loaded:
    """Load from the local cache; only what it lacks is asked for at the hub, if that answers."""
    if not needs_hub:
        with _offline():
            return load()
    try:
        with _offline(), _unlogged():
            return load()
    except Exception as error:
        if hub.HF_HUB_OFFLINE:
            raise EncoderUnavailable(_not_cached("HF_HUB_OFFLINE is set")) from error
        if (problem := _hub_problem()) is not None:
            raise EncoderUnavailable(_not_cached(f"it does not answer ({problem})")) from error
    return load()


@contextmanager
def _offline() -> Iterator[None]:
    """The hub's client uses its cache alone, and fails at once where that lacks a file."""
    before = hub.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keeps what open_clip logs as errors to itself: the next attempt may well succeed."""
    root, thread = logging.getLogger(), threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    root.addFilter(is_of_others)
    try:
        yield
    finally:
        root.removeFilter(is_of_others)


def _hub_problem() -> str | None:
    """Why the hub cannot be reached; None when it answers. Its client tries for a minute."""
    try:
        httpx.head(hub.ENDPOINT, timeout=_HUB_TIMEOUT_S)
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return None


def _not_cached(reason: str) -> str:
    return (
        f"the model is not in the local cache, and the hub {hub.ENDPOINT} is out of reach: {reason}"
    )


@contextmanager
def _explained(source: OpenClipSource) -> Iterator[None]:
    """Whatever open_clip and the libraries below it raise, with what to do about it."""
    named = source.model if source.pretrained is None else f"{source.model} / {source.pretrained}"
    try:
        yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise EncoderUnavailable(
            f"the open_clip model {named} cannot be loaded: {reason}; {_REMEDY[source.route]}"
        ) from error


_REMEDY = {
    Route.TAG: "connect to the hub once, or name a weights file in SHOPSEARCH_OPENCLIP_PRETRAINED, "
    "or use the compact encoder, which needs no download",
    Route.HUB: "check the id (private models need HF_TOKEN), connect to the hub once, or use a "
    "local-dir: folder or the compact encoder, which need no download",
    Route.FILE: "check that the file is whole, holds weights alone and belongs to this model",
    Route.FOLDER: f"check that its {CONFIG_NAME}, weights and tokenizer files are whole and belong "
    "together",
}
