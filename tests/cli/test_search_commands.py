from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

HIT_KEYS = {"rank", "score", "product_id", "title", "price", "currency", "image"}


def ids(page) -> list[str]:
    return [hit["product_id"] for hit in page["hits"]]


def test_words_find_the_product_they_name(shopsearch, feed, indexed) -> None:
    page = shopsearch.json("search", "red mug", "-k", 2)

    assert page.keys() >= {"hits", "total", "took_ms", "generation"}
    assert (page["total"], page["generation"]) == (5, indexed["generation"])
    first, second = page["hits"]
    assert first.keys() >= HIT_KEYS
    assert (first["rank"], first["product_id"], first["title"]) == (1, "A1", "Red mug")
    assert (first["price"], first["currency"]) == (12.5, "EUR")
    assert first["image"] == str(feed.parent / "A1.png")
    assert second["rank"] == 2
    assert 1 >= first["score"] >= second["score"] >= -1


def test_a_product_without_picture_and_price_has_nulls(shopsearch, indexed) -> None:
    chair = shopsearch.json("search", "wooden chair", "-k", 1)["hits"][0]

    assert chair["product_id"] == "A5"
    assert chair["image"] is chair["price"] is chair["currency"] is None


def test_a_picture_finds_the_product_that_looks_like_it(shopsearch, feed, indexed) -> None:
    page = shopsearch.json("search", "--image", feed.parent / "A2.png", "-k", 1)

    assert ids(page) == ["A2"]


def test_a_picture_may_be_a_url_but_not_one_inside_the_network(shopsearch, indexed) -> None:
    with picture_server(b"never asked for") as port:
        result = shopsearch("search", "--image", f"http://127.0.0.1:{port}/a.png")

    assert result.exit_code == 1
    assert "127.0.0.1" in result.stderr


