from __future__ import annotations

import json
from pathlib import Path

import pytest

from shopsearch import indexing
from shopsearch.domain import IndexReport

REPORT_KEYS = {"read", "indexed", "unchanged", "removed", "rejected", "generation", "seconds"}


def counts(report) -> tuple[int, int, int, int, int]:
    rejected = len(report["rejected"])
    return report["read"], report["indexed"], report["unchanged"], report["removed"], rejected


def append(feed: Path, *lines: str) -> None:
    with feed.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_index_counts_every_product_and_names_the_generation(indexed) -> None:
    assert indexed.keys() >= REPORT_KEYS
    assert counts(indexed) == (5, 5, 0, 0, 0)
    assert (indexed["texts_encoded"], indexed["images_encoded"]) == (5, 4)
    assert indexed["generation"]


def test_a_second_run_finds_everything_unchanged_and_keeps_the_generation(
    shopsearch, feed, indexed
) -> None:
    again = shopsearch.json("index", feed)

    assert counts(again) == (5, 0, 5, 0, 0)
    assert (again["texts_encoded"], again["images_encoded"]) == (0, 0)
    assert again["generation"] == indexed["generation"]


def test_rejected_products_are_listed_and_the_exit_code_is_3(shopsearch, feed) -> None:
    append(feed, "A6,Ghost,,,,,ghost.png", "A1,Again,,,,,")

    report = shopsearch.json("index", feed, exit_code=3)

    assert counts(report) == (7, 5, 0, 0, 2)
    ghost, again = report["rejected"]
    assert (ghost["row"], ghost["product_id"]) == (6, "A6")
    assert "ghost.png" in ghost["reason"]
    assert (again["row"], again["product_id"]) == (7, "A1")


def test_people_see_a_table_with_the_reasons(shopsearch, feed) -> None:
    append(feed, "A6,Ghost,,,,,ghost.png")

    result = shopsearch("index", feed)

    assert result.exit_code == 3
    assert "ghost.png" in result.stdout
    assert "rejected 1" in " ".join(result.stdout.split())


def test_prune_refuses_a_feed_that_lacks_most_of_the_catalog(shopsearch, tmp_path: Path) -> None:
    rows = "".join(f"p{n},Product {n}\n" for n in range(30))
    feed = tmp_path / "thirty.csv"
    feed.write_text(f"id,title\n{rows}")
    shopsearch("index", feed)
    feed.write_text("id,title\np0,Product 0\n")
    refused = shopsearch("index", feed, "--prune", "--json")
    assert refused.exit_code == 1
    assert "--prune-limit 100" in refused.stderr
    assert (json.loads(refused.stdout)["removed"], json.loads(refused.stdout)["read"]) == (0, 1)
    assert shopsearch.json("index", feed, "--prune", "--prune-limit", 100)["removed"] == 29


def test_prune_beside_a_row_without_an_id_ends_as_a_run_with_rejections(
    shopsearch, feed, indexed
) -> None:
    append(feed, ",lonely")
    result = shopsearch("index", feed, "--prune")
    assert result.exit_code == 3
    assert "nothing was pruned" in result.stderr


def test_prune_removes_what_the_feed_lacks(shopsearch, feed, indexed) -> None:
    lines = feed.read_text(encoding="utf-8").splitlines(keepends=True)
    feed.write_text("".join(lines[:4]), encoding="utf-8")

    kept = shopsearch.json("index", feed)
    pruned = shopsearch.json("index", feed, "--prune")

    assert counts(kept) == (3, 0, 3, 0, 0)
    assert counts(pruned) == (3, 0, 3, 2, 0)
    assert shopsearch.json("search", "lamp")["total"] == 3


