"""What travels between the run and its workers. Nothing but values: no path, no connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.preprocessing.making import GivenPicture, MadeFiles
from shopsearch.settings import Settings

_OF_ENCODERS = (
    "home",  # for its models alone
    "encoder",
    "head",
    "openclip_model",
    "openclip_pretrained",
    "device",
    "runtime",
    "precision",
    "max_image_pixels",
)


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """All that a worker is told: what it decodes and encodes with, and nothing secret."""

    version: str  # of shopsearch
    encoder_id: str
    values: Mapping[str, Any]  # of those settings that encoders depend on
    thumbnail_sizes_px: tuple[int, ...]
    threads: int

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        version: str,
        encoder_id: str,
        thumbnail_sizes_px: tuple[int, ...],
        threads: int,
    ) -> WorkerPlan:
        """The plan under these settings, for workers of so many threads."""
        values = {name: getattr(settings, name) for name in _OF_ENCODERS}
        values["home"] = settings.home.resolve()
        return cls(version, encoder_id, values, thumbnail_sizes_px, threads)

    @property
    def settings(self) -> Settings:
        """The settings of a worker; its own environment says nothing."""
        return Settings.model_construct(**self.values, threads=self.threads)


@dataclass(frozen=True, slots=True)
class Started:
    """A worker that has loaded its model."""

    node: str
    pid: int


@dataclass(frozen=True, slots=True)
class CannotStart:
    """A worker that cannot encode as it should, and why."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """Contents that a worker shall encode."""

    texts: tuple[str, ...] = ()
    pictures: tuple[GivenPicture, ...] = ()

    def singles(self) -> Iterator[Parcel]:
        """Each content in a parcel of its own, in the order of `EncodedParcel.outcomes`."""
        yield from (Parcel(texts=(text,)) for text in self.texts)
        yield from (Parcel(pictures=(picture,)) for picture in self.pictures)

    @property
    def n_bytes(self) -> int:
        """How large it is, nearly."""
        return sum(len(one.encoded) for one in self.pictures) + sum(map(len, self.texts))


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """A picture that was encoded."""

    row: NDArray[np.float32] = field(repr=False)  # (D,)
    files: MadeFiles | None  # None where the working copy was given


Outcome = NDArray[np.float32] | EncodedPicture | str  # the row of a text, a picture, or why not


@dataclass(frozen=True, slots=True)
class EncodedParcel:
    """What became of a parcel, in its order."""

    texts: NDArray[np.float32]  # (T, D)
    pictures: tuple[EncodedPicture | str, ...]  # why, where one was refused

    @property
    def outcomes(self) -> list[Outcome]:
        """Of each text, then of each picture."""
        return [*self.texts, *self.pictures]


class ParcelLost(Exception):
    """Several workers ended while they had a parcel."""

    def __init__(self, parcel: Parcel, n_workers: int) -> None:
        super().__init__(
            f"{n_workers} workers ended while they encoded it; they may lack memory, or it is "
            "harmful: look at it, and index again"
        )
        self.parcel = parcel
