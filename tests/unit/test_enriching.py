"""From a catalog with gaps to proposals, over real SQLite and real FAISS, with hashed words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.enriching import AttributeOutcome, Method, Wanted
from shopsearch.enriching.attributes import Attribute, count_values
from shopsearch.enriching.prompts import value_words
from shopsearch.errors import EnrichmentError, GenerationMissing

from .conftest import listed

KINDS = ("Shirt", "Dress", "Boot")
COLOURS = ("red", "blue", "green")


def shirts(n: int = 72, *, lacking: int = 12, **more: str) -> list[Product]:
    """Products whose titles tell kind and colour; the last ones lack both fields."""
    products = []
    for number in range(n):
        kind, colour = KINDS[number % 3], COLOURS[number // 3 % 3]
        told = number < n - lacking
        products.append(
            Product(
                product_id=f"p{number}",
                title=f"{colour} {kind} number {number}",
                product_type=f"Clothes > {kind}" if told else "",
                color=colour if told else "",
                attributes=more,
            )
        )
    return products


@contextmanager
def quiet(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Nobody looks at the progress."""
    yield lambda done, total: None


@pytest.fixture
def enrich(services: Services):
    """Index products, then propose."""

    def run(products: list[Product], **wanted) -> AttributeOutcome | tuple[AttributeOutcome, ...]:
        services.indexer.run(listed(*products), feed_name="test")
        outcomes = services.enricher.enrich(Wanted(**wanted), quiet).outcomes
        return outcomes[0] if len(outcomes) == 1 else outcomes

    return run


# what is proposed


