"""The variants of a product as choices: one axis for each field in which they differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopsearch.domain import Hit, Product
from shopsearch.server import wording

FIELDS = ("color", "size", "material", "gender")  # others are attributes
PICTURED = frozenset({"color"})
MAX_VALUES = 40  # of an axis; more of an attribute are no choice but a text
NO_FIELD = ""
_LETTER_SIZES = (
    *("xxxs", "xxs", "xs", "s", "m", "l", "xl"),
    *("xxl", "2xl", "xxxl", "3xl", "4xl", "5xl"),
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of an axis, and the product that has it and is nearest to the one at hand."""

    value: str
    product_id: str
    image_hash: str | None
    is_current: bool
    is_available: bool
    keeps_the_rest: bool  # whether that product is as the one at hand on all other axes


@dataclass(frozen=True, slots=True)
class Axis:
    """A field in which variants differ; `NO_FIELD` where none tells them apart."""

    field: str
    choices: Sequence[Choice]

    @property
    def is_pictured(self) -> bool:
        """Whether its values are better seen than read."""
        is_shown = self.field in PICTURED or self.field == NO_FIELD
        return is_shown and all(one.image_hash for one in self.choices)


def axes(product: Product, variants: Sequence[Hit]) -> Sequence[Axis]:
    """The axes of a product and its variants, of which it is one; none where it stands alone."""
    if len(variants) < 2 or all(v.product.product_id != product.product_id for v in variants):
        return ()
    told = {v.product.product_id: _told(v.product) for v in variants}
    fields = _fields(told)
    found = [Axis(field, _choices(field, fields, product, variants, told)) for field in fields]
    return found or [Axis(NO_FIELD, [_itself(v, product) for v in variants])]


def _told(product: Product) -> Mapping[str, str]:
    """What can tell variants apart, by field."""
    fields = {name: getattr(product, name) for name in FIELDS}
    attributes = {name: value for name, value in product.attributes.items() if name not in fields}
    return {name: value.strip() for name, value in {**fields, **attributes}.items()}


def _fields(told: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    """The fields that all of the variants have, and that tell some apart: the usual ones, and as
    many attributes as are needed beside them.
    """
    names = dict.fromkeys(name for one in told.values() for name in one)
    fields = [name for name in FIELDS if _tells_apart(name, told)]
    for name in names:
        if _n_apart(fields, told) == len(told):
            break
        is_new = name not in FIELDS and _tells_apart(name, told)
        if is_new and _n_apart([*fields, name], told) > _n_apart(fields, told):
            fields.append(name)
    return fields


def _tells_apart(name: str, told: Mapping[str, Mapping[str, str]]) -> bool:
    values = {one.get(name, "").casefold() for one in told.values()}
    return 1 < len(values) <= MAX_VALUES and "" not in values


def _n_apart(fields: Sequence[str], told: Mapping[str, Mapping[str, str]]) -> int:
    return len({tuple(one[name].casefold() for name in fields) for one in told.values()})


def _choices(
    field: str,
    fields: Sequence[str],
    product: Product,
    variants: Sequence[Hit],
    told: Mapping[str, Mapping[str, str]],
) -> Sequence[Choice]:
    mine = told[product.product_id]
    by_value: dict[str, list[Hit]] = {}
    for variant in variants:
        value = told[variant.product.product_id][field]
        by_value.setdefault(value.casefold(), []).append(variant)
    others = [name for name in fields if name != field]

    def n_differing(variant: Hit) -> int:
        theirs = told[variant.product.product_id]
        return sum(theirs[name].casefold() != mine[name].casefold() for name in others)

    choices = []
    for value, with_it in by_value.items():
        is_current = value == mine[field].casefold()
        nearest = min(with_it, key=lambda one: (n_differing(one), not _is_to_be_had(one)))
        if is_current:
            nearest = next(v for v in with_it if v.product.product_id == product.product_id)
        choices.append(
            Choice(
                value=told[nearest.product.product_id][field],
                product_id=nearest.product.product_id,
                image_hash=nearest.image_hash,
                is_current=is_current,
                is_available=_is_to_be_had(nearest),
                keeps_the_rest=n_differing(nearest) == 0,
            )
        )
    return sorted(choices, key=lambda choice: natural(choice.value))


def natural(value: str) -> tuple[int, float, str]:
    """An order in which sizes stand as on a rack: letters from small to large, then numbers by
    their size, then words.
    """
    folded = value.casefold().strip()
    if folded in _LETTER_SIZES:
        return 0, float(_LETTER_SIZES.index(folded)), folded
    if number := _NUMBER.match(folded):
        return 1, float(number.group().replace(",", ".")), folded
    return 2, 0.0, folded


def _itself(variant: Hit, product: Product) -> Choice:
    return Choice(
        value=wording.title_text(variant.product),
        product_id=variant.product.product_id,
        image_hash=variant.image_hash,
        is_current=variant.product.product_id == product.product_id,
        is_available=_is_to_be_had(variant),
        keeps_the_rest=True,
    )


def _is_to_be_had(variant: Hit) -> bool:
    """What the shop says nothing of can be had."""
    return not variant.product.availability or wording.is_available(variant.product)
