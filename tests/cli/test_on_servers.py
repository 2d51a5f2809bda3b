"""Some tests of commands over PostgreSQL and Milvus, always; `tests/engines.py` says how all of
them are run so.
"""

from __future__ import annotations

import pytest

from tests.cli.test_catalog_commands import (
    test_a_second_run_finds_everything_unchanged_and_keeps_the_generation as test_second_run,
)
from tests.cli.test_catalog_commands import (
    test_rollback_goes_back_and_generations_says_which_is_live as test_rollback,
)
from tests.cli.test_search_commands import (
    test_facets_count_all_that_matches as test_facets,
)
from tests.cli.test_search_commands import (
    test_words_find_the_product_they_name as test_words,
)
from tests.engines import Engines, chosen

__all__ = ["test_facets", "test_rollback", "test_second_run", "test_words"]


@pytest.fixture(scope="module")
def engines(request: pytest.FixtureRequest) -> Engines:
    return chosen(request, "postgresql", "milvus")
