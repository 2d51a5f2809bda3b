"""What is asked to be recommended, what is answered, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shopsearch.domain.answers import Hit, RuleAction, SearchPage
from shopsearch.domain.events import EventKind
from shopsearch.domain.filters import EVERYTHING, ProductFilter

MAX_EXAMPLES = 50  # liked ones, and as many disliked
MAX_SEEDS = 50  # products at hand, as those of a basket
MAX_DEEDS = 200  # of one visitor, the latest
MAX_RECOMMENDED = 100


class Strategy(StrEnum):
    """How several examples are taken together."""

    AVERAGE_VECTOR = "average_vector"  # one vector of all of them
    BEST_SCORE = "best_score"  # each candidate by the example that it is most like


class Fallback(StrEnum):
    """What was recommended instead, where nothing was known to go by."""

    COMPLEMENTARY = "complementary"
    TRENDING = "trending"
    POPULARITY = "popularity"  # the catalog's own: sales, reviews or ratings
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarTo:
    """What is like one product. `text_weight`: 0 looks like it, 1 is described like it; None goes
    by the vector that fuses both.
    """

    product_id: str
    text_weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByExamples:
    """What is like the liked and unlike the disliked products; one of them at least."""

    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    strategy: Strategy = Strategy.AVERAGE_VECTOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """That a visitor had to do with a product."""

    product_id: str
    kind: EventKind = EventKind.VIEW
    days_ago: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHistory:
    """What fits what a visitor did: as told, and as the event store knows of the `visitor`."""

    deeds: tuple[Deed, ...] = ()
    visitor: str = ""
    half_life_days: float = 14.0
    max_interests: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtTogether:
    """What was bought in one basket with these products."""

    product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complementary:
    """What goes with these products, out of other categories."""

    product_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trending:
    """What visitors turn to: the last `days` against as many before them."""

    days: float = 7.0
    category: str = ""  # and those below it; "": all


Wanting = SimilarTo | ByExamples | ByHistory | BoughtTogether | Complementary | Trending


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommend:
    """One request."""

    wanting: Wanting
    where: ProductFilter = EVERYTHING
    k: int = 10
    diversity: float = 0.0  # 0..1, as in a search
    collapse: bool = True  # whether variants are one hit, and those of what is asked about none


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """It is like a product: the one asked about, a liked one, or the disliked one that it is least
    unlike.
    """

    kind: str  # similar, like, dislike
    product_id: str
    cosine: float
    text_cosine: float | None = None  # of what is told of both, where that was weighed
    image_cosine: float | None = None

    @property
    def text(self) -> str:
        """For people."""
        verb = {"similar": "like", "like": "like the liked", "dislike": "unlike the disliked"}
        return f"{verb[self.kind]} {self.product_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfInterest:
    """It is like some of the products that the visitor had to do with."""

    product_ids: tuple[str, ...]  # of the interest, the weightiest first; at most three
    share: float  # 0..1: of all that the visitor did
    cosine: float  # to the interest
    kind: str = "interest"

    @property
    def text(self) -> str:
        """For people."""
        return f"like {', '.join(self.product_ids)}, {self.share:.0%} of the visitor's interest"


@dataclass(frozen=True, slots=True, kw_only=True)
class WasBoughtWith:
    """It was in one basket with a product at hand."""

    product_id: str
    n_together: int  # baskets
    lift: float  # shrunk: times more often than by chance
    kind: str = "bought_together"

    @property
    def text(self) -> str:
        """For people."""
        times = "once" if self.n_together == 1 else f"{self.n_together:,} times"
        return f"bought {times} with {self.product_id}, {self.lift:.1f} times as often as by chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoesWith:
    """Its category goes with that of a product at hand, and within it, it is like that product."""

    product_id: str
    category: str
    share: float  # 0..1: of what goes with the product's category
    n_baskets: int  # meetings of the two categories that say so; 0: pictures and words alone
    cosine: float
    kind: str = "complementary"

    @property
    def text(self) -> str:
        """For people."""
        by = f"{self.n_baskets:,} baskets" if self.n_baskets else "pictures and words alone"
        return f"{self.category} goes with {self.product_id}, by {by}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsTrending:
    """Visitors turned to it more than before."""

    growth: float  # shrunk: times more often than the stretch before told to expect
    n_events: int
    n_before: int
    kind: str = "trending"

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.n_events:,} events after {self.n_before:,} before, {self.growth:.1f} times"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsPopular:
    """Visitors had to do with it, though no more than before."""

    n_events: int
    kind: str = "popular"

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.n_events:,} events"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsColdStart:
    """Nothing is known of it that was asked for: it is here by what the catalog tells."""

    basis: Fallback
    kind: str = "cold_start"

    @property
    def text(self) -> str:
        """For people."""
        if self.basis is Fallback.POPULARITY:
            return "popular by the catalog's own numbers; no events tell more"
        return "new in the catalog; no events tell more"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsRuled:
    """A merchandising rule touched it."""

    rule: str
    action: RuleAction
    by: float  # the position of a pin, else the factor
    kind: str = "rule"

    @property
    def text(self) -> str:
        """For people."""
        done = {"pin": "pinned", "boost": "boosted", "bury": "buried"}[self.action.value]
        return f"{done} by the rule {self.rule!r}"


Reason = (
    Alike | OfInterest | WasBoughtWith | GoesWith | IsTrending | IsPopular | IsColdStart | IsRuled
)


@dataclass(frozen=True, slots=True)
class Recommended:
    """A hit, and why it is one; the weightiest reason first."""

    hit: Hit
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendations:
    """The answer. Scores are in [-1, 1], and never rise with the rank but where several interests
    or categories take turns, a rule has moved a hit, or diversity is asked for.
    """

    hits: tuple[Recommended, ...]
    total: int  # how many products could have been recommended; variants once where collapsed
    took_ms: float
    generation: str
    unknown: tuple[str, ...] = ()  # ids that were named and that the catalog does not hold
    fallback: Fallback | None = None

    @property
    def page(self) -> SearchPage:
        """The same as a page of hits, without what is told of each."""
        return SearchPage(
            hits=tuple(one.hit for one in self.hits),
            total=self.total,
            took_ms=self.took_ms,
            generation=self.generation,
        )
