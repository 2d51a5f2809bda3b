"""Categories that the neighbours of a product disagree with.

A product's nearest products, by picture and words together, vote for every level of the category
path; it has no vote itself, nor have its variants. Where most are in another branch and hardly any
in the own one, the category is suspicious from that level on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.neighbours import Nearest
from shopsearch.auditing.snapshot import CatalogSnapshot
from shopsearch.domain import CATEGORY_SEPARATOR

N_VOTERS = 10
MIN_VOTERS = 5
AGREED = 0.6  # share of votes from which another category is proposed
OWN_AT_MOST = 0.2  # share of votes up to which the own category is doubted

NAME = "categories"


@dataclass(frozen=True, slots=True)
class SuspiciousCategory:
    """A product that seems to be in the wrong category. Shares are those of the votes."""

    product_id: str
    title: str
    category: str
    proposed: str  # as deep as most votes agree
    level: int  # the first level that differs, from 1
    proposed_share: float
    own_share: float  # at that level
    n_voters: int
    neighbours: tuple[str, ...]  # ids of the voters, the nearest first
    image_hash: str

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return (self.product_id,)


def suspicious_categories(snapshot: CatalogSnapshot, near: Nearest) -> Section:
    """Every product whose neighbours agree on another category; the most united first."""
    paths = [
        tuple(product.product_type.split(CATEGORY_SEPARATOR)) if product.product_type else ()
        for product in snapshot.products
    ]
    sizes = Counter(path[:n] for path in paths for n in range(1, len(path) + 1))
    voters = near.without_same(snapshot.groups).places  # (N, K)
    found, n_checked = [], 0
    for place, path in enumerate(paths):
        electors = [n for n in voters[place].tolist() if n >= 0 and paths[n]][:N_VOTERS]
        if not path or len(electors) < MIN_VOTERS:
            continue
        n_checked += 1
        if finding := _outvoted(snapshot, place, electors, paths, sizes):
            found.append(finding)
    found.sort(key=lambda one: (-one.proposed_share, one.own_share, one.level))
    return Section(
        name=NAME,
        title="Suspicious categories",
        n_checked=n_checked,
        findings=found,
        columns=columns_of(SuspiciousCategory),
        remarks=() if n_checked else ("no product has a category and neighbours that have one",),
    )


def _outvoted(
    snapshot: CatalogSnapshot,
    place: int,
    electors: Sequence[int],
    paths: Sequence[tuple[str, ...]],
    sizes: Counter[tuple[str, ...]],
) -> SuspiciousCategory | None:
    path = paths[place]
    for level in range(1, len(path) + 1):
        if sizes[path[:level]] <= MIN_VOTERS:
            return None  # too small a category to have votes, whoever belongs to it
        votes = Counter(paths[n][:level] for n in electors)
        (leader, n_votes), own = votes.most_common(1)[0], votes[path[:level]]
        n = len(electors)
        if leader == path[:level] or n_votes < AGREED * n or own > OWN_AT_MOST * n:
            continue
        product = snapshot.products[place]
        return SuspiciousCategory(
            product_id=product.product_id,
            title=product.title,
            category=product.product_type,
            proposed=CATEGORY_SEPARATOR.join(_deepest(leader, electors, paths)),
            level=level,
            proposed_share=n_votes / n,
            own_share=own / n,
            n_voters=n,
            neighbours=tuple(snapshot.products[n].product_id for n in electors),
            image_hash=snapshot.image_hashes[place] or "",
        )
    return None


def _deepest(
    leader: tuple[str, ...], electors: Sequence[int], paths: Sequence[tuple[str, ...]]
) -> tuple[str, ...]:
    """From a leading category down, as long as one below it has votes enough."""
    while True:
        below = Counter(
            paths[n][: len(leader) + 1]
            for n in electors
            if paths[n][: len(leader)] == leader and len(paths[n]) > len(leader)
        )
        if not below or below.most_common(1)[0][1] < AGREED * len(electors):
            return leader
        leader = below.most_common(1)[0][0]
