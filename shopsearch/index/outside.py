"""What indexes keep outside of the folders of their generations, and who looks after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that is not as it should be."""

    what: str
    remedy: str
    is_fault: bool = True  # else nothing is wrong, but somebody should know


class Outside(Protocol):
    """Looks after what generations keep on a server. Each method raises `IndexFault`."""

    @property
    def trouble(self) -> str:
        """Why the server is not asked at the moment; "" where it is, or was not yet."""

    def went_live(self, folder: Path, kept: Sequence[Path]) -> None:
        """Point those who look from elsewhere at the generation in a folder."""

    def tidy(self, kept: Sequence[Path]) -> None:
        """Remove what none of the kept generations needs. Whoever calls holds the lock."""

    def about(self) -> str:
        """What it is, in words; the server is asked."""

    def remarks(self, live: Path, kept: Sequence[Path]) -> Iterator[Remark]:
        """What is not as the live generation, and the kept ones, say."""
