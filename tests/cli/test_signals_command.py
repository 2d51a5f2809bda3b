from __future__ import annotations

import pytest


def ids(page) -> list[str]:
    return [hit["product_id"] for hit in page["hits"]]


def listed(shopsearch) -> dict[str, dict]:
    return {one["name"]: one for one in shopsearch.json("signals", "list")["signals"]}


def test_a_signal_works_from_when_it_is_set_to_when_it_is_removed(shopsearch, indexed) -> None:
    plain = shopsearch.json("search", "--filter", "price=*")
    assert ids(plain) == ["A4", "A3", "A2", "A1"]
    set_ = shopsearch.json("signals", "set", "price=-1", "stock=0.5")
    assert [(one["name"], one["known"], one["products"]) for one in set_["signals"]] == [
        ("price", 4, 5),
        ("stock", 0, 5),
    ]
    weighed = shopsearch.json("search", "--filter", "price=*", "--why")
    assert ids(weighed) == ["A1", "A2", "A3", "A4"]
    assert weighed["hits"][0]["why"] == {
        "signals": [
            {"signal": "price", "value": 0.0, "weight": -1.0, "factor": 2.0},
            {"signal": "stock", "value": None, "weight": 0.5, "factor": 1.0},
        ]
    }
    assert shopsearch.json("signals", "list")["revision"] == 1
    assert shopsearch.json("signals", "remove", "price") == {"removed": ["price"]}
    assert ids(shopsearch.json("search", "--filter", "price=*")) == ids(plain)


def test_parts_of_signals_sum_to_the_score(shopsearch, indexed) -> None:
    shopsearch("signals", "set", "price=-1", "freshness=0.3")
    for hit in shopsearch.json("search", "red", "--why")["hits"]:
        score = hit["why"]["score"]
        features = sum(one["part"] for one in score["features"].values())
        moved = score.get("signals", 0.0) + score.get("understood", 0.0)
        total = score["cosine"] + features + score["exact"] + moved
        assert total == pytest.approx(hit["score"], abs=1e-4)
        parts = sum(one["part"] for one in hit["why"]["signals"])
        assert parts == pytest.approx(score.get("signals", 0.0), abs=1e-5)
    shown = shopsearch("search", "red", "--why").stdout
    assert "price" in shown
    assert "signals 0." in shown


def test_freshness_keeps_its_half_life_until_another_is_given(shopsearch) -> None:
    shopsearch("signals", "set", "freshness=1", "--half-life", "14")
    shopsearch("signals", "set", "freshness=0.5")
    assert listed(shopsearch)["freshness"]["half_life_days"] == 14
    shopsearch("signals", "set", "freshness=0.5", "margin=1", "--half-life", "7.5")
    assert listed(shopsearch)["freshness"]["half_life_days"] == 7.5
    assert "half_life_days" not in listed(shopsearch)["margin"]
    assert listed(shopsearch)["margin"]["known"] is None  # nothing is indexed yet


def test_a_list_is_a_table_that_tells_where_numbers_come_from(shopsearch, indexed) -> None:
    assert "signals set" in shopsearch("signals", "list").stdout
    warned = shopsearch("signals", "set", "price=0.3", "freshness=1", "margn=1")
    assert "margn: no product" in warned.stderr
    assert "price: no product" not in warned.stderr
    table = shopsearch("signals", "list").stdout
    assert all(
        one in table
        for one in ("4 of 5", "half-life 30 days", "\N{MULTIPLICATION SIGN}2.00", "price")
    )


def test_a_preview_shows_the_page_before_it_is_live_and_changes_nothing(
    shopsearch, indexed
) -> None:
    shown = shopsearch.json("signals", "preview", "--set", "price=-1", "--filter", "price=*")
    assert shown["signals"] == ["price=-1"]
    assert ids(shown["before"]) == ["A4", "A3", "A2", "A1"]
    assert ids(shown["after"]) == ["A1", "A2", "A3", "A4"]
    assert {"product_id": "A1", "before": 4, "after": 1} in shown["moves"]
    assert listed(shopsearch) == {}
    shopsearch("signals", "set", "price=-1")
    kept = shopsearch.json("signals", "preview", "--filter", "price=*")
    assert (kept["before"]["hits"], kept["signals"]) == (shown["before"]["hits"], ["price=-1"])
    without = shopsearch.json("signals", "preview", "--set", "price=0", "--filter", "price=*")
    assert ids(without["before"]) == ids(shown["after"])
    assert ids(without["after"]) == ids(shown["before"])
    table = shopsearch("signals", "preview", "mug", "--set", "price=1", "-k", "1").stdout
    assert "price" in table
    assert "signals: price=1" in table


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stock"], "NAME=WEIGHT"),
        (["stock=high"], "NAME=WEIGHT"),
        (["stock=nan"], "from -5 to 5"),
        (["stock=6"], "from -5 to 5"),
        (["=1"], "no name"),
        (["stock=1", "stock=2"], "twice"),
        (["stock=1", "--half-life", "3"], "freshness"),
        (["freshness=1", "--half-life", "0"], "above 0"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_weighed_is_wrong_usage(shopsearch, arguments, told) -> None:
    result = shopsearch("signals", "set", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in " ".join(result.stderr.split())
    assert listed(shopsearch) == {}


def test_an_unknown_signal_cannot_be_removed(shopsearch) -> None:
    shopsearch("signals", "set", "stock=1")
    result = shopsearch("signals", "remove", "stock", "nothing")
    assert result.exit_code == 1
    assert "'nothing'" in result.stderr
    assert list(listed(shopsearch)) == ["stock"]


def test_diversity_is_a_number_from_0_to_1(shopsearch, indexed) -> None:
    plain = ids(shopsearch.json("search", "red mug", "--diversity", "0"))
    different = ids(shopsearch.json("search", "red mug", "--diversity", "1"))
    assert (plain[0], sorted(plain)) == (different[0], sorted(different))
    assert shopsearch("search", "red mug", "--diversity", "1.1").exit_code == 2
