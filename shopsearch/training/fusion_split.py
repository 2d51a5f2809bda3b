"""Which products teach, which tell when to stop, and which only tell how good it is in the end."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from shopsearch.domain import Product

_VAL_PERCENT = 10
_TEST_PERCENT = 10


class Split(StrEnum):
    """The part that a product is in."""

    TRAIN = "train"
    VAL = "val"  # says when to stop
    TEST = "test"  # is looked at once, at the end


def split_of(product: Product, *, has_val: bool) -> Split:
    """The part of a product, by its title: products of one title are never in two parts.

    A column `split` of the feed that says val or test keeps a product for the end. With a catalog
    for validation of its own none is taken from the others.
    """
    told = product.attributes.get("split", "").casefold()
    if told in ("val", "test"):
        return Split.TEST
    title = product.title.casefold().strip() or product.product_id
    percent = int.from_bytes(hashlib.sha256(title.encode()).digest()[:4], "big") % 100
    if not has_val and percent < _VAL_PERCENT:
        return Split.VAL
    if told != "train" and percent >= 100 - _TEST_PERCENT:
        return Split.TEST
    return Split.TRAIN
