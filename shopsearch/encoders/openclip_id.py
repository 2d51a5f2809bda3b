"""Where an open_clip model comes from, and the encoder id that follows from it.

Torch is not needed here: a run that finds every embedding in the cache never loads the model.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from shopsearch.errors import EncoderUnavailable

CONFIG_NAME = "open_clip_config.json"
_FOLDER, _HUB = "local-dir:", "hf-hub:"
_WEIGHTS = (".safetensors", ".bin", ".pth")  # what open_clip looks for in a folder
_TOKENIZER = (".json", ".txt", ".model")
_WEIGHTS_FILE = (".safetensors", ".pt", ".pth", ".bin", ".npz")


class Route(StrEnum):
    """Where the weights lie."""

    TAG = "tag"  # the hub, by the name of an architecture and of a training run
    FILE = "file"  # a file, for an architecture by name
    HUB = "hub"  # a hub repository with its own configuration
    FOLDER = "folder"  # a folder with its own configuration


@dataclass(frozen=True, slots=True)
class OpenClipSource:
    """A model as open_clip wants it named."""

    route: Route
    model: str
    pretrained: str | None = None
    files: tuple[Path, ...] = ()  # what the embeddings depend on, where it lies on this machine


def locate(model: str, pretrained: str | None) -> OpenClipSource:
    """Where a model comes from. Raises `EncoderUnavailable` when files of it are missing.

    `pretrained` is a tag or a weights file; folders and hub repositories have weights of their own.
    """
    if model.startswith((_FOLDER, _HUB)):
        if pretrained:
            raise EncoderUnavailable(
                f"the open_clip model {model!r} brings its own weights, but {pretrained!r} was "
                "named as well: unset SHOPSEARCH_OPENCLIP_PRETRAINED"
            )
        return _folder(model) if model.startswith(_FOLDER) else OpenClipSource(Route.HUB, model)
    name = model.replace("/", "-")
    if not pretrained:
        raise EncoderUnavailable(
            f"the open_clip model {model!r} has no weights without a pretrained tag or a weights "
            "file: set SHOPSEARCH_OPENCLIP_PRETRAINED"
        )
    path = Path(pretrained).expanduser()
    if path.is_file():
        return OpenClipSource(Route.FILE, name, str(path), (path,))
    if path.suffix in _WEIGHTS_FILE or len(path.parts) > 1 or path.is_dir():
        raise EncoderUnavailable(f"there is no weights file at {str(path)!r}; check the path")
    return OpenClipSource(Route.TAG, name, pretrained.lower().replace("-", "_"))


def openclip_id(model: str, pretrained: str | None) -> str:
    """Names the weights: by their SHA-256 where they are files, by their tag or repository else.

    A folder counts with its configuration, weights and tokenizer, wherever it lies. Hub
    repositories count by name: what was once downloaded stays in use.
    """
    source = locate(model, pretrained)
    if source.route is Route.HUB:
        return f"openclip/{source.model}"
    if source.route is Route.TAG:
        return f"openclip/{source.model}/{source.pretrained}"
    digest = hashlib.sha256()
    for path in source.files:
        status = path.stat()
        digest.update(_file_digest(path, status.st_size, status.st_mtime_ns))
    name = "local-dir" if source.route is Route.FOLDER else source.model
    return f"openclip/{name}/{digest.hexdigest()[:12]}"


def _folder(model: str) -> OpenClipSource:
    folder = Path(model.removeprefix(_FOLDER)).expanduser()
    if not folder.is_dir():
        raise EncoderUnavailable(f"there is no folder {str(folder)!r} with an open_clip model")
    if not (folder / CONFIG_NAME).is_file():
        raise EncoderUnavailable(
            f"the folder {str(folder)!r} has no {CONFIG_NAME}; "
            "save the model there as open_clip does for the hub, configuration and weights together"
        )
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not any(path.suffix in _WEIGHTS for path in files):
        raise EncoderUnavailable(
            f"the folder {str(folder)!r} has a {CONFIG_NAME} but no weights; "
            "put open_clip_model.safetensors beside it"
        )
    relevant = tuple(path for path in files if path.suffix in (*_WEIGHTS, *_TOKENIZER))
    return OpenClipSource(Route.FOLDER, f"{_FOLDER}{folder}", files=relevant)


@functools.lru_cache(maxsize=64)
def _file_digest(path: Path, _size: int, _mtime_ns: int) -> bytes:
    """The name and content of a file, read once while its size and time stay the same."""
    with path.open("rb") as file:
        return path.suffix.encode() + hashlib.file_digest(file, "sha256").digest()
