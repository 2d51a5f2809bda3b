"""A real browser before the real application, over the drawn shop."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.settings import Settings
from tests.engines import Engines

N_PRODUCTS = 40
# the shell draws the same pages without the windows around them, in half the time
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WAITS_MS = 20_000  # for what is about to be seen, on a busy machine

SERVER = """
import sys
import structlog
from shopsearch.server.serving import serve
from shopsearch.settings import Settings

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
serve(Settings.model_validate_json(sys.argv[1]), announce=lambda url: print(url, flush=True))
"""

# the sum of all layout shifts that follow no input, as browsers report it
WATCH_SHIFTS = """
window.layoutShift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!entry.hadRecentInput) window.layoutShift += entry.value;
  }
}).observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True)
class Site:
    """A running shop, and the pictures that its feed came with."""

    url: str
    services: Services
    pictures: Path

    def picture_of(self, product_id: str) -> Path:
        source = self.services.search.product(product_id).product.images[0]
        return Path(source)


@dataclass
class Complaints:
    """What the browser's console complains of; statuses that a test provokes are no complaint."""

    provoked: set[int] = field(default_factory=set)
    heard: list[str] = field(default_factory=list)

    def listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(message.text)

    def unexpected(self) -> list[str]:
        said = tuple(f"status of {status} " for status in self.provoked)
        return [text for text in self.heard if not any(status in text for status in said)]


NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; in CI it has to be there."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"none of {', '.join(BROWSERS)} is on the PATH: apt-get install {BROWSERS[0]}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=WAITS_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, engines: Engines) -> Iterator[Site]:
    """The drawn shop, served."""
    with drawn_site(tmp_path_factory.mktemp("site"), engines) as served:
        yield served


@contextmanager
def drawn_site(folder: Path, engines: Engines) -> Iterator[Site]:
    """The drawn shop in a folder and on engines, served until the block ends."""
    with engines.settings(index="exact") as of_engines, ExitStack() as opened:
        settings = Settings(
            home=folder / "home",
            encoder="hashing",
            port=0,
            fetch_allow_hosts=("127.0.0.1",),
            rate_limit="off",  # all tests ask from one address
            **of_engines,
        )
        services = opened.enter_context(Services.open(settings))
        feed = draw_shop(folder / "feed", n_products=N_PRODUCTS)
        report = services.indexer.run(open_feed(feed), feed_name="drawn")
        assert report.indexed == N_PRODUCTS, report.rejected
        with serving(settings) as url:
            yield Site(url, services, folder / "feed" / "images")


@pytest.fixture(scope="session")
def empty_site(tmp_path_factory: pytest.TempPathFactory, engines: Engines) -> Iterator[str]:
    """A shop that nobody has indexed anything into."""
    home = tmp_path_factory.mktemp("empty")
    with (
        engines.settings() as of_engines,
        serving(Settings(home=home, encoder="hashing", port=0, **of_engines)) as url,
    ):
        yield url


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The real server in a process of its own, on a free port, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, settings.model_dump_json()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url, "the server ended before it listened"
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=15)


@pytest.fixture
def complaints() -> Complaints:
    """What the pages of a test complain of."""
    return Complaints()


@pytest.fixture
def new_page(browser: Browser, complaints: Complaints) -> Iterator[NewPage]:
    """Makes pages, each in a profile of its own; none may complain in the console."""
    contexts = []

    def make(width: int = 1280, height: int = 900, **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        if options.get("java_script_enabled", True):
            context.add_init_script(WATCH_SHIFTS)
        page = context.new_page()
        page.set_default_timeout(WAITS_MS)
        page.on("console", complaints.listen)
        page.on("pageerror", lambda error: complaints.heard.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints.unexpected() == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A window of a desktop."""
    return new_page()
