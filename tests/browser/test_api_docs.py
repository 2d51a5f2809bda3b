"""The page that shows the API, from files that lie here and under our own policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Site

pytestmark = pytest.mark.browser


def test_every_operation_is_shown_and_can_be_tried(page: Page, site: Site) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(f"{site.url}/docs")
    expect(page.locator("#operations-search-search")).to_be_visible()
    paths = page.evaluate("fetch('/openapi.json').then((r) => r.json()).then((d) => d.paths)")
    n_operations = sum(len(item) for item in paths.values())
    expect(page.locator(".opblock")).to_have_count(n_operations)

    page.click("#operations-search-suggest .opblock-summary")
    page.click("#operations-search-suggest .try-out__btn")
    page.fill("#operations-search-suggest input[placeholder='q']", "mu")
    page.click("#operations-search-suggest .execute")
    expect(page.locator("#operations-search-suggest .live-responses-table")).to_contain_text("200")

    assert hosts == {site.url.split("/")[2]}
