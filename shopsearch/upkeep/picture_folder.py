"""The files below `images/`: working copies, thumbnails, fetched pictures, shard by shard.

Both the library and the fetcher keep a file under the first two digits of its name's hash, so one
of 256 folders is looked at at a time and memory stays small.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SHARDS = tuple(f"{number:02x}" for number in range(256))
FETCHED = "fetched"

_COPY = re.compile(r"(?P<hash>[0-9a-f]{64})\.jpg")
_THUMBNAIL = re.compile(r"(?P<hash>[0-9a-f]{64})\.\d{1,4}\.webp")
_FETCHED = re.compile(r"[0-9a-f]{64}")
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{64}\S*-\d+-\d+")


@dataclass(slots=True)
class Shard:
    """The files of one folder, by the hash that they belong to."""

    copies: dict[str, Path] = field(default_factory=dict)
    thumbnails: dict[str, list[Path]] = field(default_factory=dict)
    fetched: dict[str, Path] = field(default_factory=dict)
    half_written: list[Path] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)


def read_shard(images: Path, name: str) -> Shard:
    """The working copies and thumbnails whose hash begins so."""
    shard = Shard()
    for path in _files(images / name):
        if (match := _COPY.fullmatch(path.name)) and match["hash"].startswith(name):
            shard.copies[match["hash"]] = path
        elif (match := _THUMBNAIL.fullmatch(path.name)) and match["hash"].startswith(name):
            shard.thumbnails.setdefault(match["hash"], []).append(path)
        else:
            _sort_out(path, shard)
    return shard


def read_fetched(images: Path, name: str) -> Shard:
    """The fetched pictures whose address's hash begins so."""
    shard = Shard()
    for path in _files(images / FETCHED / name):
        if _FETCHED.fullmatch(path.name) and path.name.startswith(name):
            shard.fetched[path.name] = path
        else:
            _sort_out(path, shard)
    return shard


def working_copies(images: Path) -> Iterator[Path]:
    """All working copies, in the order of their hashes."""
    for name in SHARDS:
        copies = read_shard(images, name).copies
        yield from (copies[content_hash] for content_hash in sorted(copies))


def is_older(path: Path, seconds: float) -> bool:
    """Whether a file was written so long ago; False where it is gone."""
    try:
        return time.time() - path.stat().st_mtime >= seconds
    except FileNotFoundError:
        return False


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _sort_out(path: Path, shard: Shard) -> None:
    kind = shard.half_written if _HALF_WRITTEN.fullmatch(path.name) else shard.unknown
    kind.append(path)
