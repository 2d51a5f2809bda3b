"""Where a command writes: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console

_WIDTH_IN_A_PIPE = 160  # a table that nobody sees as a screen should not be cut to 80 columns


def out() -> Console:
    """The console for results, on standard output."""
    return _wide(Console(highlight=False))


def err() -> Console:
    """The console for progress and remarks, on standard error."""
    return _wide(Console(stderr=True, highlight=False))


def print_json(document: Any) -> None:
    """One JSON document on standard output, in UTF-8 whatever the terminal's locale."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    sys.stdout.flush()
    # half a character, as broken feeds have it, is an escape in JSON too
    sys.stdout.buffer.write(text.encode(errors="backslashreplace") + b"\n")


def print_json_line(document: Any) -> None:
    """One JSON document on a line of its own, at once: whoever reads along waits for it."""
    sys.stdout.flush()
    sys.stdout.buffer.write(json.dumps(document, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()


def _wide(console: Console) -> Console:
    if not console.is_terminal:
        console.width = _WIDTH_IN_A_PIPE
    return console
