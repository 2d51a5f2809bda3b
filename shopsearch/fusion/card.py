"""The weights of a learned fusion on disk: which method, of which size, made for which encoder.

Torch is not needed here: what a file is, and the id that follows from it, is known without loading.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors

from shopsearch.errors import FusionMismatch, FusionUnavailable

FORMAT = "shopsearch-fusion-1"
ABOUT = "shopsearch"  # the entry of the file's metadata that tells all this
SHIPPED = Path(__file__).parent / "weights"
SUFFIX = ".safetensors"
AUTO, AVERAGE = "auto", "average"  # what a setting may name beside methods and files
DEFAULT_METHOD = "gated"  # whose shipped weights `auto` takes: docs/relevance.md says why
REMEDY = "train one with `shopsearch train fusion`, or unset SHOPSEARCH_FUSION"

_UNREADABLE = (OSError, ValueError, TypeError, KeyError, safetensors.SafetensorError)


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionCard:
    """What a file of weights says about itself."""

    method: str
    dimension: int  # of the embeddings that it fuses
    encoder_id: str  # whose embeddings it learned from
    sizes: Mapping[str, Any] = field(default_factory=dict)  # of the method's own parts

    def check(self, encoder_id: str, path: Path) -> None:
        """Raise `FusionMismatch` where the weights were trained for another encoder."""
        if self.encoder_id != encoder_id:
            raise FusionMismatch(
                f"the fusion weights {path} were trained for the encoder {self.encoder_id!r}, but "
                f"the settings name {encoder_id!r}: train them anew with `shopsearch train fusion "
                f"--method {self.method}`, or set SHOPSEARCH_FUSION=average"
            )


def check_dimension(fusion_id: str, expected: int, given: int) -> None:
    """Raise `FusionMismatch` where embeddings have another length than the weights take."""
    if given != expected:
        raise FusionMismatch(
            f"the fusion {fusion_id} takes embeddings of {expected} "
            f"dimensions, but was given {given}: train one for this encoder with "
            "`shopsearch train fusion`, or set SHOPSEARCH_FUSION=average"
        )


def read_card(path: Path, remedy: str = REMEDY) -> FusionCard:
    """The card of a file of weights. Raises `FusionUnavailable`."""
    if not path.is_file():
        raise FusionUnavailable(f"there are no fusion weights at {path}; {remedy}")
    try:
        with safetensors.safe_open(path, framework="np") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {}).get(ABOUT, "{}"))
        if about.pop("format", None) != FORMAT:
            raise ValueError(f"its format is not {FORMAT!r}")
        return FusionCard(**about)
    except _UNREADABLE as error:
        raise FusionUnavailable(f"{path} holds no fusion weights ({error}); {remedy}") from error


def weights_id(path: Path) -> str:
    """Names method and weights: such as `gated-` and 8 digits of their SHA-256."""
    method = read_card(path).method
    return f"{method}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"


def weights_file(chosen: str) -> Path:
    """The file that a setting means: shipped weights by the method's name, or a path.

    Raises `FusionUnavailable` where the name is neither.
    """
    shipped = SHIPPED / f"{chosen}{SUFFIX}"
    if shipped.is_file():
        return shipped
    path = Path(chosen).expanduser()
    if path.is_file():
        return path
    names = ", ".join([AUTO, AVERAGE, *shipped_methods()])
    raise FusionUnavailable(
        f"SHOPSEARCH_FUSION={chosen!r} is no file, and no weights ship under that name; choose "
        f"from {names}, or train weights with `shopsearch train fusion --out FILE`"
    )


def shipped_methods() -> list[str]:
    """The methods whose weights ship with shopsearch."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{SUFFIX}"))


def default_weights() -> Path | None:
    """The shipped weights of the default method; None where none ship."""
    path = SHIPPED / f"{DEFAULT_METHOD}{SUFFIX}"
    return path if path.is_file() else None
