"""What the drawn shop says about its products."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

BRANDS = ("Alder & Finch", "Brightwell", "Kumo Home", "Marlowe", "Nordlys", "Tansy Lane")
LINES = ("Alba", "Bergen", "Calla", "Dune", "Esker", "Fjord", "Harbor", "Iris", "Juno", "Linnet")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product, in words."""

    noun: str
    product_type: str
    material: str
    price: float  # about, in USD
    story: tuple[str, ...]  # what it is for; one of them is told
    other_names: tuple[str, ...]  # what shoppers also call it
    size: str = ""
    gender: str = ""


KINDS: dict[str, Kind] = {
    "mug": Kind(
        "mug",
        "Home & Kitchen > Drinkware > Mugs",
        "stoneware",
        14,
        (
            "Holds a generous 350 ml of coffee or tea and keeps its warmth.",
            "For the first coffee of the day and the last tea of the evening.",
        ),
        ("coffee cup", "tea cup"),
    ),
    "t-shirt": Kind(
        "T-shirt",
        "Clothing > Tops > T-Shirts",
        "cotton",
        19,
        (
            "Soft jersey with a crew neck and short sleeves, cut straight.",
            "An everyday tee that keeps its shape wash after wash.",
        ),
        ("tee", "short sleeve top"),
        size="M",
        gender="unisex",
    ),
    "dress": Kind(
        "dress",
        "Clothing > Dresses",
        "viscose",
        59,
        (
            "A sleeveless summer dress with a fitted waist and a skirt that swings.",
            "Light and airy, for garden parties and long evenings.",
        ),
        ("summer dress", "sundress"),
        size="M",
        gender="female",
    ),
    "sneaker": Kind(
        "sneakers",
        "Shoes > Sneakers",
        "canvas",
        64,
        (
            "Low lace-ups with a white rubber sole and a cushioned insole.",
            "Light shoes for the city, ready to walk all day.",
        ),
        ("trainers", "running shoes"),
        size="42",
        gender="unisex",
    ),
    "backpack": Kind(
        "backpack",
        "Bags > Backpacks",
        "polyester",
        49,
        (
            "Room for a laptop of 15 inches, and a front pocket for the small things.",
            "Padded straps and a sturdy handle, for school, work and weekends.",
        ),
        ("rucksack", "school bag"),
    ),
    "lamp": Kind(
        "table lamp",
        "Home & Kitchen > Lighting > Table Lamps",
        "steel and cotton",
        39,
        (
            "A fabric shade on a steel stand gives a warm, even light.",
            "For the bedside, the desk or the windowsill; takes an E27 bulb.",
        ),
        ("bedside light", "desk lamp"),
    ),
    "armchair": Kind(
        "armchair",
        "Furniture > Chairs > Armchairs",
        "linen and beech",
        289,
        (
            "A deep seat with round arms on beech legs: the place to read in.",
            "Firmly upholstered, easy to get up from, hard to leave.",
        ),
        ("easy chair", "reading chair"),
    ),
    "vase": Kind(
        "vase",
        "Home & Kitchen > Decor > Vases",
        "ceramic",
        29,
        (
            "A full-bellied vase with a narrow neck, for a few twigs or a bouquet.",
            "Thrown and glazed by hand; no two are quite the same.",
        ),
        ("flower vase", "pot for flowers"),
    ),
    "cap": Kind(
        "cap",
        "Clothing > Accessories > Caps",
        "cotton twill",
        22,
        (
            "A six-panel baseball cap with a curved peak and a strap that adjusts.",
            "Keeps the sun out of your eyes, on the court and off it.",
        ),
        ("baseball hat", "sun hat"),
        gender="unisex",
    ),
    "umbrella": Kind(
        "umbrella",
        "Accessories > Umbrellas",
        "polyester and wood",
        34,
        (
            "Eight ribs that stand up to wind, and a curved wooden handle.",
            "Opens wide enough for two on a rainy day.",
        ),
        ("rain umbrella", "brolly"),
    ),
    "cushion": Kind(
        "cushion",
        "Home & Kitchen > Decor > Cushions",
        "cotton",
        24,
        (
            "A plump cushion of 45 x 45 cm with a zip; the cover comes off to wash.",
            "Brings a sofa or a bench to life, and your back to rest.",
        ),
        ("throw pillow", "sofa pillow"),
    ),
    "bottle": Kind(
        "water bottle",
        "Sports & Outdoor > Drinking Bottles",
        "stainless steel",
        27,
        (
            "Double walls keep 500 ml cold for a day and hot for half of one.",
            "Does not leak, does not sweat, fits the holder on your bike.",
        ),
        ("drinking flask", "thermos"),
    ),
}

PATTERN_WORDS = {
    "plain": "plain",
    "striped": "striped",
    "dotted": "polka dot",
    "checked": "checked",
    "zigzag": "zigzag",
    "floral": "floral",
}

_PATTERN_STORY = {
    "plain": "One clear {colour}, nothing else.",
    "striped": "Broad stripes run across a {colour} ground.",
    "dotted": "Small dots are scattered over a {colour} ground.",
    "checked": "A gingham check in {colour} goes all the way round.",
    "zigzag": "Zigzag lines run over a {colour} ground.",
    "floral": "Little flowers are strewn over a {colour} ground.",
}


def title(kind: Kind, colour: str, pattern: str, line: str) -> str:
    """Such as "Alba striped mug in red"."""
    looks = "" if pattern == "plain" else f"{PATTERN_WORDS[pattern]} "
    return f"{line} {looks}{kind.noun} in {colour}"


def description(kind: Kind, colour: str, pattern: str, chance: Random) -> str:
    """Two or three sentences."""
    looks = _PATTERN_STORY[pattern].format(colour=colour)
    return f"{chance.choice(kind.story)} {looks} Made of {kind.material}."


def price_usd(kind: Kind, chance: Random) -> str:
    """Such as "13.95 USD"."""
    return f"{round(kind.price * chance.uniform(0.8, 1.25)) - 0.05:.2f} USD"
