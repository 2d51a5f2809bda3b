"""The drawn shop: some 240 illustrated products, kind x colour x pattern, made by this code alone.

Its truth is known, so it is a demo, a test fixture, and a benchmark of compositional search: only
one product is the striped red mug, but many are striped, red or mugs. The same arguments give the
same feed on every machine, and the same pictures with the same version of Pillow.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from shopsearch.demo.kinds import Look, draw
from shopsearch.demo.patterns import COLOURS, PATTERNS
from shopsearch.demo.wording import BRANDS, KINDS, LINES, description, price_usd, title

MAX_PRODUCTS = len(KINDS) * len(COLOURS) * len(PATTERNS)
_LOOKS_IN_BALANCE = 2 * len(COLOURS)
_WEBP_QUALITY = 72
_AVAILABILITY = ("in_stock",) * 17 + ("out_of_stock",) * 2 + ("preorder",)
COLUMNS = (
    "id",
    "title",
    "description",
    "image_link",
    "price",
    "brand",
    "product_type",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "item_group_id",
    "pattern",
)


@dataclass(frozen=True, slots=True)
class DrawnProduct:
    """A product of the drawn shop: what it is, and its row of the feed."""

    kind: str
    look: Look
    row: dict[str, str]


def draw_shop(folder: Path, *, n_products: int = 240, seed: int = 0) -> Path:
    """Write products.csv and images/ into a folder; the path of the feed."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    products = drawn_products(n_products, seed)
    for number, product in enumerate(products):
        path = folder / product.row["image_link"]
        path.write_bytes(_encoded(product, ground=number))
    feed = folder / "products.csv"
    feed.write_bytes(feed_csv(products).encode())
    return feed


def drawn_products(n_products: int = 240, seed: int = 0) -> list[DrawnProduct]:
    """The products in the order of the feed; a shorter feed is the beginning of a longer one."""
    if not 1 <= n_products <= MAX_PRODUCTS:
        raise ValueError(f"n_products must be 1 to {MAX_PRODUCTS}, not {n_products}")
    chance = Random(seed)  # noqa: S311 - it draws pictures, it keeps no secrets
    looks = {kind: _looks(chance) for kind in KINDS}
    lines = {kind: chance.sample(LINES, len(PATTERNS)) for kind in KINDS}
    products = []
    for number in range(n_products):
        kind = list(KINDS)[number % len(KINDS)]
        look = looks[kind][number // len(KINDS)]
        line = lines[kind][PATTERNS.index(look.pattern)]
        products.append(DrawnProduct(kind, look, _row(kind, look, line, chance)))
    return products


def feed_csv(products: list[DrawnProduct]) -> str:
    """The feed, as text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(product.row for product in products)
    return text.getvalue()


def _looks(chance: Random) -> list[Look]:
    """All looks of a kind. Among the first twenty each colour is there twice, in two patterns."""
    patterns = [*PATTERNS * 3, PATTERNS[0], PATTERNS[0]]  # plain things are the most common
    colours = list(COLOURS)
    while True:
        chance.shuffle(patterns)
        first = [Look(colours[n % len(colours)], pattern) for n, pattern in enumerate(patterns)]
        if len(set(first)) == _LOOKS_IN_BALANCE:
            break
    chance.shuffle(first)
    rest = [look for look in _all_looks() if look not in first]
    chance.shuffle(rest)
    return first + rest


def _all_looks() -> Iterator[Look]:
    return (Look(colour, pattern) for colour in COLOURS for pattern in PATTERNS)


def _row(kind: str, look: Look, line: str, chance: Random) -> dict[str, str]:
    words = KINDS[kind]
    product_id = f"{kind}-{look.pattern}-{look.colour}"
    return {
        "id": product_id,
        "title": title(words, look.colour, look.pattern, line),
        "description": description(words, look.colour, look.pattern, chance),
        "image_link": f"images/{product_id}.webp",
        "price": price_usd(words, chance),
        "brand": BRANDS[(LINES.index(line) + list(KINDS).index(kind)) % len(BRANDS)],
        "product_type": words.product_type,
        "availability": chance.choice(_AVAILABILITY),
        "color": look.colour,
        "size": words.size,
        "material": words.material,
        "gender": words.gender,
        "item_group_id": f"{kind}-{look.pattern}",
        "pattern": look.pattern,
    }


def _encoded(product: DrawnProduct, *, ground: int) -> bytes:
    content = io.BytesIO()
    draw(product.kind, product.look, ground).save(content, "WEBP", quality=_WEBP_QUALITY, method=4)
    return content.getvalue()
