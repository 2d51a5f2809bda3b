from __future__ import annotations

import click
import pytest

from shopsearch.cli.filters import parse_filters
from shopsearch.domain import AnyOf, Between, Exists


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("brand=Nike", AnyOf("brand", ("nike",))),
        (" brand = Nike Air ", AnyOf("brand", ("nike air",))),
        ("brand!=Nike", AnyOf("brand", ("nike",), negate=True)),
        ("product_type=Shoes > Boots", AnyOf("product_type", ("shoes > boots",))),
        ("category=Shoes", AnyOf("product_type", ("shoes",))),
        ("note=a=b", AnyOf("note", ("a=b",))),
        ("size=10", AnyOf("size", ("10",))),
        ("price=10..50", Between("price", 10.0, 50.0)),
        ("price=10.5..", Between("price", 10.5, None)),
        ("price=..50", Between("price", None, 50.0)),
        ("price=-5 .. 5", Between("price", -5.0, 5.0)),
        ("price>=10", Between("price", 10.0, None)),
        ("price<=50", Between("price", None, 50.0)),
        ("price=19.99", Between("price", 19.99, 19.99)),
        ("color=*", Exists("color")),
        ("color!=*", Exists("color", present=False)),
        ("version=..", AnyOf("version", ("..",))),
        ("brand=[Nike, Puma]", AnyOf("brand", ("nike", "puma"))),
        ("brand!=[Nike,Puma]", AnyOf("brand", ("nike", "puma"), negate=True)),
        ('category=["Toys, games",Books]', AnyOf("product_type", ("toys, games", "books"))),
        ("note=a,b", AnyOf("note", ("a,b",))),
    ],
)
def test_a_clause_becomes_its_condition(text: str, condition: object) -> None:
    assert parse_filters([text]).conditions == (condition,)


def test_values_of_one_field_are_alternatives_and_fields_hold_together() -> None:
    where = parse_filters(["brand=Nike", "price>=10", "brand=Puma", "color!=Red", "color!=Blue"])

    assert set(where.conditions) == {
        AnyOf("brand", ("nike", "puma")),
        AnyOf("color", ("red", "blue"), negate=True),
        Between("price", 10.0, None),
    }


def test_no_clause_lets_everything_through() -> None:
    assert not parse_filters([])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nike", "is no filter"),
        ("=Nike", "is no filter"),
        ("price>10", "is no filter"),
        ("brand=", "names no value"),
        ("price=cheap", "'cheap'"),
        ("price>=cheap", "'cheap'"),
        ("price>=nan", "'nan'"),
        ("brand=[Nike,]", "an empty value"),
        ("brand=[]", "an empty value"),
        ('brand=["Nike]', "close every quote"),
        ("price=50..10", "empty range"),
        ("price!=10..50", "excludes a range"),
        ("price!=10", "excludes a number"),
    ],
)
def test_a_clause_that_makes_no_sense_is_refused_with_its_text_and_a_remedy(
    text: str, said: str
) -> None:
    with pytest.raises(click.BadParameter) as refusal:
        parse_filters([text])

    assert said in refusal.value.message
    assert text in refusal.value.message
