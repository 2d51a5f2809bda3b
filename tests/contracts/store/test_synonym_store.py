"""What every `SynonymStore` promises, against a plain list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.store import SynonymStore
from shopsearch.store.sql import Database, SqlProductStore, SqlSynonymStore

RULES = ("couch, sofa", "iphone => smartphone", "größe, size", "'; DROP TABLE synonyms; --")
writes = st.lists(st.tuples(st.booleans(), st.sampled_from(RULES)), max_size=12)


@pytest.fixture
def synonyms(database: Database) -> SynonymStore:
    return SqlSynonymStore(database)


def test_there_are_none_at_first(synonyms: SynonymStore) -> None:
    assert (list(synonyms.rules()), synonyms.revision()) == ([], 0)


@given(writes=writes)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_rules_stand_in_the_order_in_which_they_came_and_each_change_is_a_revision(
    new_database: Callable[[], Database], writes: list[tuple[bool, str]]
) -> None:
    synonyms = SqlSynonymStore(new_database())
    truth: list[str] = []
    n_changes = 0
    for adding, rule in writes:
        changes = (rule not in truth) == adding
        assert (synonyms.add(rule) if adding else synonyms.remove(rule)) is changes
        if changes:
            n_changes += 1
            (truth.append if adding else truth.remove)(rule)
        assert list(synonyms.rules()) == truth
        assert synonyms.revision() == n_changes


def test_a_rule_leaves_the_revision_of_the_catalog_as_it_is(
    synonyms: SynonymStore, database: Database
) -> None:
    before = SqlProductStore(database).revision()
    synonyms.add("couch, sofa")
    assert SqlProductStore(database).revision() == before
