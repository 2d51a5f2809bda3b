"""Where the compact model's head lies, and the encoder id that follows from it.

Torch is not needed here: a run that finds every embedding in the cache never loads the towers.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from shopsearch.errors import EncoderUnavailable

PREPROCESSING = "224"  # part of the id: raise it whenever the same picture would give another row
INT8 = "-int8"  # ends the id of the encoder whose pictures are encoded in 8 bits
SHIPPED_HEAD = Path(__file__).parent / "weights" / "compact-head.safetensors"


def head_file(head: Path | None) -> Path:
    """The head to use: the one given, or the one that ships with shopsearch."""
    path = SHIPPED_HEAD if head is None else head
    if not path.is_file():
        raise EncoderUnavailable(_missing(path, is_shipped=head is None))
    return path


def compact_id(head: Path | None) -> str:
    """Names the preprocessing and the weights: `compact-224-` and 8 digits of their SHA-256."""
    digest = hashlib.sha256(head_file(head).read_bytes()).hexdigest()
    return f"compact-{PREPROCESSING}-{digest[:8]}"


def trained_for(encoder_id: str) -> str:
    """The encoder whose embeddings weights must have been trained on to fit this one: 8 bits change
    embeddings a little, and need no weights of their own.
    """
    return encoder_id.removesuffix(INT8)


def _missing(path: Path, *, is_shipped: bool) -> str:
    if is_shipped:
        return f"the head of the compact encoder is missing at {path}; reinstall shopsearch"
    return (
        f"there is no head for the compact encoder at {path}; "
        "train one with `shopsearch train head --out FILE`, or unset SHOPSEARCH_HEAD"
    )
