"""`search` with further wishes, as typed in a terminal."""

from __future__ import annotations

import pytest


def ids(page) -> list[str]:
    return [hit["product_id"] for hit in page["hits"]]


def test_wishes_in_words_have_weights(shopsearch, indexed) -> None:
    plain = ids(shopsearch.json("search", "mug", "--also", "wooden chair^0.1"))
    more = ids(shopsearch.json("search", "mug", "--also", "wooden chair"))
    assert more.index("A5") <= plain.index("A5")
    alone = ids(shopsearch.json("search", "--also", "wooden chair^0.5"))
    assert alone[0] == "A5"
    less = shopsearch.json("search", "mug", "--also", "red^-1", "--why")["hits"][-1]
    assert less["why"]["score"]["unwanted"] < 0.0


def test_pictures_and_products_are_wished_for(shopsearch, feed, indexed) -> None:
    picture = feed.parent / "A2.png"
    assert ids(shopsearch.json("search", "--also-image", picture, "-k", 1)) == ["A2"]
    more = ids(shopsearch.json("search", "mug", "--also-image", f"{picture}^0.5"))
    less = ids(shopsearch.json("search", "mug", "--not-image", picture))
    assert more.index("A2") <= less.index("A2")
    for option in ("--also-product", "--not-product"):
        assert "A1" not in ids(shopsearch.json("search", "red mug", option, "A1"))


def test_words_after_not_are_not_wanted(shopsearch, indexed) -> None:
    shown = shopsearch("search", "mug not red", "--why")
    assert "unwanted words" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--also", "blue^2"), "'2'"),
        (("--also", "blue^0"), "'0'"),
        (("--also", "blue^nan"), "'nan'"),
        (("--also", "blue^"), "from -1 to 1"),
        (("--also", " "), "names nothing"),
        (("--also", "^0.5"), "names nothing"),
        (("--also-product", "A1^x"), "'x'"),
        (("--also-image", "nowhere.png^0.5"), "nowhere.png"),
        (("--not-image", "nowhere.png"), "--not-image"),
        (tuple(part for n in range(11) for part in ("--also", f"{n}")), "at most 10"),
    ],
)
def test_a_wish_that_makes_no_sense_is_wrong_usage(shopsearch, indexed, arguments, named) -> None:
    result = shopsearch("search", "mug", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert named in " ".join(result.stderr.split())


def test_only_what_is_not_wanted_is_wrong_usage(shopsearch, indexed) -> None:
    for arguments in (("--not-product", "A1"), ("--also", "red^-1")):
        assert shopsearch("search", *arguments).exit_code == 2
    assert shopsearch("search", "mug", "--not-product", "nobody").exit_code == 1