def test_products_that_lack_a_value_get_the_right_one(enrich) -> None:
    outcome = enrich(shirts(), attributes=("color",), method=Method.LEARNED, min_probability=0.3)
    proposed = {one.product_id: one.value for one in outcome.proposals}
    right = {f"p{number}": COLOURS[number // 3 % 3] for number in range(60, 72)}
    assert proposed == right
    assert (outcome.have, outcome.lack, outcome.examples) == (60, 12, 60)
    first = outcome.proposals[0]
    assert first.probability == first.top[0][1] >= first.top[1][1] >= first.top[2][1]


def test_a_category_is_proposed_with_its_full_path(enrich) -> None:
    outcome = enrich(shirts(), attributes=("category",), min_probability=0.3)
    assert {one.value for one in outcome.proposals} == {f"Clothes > {kind}" for kind in KINDS}


def test_nothing_less_likely_than_the_bound_is_proposed(enrich) -> None:
    outcome = enrich(shirts(), attributes=("color",), min_probability=0.0)
    middle = float(np.median([one.probability for one in outcome.proposals]))
    fewer = enrich(shirts(), attributes=("color",), min_probability=middle)
    assert len(outcome.proposals) == 12
    assert 0 < len(fewer.proposals) < 12
    assert min(one.probability for one in fewer.proposals) >= middle


def test_by_default_the_three_attributes_are_tried_and_what_cannot_be_says_why(enrich) -> None:
    category, color, gender = enrich(shirts())
    assert (category.method, color.method) == (Method.LEARNED, Method.LEARNED)
    assert gender.method is None
    assert "no product has a value of 'gender'" in gender.reason


def test_a_column_of_the_feed_is_an_attribute_too(enrich) -> None:
    products = [
        Product(
            product_id=product.product_id,
            title=product.title,
            attributes={"sleeve_kind": product.color} if product.color else {},
        )
        for product in shirts()
    ]
    outcome = enrich(products, attributes=("Sleeve Kind",), min_probability=0.3)
    assert len(outcome.proposals) == 12


def test_the_same_seed_gives_the_same_proposals(enrich) -> None:
    first = enrich(shirts(), attributes=("color",), max_examples=40, seed=3)
    again = enrich(shirts(), attributes=("color",), max_examples=40, seed=3)
    assert first.proposals == again.proposals
    assert first.as_json() == again.as_json()
    assert first.examples == 40


def test_the_catalog_is_left_as_it_is(services: Services, enrich) -> None:
    enrich(shirts(), attributes=("color",))
    before = services.store.revision()
    enrich(shirts(), attributes=("color",))
    assert services.store.revision() == before
    assert services.store.find(["p70"])["p70"].product.color == ""


# honest figures


def test_what_the_shop_told_of_a_value_is_hidden_from_the_head(enrich) -> None:
    """Words that only the field itself tells must not make the figures good."""
    random = np.random.default_rng(0)
    products = [
        Product(
            product_id=f"p{number}",
            title=f"thing number {number}",
            color=str(random.choice(COLOURS)) if number < 90 else "",
            attributes={},
        )
        for number in range(100)
    ]
    outcome = enrich(products, attributes=("color",), method=Method.LEARNED)
    assert outcome.quality.accuracy < 0.6  # the index itself tells every one of them
    assert outcome.proposals == ()


def test_products_of_one_title_never_judge_each_other(enrich) -> None:
    """Ten titles, each eight times: known by heart, but new titles tell nothing."""
    random = np.random.default_rng(1)
    colour_of = {number: str(random.choice(COLOURS[:2])) for number in range(20)}
    products = [
        Product(product_id=f"p{n}-{copy}", title=f"qx{n * 7919}", color=colour_of[n])
        for n in range(20)
        for copy in range(8)
    ]
    lacking = Product(product_id="lacking", title="zz")
    outcome = enrich(
        [*products, lacking], attributes=("color",), method=Method.LEARNED, min_titles=2
    )
    assert outcome.quality.accuracy < 0.8


def test_values_of_too_few_titles_are_not_learned_and_told(enrich) -> None:
    odd = [Product(product_id=f"odd{n}", title=f"odd {n}", color="mauve") for n in range(4)]
    outcome = enrich([*shirts(), *odd], attributes=("color",), method=Method.LEARNED)
    assert outcome.rare == {"mauve": 4}
    assert "mauve" not in outcome.values
    assert outcome.quality.accuracy <= 60 / 64  # they count as wrong all the same


# methods


def test_names_alone_propose_where_nobody_has_the_attribute(enrich) -> None:
    outcome = enrich(
        shirts(lacking=72), attributes=("color",), values=COLOURS, min_probability=0.34
    )
    assert outcome.method is Method.ZERO_SHOT
    assert outcome.quality is None
    assert not outcome.calibrated
    right = sum(one.value == COLOURS[int(one.product_id[1:]) // 3 % 3] for one in outcome.proposals)
    assert right > 0.8 * len(outcome.proposals) > 0


def test_auto_takes_what_is_right_more_often_and_shows_both(enrich) -> None:
    outcome = enrich(shirts(), attributes=("color",))
    accuracies = {method: quality.accuracy for method, quality in outcome.qualities.items()}
    assert set(accuracies) == {Method.LEARNED, Method.ZERO_SHOT}
    assert outcome.method is max(accuracies, key=accuracies.__getitem__)
    assert "learned" in outcome.reason
    assert "zero-shot" in outcome.reason


def test_auto_goes_by_names_where_there_is_too_little_to_learn(enrich) -> None:
    outcome = enrich(shirts(16, lacking=10), attributes=("color",))
    assert outcome.method is Method.ZERO_SHOT
    assert "too few to learn from" in outcome.reason


def test_only_allowed_values_are_proposed(enrich) -> None:
    outcome = enrich(shirts(), attributes=("color",), values=("Red", "BLUE"), min_probability=0.0)
    assert {one.value for one in outcome.proposals} <= {"red", "blue"}


# bad input


def test_without_an_index_the_error_says_what_to_do(services: Services) -> None:
    with pytest.raises(GenerationMissing, match="shopsearch index"):
        services.enricher.enrich(Wanted(), quiet)


def test_an_attribute_that_nobody_has_is_an_error_with_the_columns_there_are(enrich) -> None:
    with pytest.raises(EnrichmentError, match=r"'fabric'.*--values.*season"):
        enrich(shirts(season="summer"), attributes=("fabric",))


def test_one_value_only_is_nothing_to_tell_apart(enrich) -> None:
    products = [
        Product(product_id=f"p{n}", title=f"thing {n}", color="red" if n < 20 else "")
        for n in range(30)
    ]
    with pytest.raises(EnrichmentError, match="'red' is all that could be proposed"):
        enrich(products, attributes=("color",))


def test_too_few_titles_to_learn_from_is_an_error_where_learning_was_asked_for(enrich) -> None:
    with pytest.raises(EnrichmentError, match="--method zero-shot"):
        enrich(shirts(16, lacking=10), attributes=("color",), method=Method.LEARNED)


@pytest.mark.parametrize("name", ["title", "id", "price", "image_link", ""])
def test_what_is_no_attribute_is_refused(name: str) -> None:
    with pytest.raises(EnrichmentError, match="nothing that can be predicted"):
        Attribute.named(name)


def test_all_products_having_it_leaves_nothing_to_propose(enrich) -> None:
    outcome = enrich(shirts(lacking=0), attributes=("color",))
    assert outcome.method is None
    assert outcome.reason == "nothing to propose: all 72 products have it"
    measured = enrich(shirts(lacking=0), attributes=("color",), measure_all=True)
    assert measured.quality is not None
    assert measured.proposals == ()


def test_products_that_the_index_does_not_hold_as_they_are_now_are_counted(
    services: Services, enrich
) -> None:
    enrich(shirts(), attributes=("color",))
    changed = services.store.find(["p70", "p71"])
    services.store.upsert([stored.record for stored in changed.values()])
    services.store.remove(["p69"])
    outcome = services.enricher.enrich(
        Wanted(attributes=("color",), min_probability=0.0), quiet
    ).outcomes[0]
    assert (outcome.lack, outcome.not_indexed, len(outcome.proposals)) == (11, 2, 9)


def test_vectors_that_hold_nan_are_left_out(
    services: Services, enrich, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrich(shirts(), attributes=("color",))
    index = services.live.get().index
    fetch = index.fetch

    def broken(keys: np.ndarray) -> np.ndarray:
        vectors = fetch(keys).copy()
        vectors[0, 0] = np.nan
        return vectors

    monkeypatch.setattr(index, "fetch", broken)
    outcome = services.enricher.enrich(
        Wanted(attributes=("color",), min_probability=0.0), quiet
    ).outcomes[0]
    assert (outcome.not_indexed, len(outcome.proposals)) == (1, 11)


def test_products_of_which_nothing_is_left_are_counted_as_unusable(enrich) -> None:
    bare = [
        Product(product_id=f"bare{n}", product_type=f"Clothes > {KINDS[n % 3]}") for n in range(3)
    ]
    outcome = enrich([*shirts(), *bare], attributes=("category",))
    assert (outcome.have, outcome.unusable, outcome.examples) == (63, 3, 60)


# attributes and values


def test_an_attribute_is_hidden_in_its_field_and_in_twins_of_it() -> None:
    product = Product(
        product_id="p",
        title="Shirt",
        color="Red",
        gender="Men",
        attributes={"colour": "red", "fit": "slim", "trim": "Red"},
    )
    hidden = Attribute.named("Colour").without(product)
    assert (hidden.color, hidden.gender) == ("", "Men")
    assert hidden.attributes == {"fit": "slim", "trim": "Red"}
    assert Attribute.named("Fit").without(product).attributes == {"colour": "red", "trim": "Red"}


def test_spellings_that_differ_in_case_are_one_value() -> None:
    values = count_values([("Blue", 1), ("blue", 2), ("blue", 3), ("Red", 4)])
    assert values.products == {"blue": 3, "Red": 1}
    assert values.titles == {"blue": 3, "Red": 1}
    assert values.canonical("BLUE") == "blue"
    assert values.learnable(2) == ("blue",)


def test_a_category_is_said_by_its_last_level_where_that_is_clear() -> None:
    paths = ["Men > Tops > Tees", "Women > Tops > Tees", "Gear > Bags"]
    assert value_words(paths) == ["Tees Tops Men", "Tees Tops Women", "Bags"]
