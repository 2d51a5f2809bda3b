"""What is asked of an enrichment, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shopsearch.enriching.methods import Method
from shopsearch.enriching.quality import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a merchandiser asks for."""

    attributes: tuple[str, ...] = ()  # none: category, color and gender
    method: Method = Method.AUTO
    min_probability: float = 0.8  # below it nothing is proposed
    values: tuple[str, ...] = ()  # the values that may be proposed; none: those that products have
    min_titles: int = 5  # a value of fewer different titles is not learned
    max_examples: int = 5_000  # products that teach and measure, drawn by the seed
    seed: int = 0
    measure_all: bool = False  # also the attributes that every product has


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value for a product that lacks one."""

    product_id: str
    attribute: str
    value: str
    probability: float
    method: Method
    top: tuple[tuple[str, float], ...]  # the likeliest values, the proposed one first

    def as_json(self) -> dict[str, Any]:
        """The stable shape of `enrich --json`."""
        return {
            "product_id": self.product_id,
            "attribute": self.attribute,
            "value": self.value,
            "probability": round(self.probability, 4),
            "method": str(self.method),
            "top": [{"value": value, "probability": round(p, 4)} for value, p in self.top],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeOutcome:
    """What came of one attribute. Where `method` is None nothing was predicted: see `reason`."""

    attribute: str
    reason: str  # why this method, or why none
    have: int = 0  # products that have a value
    lack: int = 0  # products that have none
    not_indexed: int = 0  # of these, how many the live index does not hold as they are now
    examples: int = 0  # products that taught and measured
    unusable: int = 0  # products that could not: nothing is left of them without the value
    method: Method | None = None
    values: tuple[str, ...] = ()  # that could be proposed
    rare: Mapping[str, int] = field(default_factory=dict)  # values too rare to be learned: products
    calibrated: bool = True  # whether the probabilities were measured to mean what they say
    qualities: Mapping[Method, Quality] = field(default_factory=dict)
    proposals: tuple[Proposal, ...] = ()

    @property
    def quality(self) -> Quality | None:
        """The measures of the method in use; None where no product could measure it."""
        return None if self.method is None else self.qualities.get(self.method)

    def as_json(self) -> dict[str, Any]:
        """The stable shape of `enrich --json`, without the proposals."""
        return {
            "attribute": self.attribute,
            "method": None if self.method is None else str(self.method),
            "reason": self.reason,
            "have": self.have,
            "lack": self.lack,
            "not_indexed": self.not_indexed,
            "examples": self.examples,
            "unusable": self.unusable,
            "proposed": len(self.proposals),
            "values": list(self.values),
            "not_learned": dict(self.rare),
            "calibrated": self.calibrated,
            "quality": {str(method): q.as_json() for method, q in self.qualities.items()},
        }


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What came of all attributes."""

    generation: str  # the index generation whose vectors were read
    outcomes: tuple[AttributeOutcome, ...]
    min_probability: float
    seconds: float

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """All proposals, attribute by attribute, in the order of the store."""
        return tuple(proposal for outcome in self.outcomes for proposal in outcome.proposals)

    def as_json(self) -> dict[str, Any]:
        """The stable shape of `enrich --json`."""
        return {
            "generation": self.generation,
            "min_probability": self.min_probability,
            "attributes": [outcome.as_json() for outcome in self.outcomes],
            "proposals": [proposal.as_json() for proposal in self.proposals],
            "seconds": round(self.seconds, 3),
        }