def test_a_url_of_an_allowed_host_is_fetched(
    shopsearch, feed, indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSEARCH_FETCH_ALLOW_HOSTS", '["127.0.0.1"]')
    with picture_server((feed.parent / "A3.png").read_bytes()) as port:
        page = shopsearch.json("search", "--image", f"http://127.0.0.1:{port}/a.png", "-k", 1)

    assert ids(page) == ["A3"]


def test_a_product_is_not_among_its_own_similar_ones(shopsearch, indexed) -> None:
    page = shopsearch.json("similar", "A1")

    assert set(ids(page)) == {"A2", "A3", "A4", "A5"}
    assert ids(page) == ids(shopsearch.json("search", "--product", "A1"))


def test_filters_let_through_what_they_say_and_sort_orders_it(shopsearch, indexed) -> None:
    lamps = ("--filter", "category=Lamps", "--filter", "price=50..")

    assert ids(shopsearch.json("search", *lamps, "--sort", "price_desc")) == ["A4", "A3"]
    assert ids(shopsearch.json("search", "red", "--filter", "brand=KILN")) == ["A1", "A2"]
    assert set(ids(shopsearch.json("search", "--filter", "color!=*"))) == {"A5"}


def test_negatives_push_their_products_down(shopsearch, indexed) -> None:
    plain = ids(shopsearch.json("search", "red"))
    without_lamps = ids(shopsearch.json("search", "red", "--not", "lamp"))

    assert without_lamps.index("A4") > plain.index("A4")


def test_people_see_rank_id_title_and_price(shopsearch, indexed) -> None:
    shown = shopsearch("search", "red mug", "-k", 1).stdout

    assert "Red mug" in shown
    assert "12.50 EUR" in shown
    assert "1 of 5 products" in shown


def test_why_tells_programs_what_each_hit_is_made_of(shopsearch, indexed) -> None:
    first = shopsearch.json("search", "red mug", "-k", 1, "--why", "--no-understanding")["hits"][0]

    why = first["why"]
    assert why.keys() == {"cosine", "modalities", "similarities", "score", "matched"}
    parts = why["score"]
    total = parts["cosine"] + sum(one["part"] for one in parts["features"].values())
    assert total + parts["exact"] == pytest.approx(first["score"], abs=1e-4)
    shares = [one["share"] for one in why["modalities"].values()]
    assert sum(shares) == pytest.approx(why["cosine"], abs=1e-5)
    assert [(one["query"], one["product"]) for one in why["similarities"]] == [
        ("text", "image"),
        ("text", "text"),
    ]
    assert why["matched"]["title"] == ["red", "mug"]
    like = shopsearch.json("similar", "A1", "-k", 1, "--why")["hits"][0]
    assert like["why"]["score"] == {"cosine": like["why"]["cosine"], "features": {}, "exact": 0.0}


def test_nothing_is_explained_unless_it_is_asked_for(shopsearch, indexed) -> None:
    for arguments in (
        ("search", "red mug"),
        ("similar", "A1"),
        ("search", "--filter", "brand=Kiln", "--why"),  # a filter has no why
    ):
        assert all("why" not in hit for hit in shopsearch.json(*arguments)["hits"])


def test_why_tells_people_what_each_hit_is_made_of(shopsearch, indexed) -> None:
    shown = " ".join(
        shopsearch("search", "red mug", "-k", 1, "--why", "--no-understanding").stdout.split()
    )

    score, parts = re.search(
        r"score (0\.\d+) = (cosine .*? exact match 0\.\d+) cosine", shown
    ).groups()
    told = re.findall(r"\d\.\d+", parts)
    assert sum(map(float, told)) == pytest.approx(float(score), abs=0.006)
    assert "1 found Red mug score" in shown
    assert re.search(r" cosine 0\.\d+ = picture -?0\.\d+ \(alone -?0\.\d+\) [+-] words 0\.", shown)
    assert re.search(r" alike words to picture -?0\.\d+, words to words 0\.\d+ ", shown)
    assert "matched title: red, mug; category: mug; facts: red" in shown
    assert "alike" not in shopsearch("search", "red mug").stdout
    similar = " ".join(shopsearch("similar", "A1", "--why").stdout.split())
    assert "alike picture to picture" in similar
    assert "matched" not in similar


def test_a_search_that_matches_nothing_is_no_failure(shopsearch, indexed) -> None:
    result = shopsearch("search", "mug", "--filter", "brand=Nobody")

    assert result.exit_code == 0
    assert "No product matches" in result.stdout


def test_what_is_wrong_with_a_call_is_said_and_is_wrong_usage(shopsearch, indexed) -> None:
    for arguments, said in (
        (["search"], "nothing is asked for"),
        (["search", " "], "nothing is asked for"),
        (["search", "mug", "--filter", "price=cheap"], "'cheap'"),
        (["search", "--image", "gone.png"], "gone.png"),
        (["search", "mug", "-k", "0"], "-k"),
        (["search", "mug", "--text-weight", "2"], "--text-weight"),
    ):
        result = shopsearch(*arguments, "--json")

        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr


def test_a_picture_file_over_the_limit_is_refused_before_it_is_read(
    shopsearch, feed, indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSEARCH_MAX_IMAGE_BYTES", "10")

    result = shopsearch("search", "--image", feed.parent / "A1.png")

    assert result.exit_code == 2
    assert "SHOPSEARCH_MAX_IMAGE_BYTES" in result.stderr


def test_a_file_that_is_no_picture_fails_with_a_message(shopsearch, feed, indexed) -> None:
    result = shopsearch("search", "--image", feed)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize("command", [["search", "mug"], ["similar", "A1"]])
def test_a_search_without_an_index_says_what_to_do(shopsearch, command) -> None:
    result = shopsearch(*command, "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "shopsearch index" in result.stderr


def test_an_unknown_product_is_named(shopsearch, indexed) -> None:
    result = shopsearch("similar", "A99")

    assert result.exit_code == 1
    assert "'A99'" in result.stderr


def test_a_search_with_another_encoder_than_the_index_says_reindex(
    shopsearch, indexed, home: Path
) -> None:
    manifest_of_another_encoder(home)

    result = shopsearch("search", "mug")

    assert result.exit_code == 1
    assert "shopsearch reindex" in result.stderr


def manifest_of_another_encoder(home: Path) -> None:
    from dataclasses import replace

    from shopsearch.index.manifest import Manifest

    folder = max((home / "generations").glob("[0-9]*"))  # the newest
    replace(Manifest.read(folder), encoder_id="another").write(folder)


class picture_server:  # noqa: N801 - reads as what it is in a with statement
    """Serves one answer on a free port of this machine."""

    def __init__(self, answer: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> int:
        self._thread.start()
        return self._server.server_address[1]

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def test_facets_count_all_that_matches(shopsearch, indexed) -> None:
    page = shopsearch.json("search", "mug", "--facet", "category", "--facet", "price", "-k", 1)

    assert list(page["facets"]) == ["category", "price"]
    bands = page["facets"]["price"]["bands"]
    assert sum(band["count"] for band in bands) + page["facets"]["price"]["n_missing"] == 5


def test_facets_alone_may_be_asked_for_and_are_listed_for_people(shopsearch, indexed) -> None:
    answer = shopsearch("search", "--facet", "price", "--filter", "price>=0")

    assert answer.exit_code == 0
    assert "price" in answer.stdout
    assert "EUR" in answer.stdout
