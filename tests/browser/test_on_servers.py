"""Some tests of pages over PostgreSQL and Milvus, always; `tests/engines.py` says how all of them
are run so.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import Site, drawn_site
from tests.browser.test_shop_window import (
    test_results_are_sorted_and_turned_in_place as test_sorting_and_paging,
)
from tests.browser.test_shop_window import (
    test_words_find_products_and_are_in_the_address as test_words,
)
from tests.engines import chosen

__all__ = ["test_sorting_and_paging", "test_words"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("servers")
    with drawn_site(folder, chosen(request, "postgresql", "milvus")) as served:
        yield served