def test_columns_of_other_names_are_mapped_and_bare_prices_get_their_currency(
    shopsearch, tmp_path
) -> None:
    feed = tmp_path / "other.csv"
    feed.write_text("sku,label,cost\nX1,Brown bowl,12.5\n", encoding="utf-8")
    mapping = ("--map", "id=sku", "--map", "title=label", "--map", "price=cost")

    shopsearch.json("index", feed, *mapping, "--currency", "eur")

    (hit,) = shopsearch.json("search", "bowl")["hits"]
    assert (hit["product_id"], hit["title"]) == ("X1", "Brown bowl")
    assert (hit["price"], hit["currency"]) == (12.5, "EUR")


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["title"], "'title' is no mapping"),
        (["=name"], "'=name' is no mapping"),
        (["label=name"], "'label' is no field"),
        (["title=a", "title=b"], "mapped twice"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_wrong_usage(shopsearch, feed, pairs, said) -> None:
    result = shopsearch("index", feed, *(word for pair in pairs for word in ("--map", pair)))

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_feed_that_cannot_be_read_fails_with_its_name_and_nothing_on_stdout(
    shopsearch, tmp_path
) -> None:
    feed = tmp_path / "empty.csv"
    feed.write_bytes(b"")

    result = shopsearch("index", feed, "--json")

    assert result.exit_code == 1
    assert "Error: " in result.stderr
    assert "empty.csv" in result.stderr
    assert result.stdout == ""


def test_a_feed_that_is_not_there_is_wrong_usage(shopsearch) -> None:
    result = shopsearch("index", "nowhere.csv")

    assert result.exit_code == 2
    assert "nowhere.csv" in result.stderr


def test_remove_takes_products_out_and_rejects_unknown_ids(shopsearch, indexed) -> None:
    report = shopsearch.json("remove", "A1", "nope", exit_code=3)

    assert counts(report) == (2, 0, 0, 1, 1)
    assert report["rejected"][0]["product_id"] == "nope"
    found = {hit["product_id"] for hit in shopsearch.json("search", "red mug")["hits"]}
    assert found == {"A2", "A3", "A4", "A5"}


def test_reindex_makes_a_new_generation_and_encodes_nothing_again(shopsearch, indexed) -> None:
    report = shopsearch.json("reindex")

    assert counts(report) == (5, 5, 0, 0, 0)
    assert (report["texts_encoded"], report["images_encoded"]) == (0, 0)
    assert report["generation"] > indexed["generation"]


def test_rollback_goes_back_and_generations_says_which_is_live(shopsearch, indexed) -> None:
    shopsearch.json("remove", "A1")

    rolled_back = shopsearch.json("rollback")

    assert rolled_back["generation"] == indexed["generation"]
    listed = shopsearch.json("generations")["generations"]
    assert [(row["live"], row["products"]) for row in listed] == [(False, 4), (True, 5)]


def test_rollback_to_a_generation_that_is_not_there_fails_and_names_it(shopsearch, indexed) -> None:
    result = shopsearch("rollback", "20200101T000000000-0000")

    assert result.exit_code == 1
    assert "20200101T000000000-0000" in result.stderr


def test_generations_of_an_empty_home_says_what_to_do(shopsearch) -> None:
    assert "shopsearch index" in shopsearch("generations").stdout
    assert shopsearch.json("generations") == {"generations": []}


def test_a_stopped_run_exits_with_130_and_still_reports(
    shopsearch, feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_args, **_kwargs) -> IndexReport:
        return IndexReport(3, 3, 0, 0, (), "g1", 0.5, interrupted=True)

    monkeypatch.setattr(indexing.Indexer, "run", stopped)

    result = shopsearch("index", feed, "--json")

    assert result.exit_code == 130
    assert json.loads(result.stdout)["indexed"] == 3
    assert "same command again" in result.stderr


def test_a_stopped_reindex_leaves_the_live_index(
    shopsearch, indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args, **_kwargs) -> IndexReport:
        raise KeyboardInterrupt

    monkeypatch.setattr(indexing.Indexer, "reindex", interrupted)

    result = shopsearch("reindex")

    assert result.exit_code == 130
    assert "answers on" in result.stderr
