"""Business signals: what a shop wants its products to be weighed by, whatever is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from shopsearch.errors import SignalError

POPULARITY = "popularity"
MARGIN = "margin"
STOCK = "stock"
FRESHNESS = "freshness"

MAX_WEIGHT = 5.0  # a factor of 32 at most
MAX_NAME_CHARS = 64
MAX_HALF_LIFE_DAYS = 36_500.0
DEFAULT_HALF_LIFE_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Signal:
    """A named signal and how much it weighs. Raises `SignalError`.

    Names are popularity, margin, stock, freshness, or a field of the feed with numbers in it.
    """

    name: str
    weight: float  # 1: at best the odds of a score are doubled, at worst halved; may be negative
    half_life_days: float = DEFAULT_HALF_LIFE_DAYS  # of freshness alone

    def __post_init__(self) -> None:
        if not (0 < len(self.name) <= MAX_NAME_CHARS and self.name.isprintable()):
            raise SignalError(
                f"{self.name[:80]!r} is no name of a signal; it has from 1 to {MAX_NAME_CHARS} "
                "characters that can be printed"
            )
        if not abs(self.weight) <= MAX_WEIGHT:  # so that NaN is refused too
            raise SignalError(
                f"the weight of {self.name!r} is {self.weight:g}, but must be from "
                f"{-MAX_WEIGHT:g} to {MAX_WEIGHT:g}; 0.3 is gentle, 1 doubles at best"
            )
        if not (0 < self.half_life_days <= MAX_HALF_LIFE_DAYS):
            raise SignalError(
                f"the half-life of {self.name!r} is {self.half_life_days:g} days, but must be "
                f"above 0 and at most {MAX_HALF_LIFE_DAYS:g}"
            )

    @property
    def has_half_life(self) -> bool:
        """Whether it grows old."""
        return self.name == FRESHNESS

    @property
    def most(self) -> float:
        """The factor at the upper end of the signal; below 1 where the weight is negative."""
        return float(2.0**self.weight)


@dataclass(frozen=True, slots=True)
class SignalEffect:
    """What a signal did to a hit."""

    signal: str  # its name
    value: float | None  # 0..1; None: not known, and so neutral
    weight: float
    factor: float  # of the odds of the score: 1 does nothing
    part: float | None = None  # of the score; None where there are no scores
