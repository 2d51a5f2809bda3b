"""Catalogs -> what a fusion learns from. Embeddings come over the same road as those of indexing.

The caller gives the two stations of that road: what prepares a product, and what encodes prepared
items, with its cache. So what was indexed once costs nothing here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRow, ModalityEmbeddings, PreparedItem, Product
from shopsearch.errors import ProductRejected, TrainingError
from shopsearch.training.feature_cache import Report
from shopsearch.training.fusion_lessons import UNTOLD, FusionLessons, codes_of
from shopsearch.training.fusion_split import Split, split_of
from shopsearch.training.fusion_views import N_VIEWED, other_views
from shopsearch.training.fusion_words import (
    BY_TITLE,
    COLOR,
    FACETS,
    Asked,
    color_queries,
    facets_of,
    queries_of,
    texts_of,
)

_BATCH = 256

Prepare = Callable[[Product], PreparedItem]  # raises ProductRejected
Encode = Callable[[Sequence[PreparedItem]], ModalityEmbeddings]
Stage = Callable[[str], Report]  # the name of a stage -> what its progress is reported to


@dataclass(frozen=True, slots=True)
class Road:
    """The two stations that embeddings come over."""

    prepare: Prepare
    encode: Encode


@dataclass(frozen=True, slots=True)
class ReadCatalogs:
    """The products of some catalogs as lessons, and which part each of them is in."""

    lessons: FusionLessons
    splits: Sequence[Split]  # of each product
    catalogs: Sequence[int]  # which of the feeds each is from
    product_ids: Sequence[str]
    n_rejected: int

    def part(self, split: Split) -> FusionLessons:
        """The lessons of one part."""
        return self.lessons.part(self.places(split))

    def places(self, split: Split) -> Tensor:
        """Where the products of one part are."""
        return torch.tensor(
            [n for n, of in enumerate(self.splits) if of is split], dtype=torch.long
        )


def read_catalogs(
    feeds: Sequence[Path],
    val: Path | None,
    road: Road,
    *,
    seed: int = 0,
    mapping: FieldMapping | None = None,
    stage: Stage,
) -> ReadCatalogs:
    """Read feeds and encode what they hold. Raises `TrainingError` where nothing is usable."""
    found = list(_products(feeds, val, mapping or FieldMapping()))
    return _lessons(found, ", ".join(str(feed) for feed in feeds), road, seed, stage)


def read_products(
    products: Sequence[Product], road: Road, *, seed: int = 0, stage: Stage
) -> ReadCatalogs:
    """The same of products that were read already and only measure: no views are made of them.

    Raises `TrainingError`.
    """
    found = [_Found(product, 0, Split.TEST) for product in products]
    return _lessons(found, "these products", road, seed, stage)


def _lessons(
    found: Sequence[_Found], names: str, road: Road, seed: int, stage: Stage
) -> ReadCatalogs:
    pictured, n_rejected = _with_pictures(found, road, stage("pictures"))
    if not pictured:
        raise TrainingError(
            f"{names}: no product of these can be used; `shopsearch index` says why"
        )
    products = [one.product for one in pictured]
    words = _Words(products, seed)
    texts = _encoded_texts(words.texts, road.encode, stage("words"))
    views, view_of = _encoded_views(pictured, road.encode, seed, stage("views"))
    images = np.stack([one.row for one in pictured])
    lessons = FusionLessons(
        images=torch.from_numpy(images).half(),
        has_image=torch.tensor([one.item.picture is not None for one in pictured]),
        texts=texts,
        told=words.told,
        queries=words.queries,
        asked=words.asked,
        facets=words.facets,
        titles=words.titles,
        views=views,
        view_of=view_of,
        catalogs=torch.tensor([one.catalog for one in pictured]),
        color_queries=words.color_queries,
    )
    splits = _splits([one.split for one in pictured], words.titles.tolist())
    ids = [product.product_id for product in products]
    return ReadCatalogs(lessons, splits, [one.catalog for one in pictured], ids, n_rejected)


@dataclass(frozen=True, slots=True)
class _Found:
    product: Product
    catalog: int
    split: Split


@dataclass(frozen=True, slots=True)
class _Pictured:
    product: Product
    catalog: int
    split: Split
    item: PreparedItem
    row: np.ndarray  # (D,)


def _products(feeds: Sequence[Path], val: Path | None, mapping: FieldMapping) -> Iterator[_Found]:
    for number, feed in enumerate(feeds):
        for product in _read(feed, mapping):
            yield _Found(product, number, split_of(product, has_val=val is not None))
    if val is not None:
        for product in _read(val, mapping):
            yield _Found(product, len(feeds), Split.VAL)


def _read(feed: Path, mapping: FieldMapping) -> Iterable[Product]:
    return (row.product for row in open_feed(feed, mapping=mapping) if isinstance(row, FeedRow))


def _splits(splits: Sequence[Split], titles: Sequence[int]) -> list[Split]:
    """A title is in one part only: where it is held out once, it is held out everywhere."""
    held: dict[int, Split] = {}
    for split, title in zip(splits, titles, strict=True):
        if split is not Split.TRAIN:
            held.setdefault(title, split)
    return [held.get(title, split) for split, title in zip(splits, titles, strict=True)]


def _with_pictures(
    found: Sequence[_Found], road: Road, report: Report
) -> tuple[list[_Pictured], int]:
    """The products that can be used, with the embedding of their picture."""
    kept: list[_Pictured] = []
    n_rejected = 0
    for start in range(0, len(found), _BATCH):
        some: list[tuple[_Found, PreparedItem]] = []
        for one in found[start : start + _BATCH]:
            try:
                some.append((one, road.prepare(one.product)))
            except ProductRejected:
                n_rejected += 1
        rows = _image_rows([item for _, item in some], road.encode)
        for (one, item), row in zip(some, rows, strict=True):
            kept.append(_Pictured(one.product, one.catalog, one.split, item, row))
        report(min(start + _BATCH, len(found)), len(found))
    width = max((len(one.row) for one in kept), default=0)
    return [_at_width(one, width) for one in kept], n_rejected


def _image_rows(items: Sequence[PreparedItem], encode: Encode) -> Sequence[np.ndarray]:
    """The embedding of each picture; of none where an item has none."""
    pictures = [PreparedItem(picture=item.picture) for item in items if item.picture is not None]
    rows = iter(encode(pictures).image) if pictures else iter(())
    nothing = np.zeros(0, dtype=np.float32)
    return [nothing if item.picture is None else next(rows) for item in items]


def _at_width(one: _Pictured, width: int) -> _Pictured:
    if len(one.row) == width:
        return one
    row = np.zeros(width, dtype=np.float32)
    return _Pictured(one.product, one.catalog, one.split, one.item, row)


def _encoded_texts(texts: Sequence[str], encode: Encode, report: Report) -> Tensor:
    """(T, D) in half precision: there are many."""
    parts = []
    for start in range(0, len(texts), _BATCH):
        rows = encode([PreparedItem(text) for text in texts[start : start + _BATCH]]).text
        parts.append(torch.from_numpy(rows).half())
        report(min(start + _BATCH, len(texts)), len(texts))
    return torch.cat(parts)


def _encoded_views(
    pictured: Sequence[_Pictured], encode: Encode, seed: int, report: Report
) -> tuple[Tensor, Tensor]:
    """(M, D) views of some pictures, and (M,) whose they are."""
    places = [n for n, one in enumerate(pictured) if one.item.picture is not None]
    places = [n for n in places if pictured[n].split is Split.TRAIN]
    drawn = sorted(random.Random(seed).sample(places, min(N_VIEWED, len(places))))  # noqa: S311 - views, not secrets
    rows, view_of = [], []
    for start in range(0, len(drawn), _BATCH):
        some = drawn[start : start + _BATCH]
        views = [
            (n, view)
            for n in some
            if (picture := pictured[n].item.picture) is not None
            for view in other_views(picture)
        ]
        rows.append(torch.from_numpy(encode([PreparedItem(picture=v) for _, v in views]).image))
        view_of += [n for n, _ in views]
        report(min(start + _BATCH, len(drawn)), len(drawn))
    width = max((len(one.row) for one in pictured), default=0)
    return torch.cat([torch.zeros(0, width), *rows]).half(), torch.tensor(view_of, dtype=torch.long)


class _Words:
    """All texts of the products, each once, and the numbers that point to them."""

    def __init__(self, products: Sequence[Product], seed: int) -> None:
        self._numbers: dict[str, int] = {}
        asked = [queries_of(p, random.Random(f"{seed} {p.product_id}")) for p in products]  # noqa: S311 - words, not secrets
        self.told = torch.tensor(
            [
                self._all((*texts_of(product), some[BY_TITLE].text))
                for product, some in zip(products, asked, strict=True)
            ]
        )
        self.queries = torch.tensor([self._all(a.text for a in some) for some in asked])
        self.asked = torch.tensor([[_flags(a) for a in some] for some in asked])  # (N, Q, F)
        values = list(zip(*(facets_of(product) for product in products), strict=True))
        coded = [codes_of(of_facet) for of_facet in values]
        self.facets = torch.tensor([codes for codes, _ in coded]).T.contiguous()  # (N, F)
        colors = coded[COLOR][1] or ["red"]  # no colour at all: nobody asks for this one
        self.color_queries = torch.tensor([self._all(color_queries(color)) for color in colors])
        titles = [product.title.casefold().strip() or product.product_id for product in products]
        self.titles = torch.tensor(codes_of(titles)[0])
        self.texts = list(self._numbers) or [" "]

    def _all(self, texts: Iterable[str]) -> list[int]:
        return [
            self._numbers.setdefault(text, len(self._numbers)) if text else UNTOLD for text in texts
        ]


def _flags(asked: Asked) -> list[bool]:
    return [place in asked.facets for place in range(len(FACETS))]
