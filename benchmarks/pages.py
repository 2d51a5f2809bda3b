"""What the pages weigh, and how long a shopper waits for results, beside who asks the API.

    python benchmarks/pages.py [--home FOLDER] [--products N] [--searches N] [--data FOLDER]

Chromium opens the shop window of a real `shopsearch serve` over the catalog of `serving.py`, which
has no pictures. Each of so many searches that nobody has asked before is made twice: in the page,
from the press of Enter until the results that a window has room for are painted, and until the rest
of them and the filters are; and by `fetch` of `/api/v1/search` with what the page asks for (facets,
one hit for variants, cut where the relevant ends) until its JSON is parsed. Which of the two is
first takes turns, and embeddings of queries are not kept.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import serving
from playwright.sync_api import Browser, Page, sync_playwright

from shopsearch.server.facet_links import SHOWN

CHROMIUM = "/usr/bin/chromium"
FIRST_PAGE_KB = 150
SCRIPTS_KB = 40
RATIO = 1.5

SIZES = """
() => {
  const sizes = {};
  const entries = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  for (const { name, initiatorType, encodedBodySize } of entries) {
    const kind = /[.]js$/.test(name) ? "scripts" : /[.]css$/.test(name) ? "styles" : initiatorType;
    if (kind !== "img") sizes[kind] = (sizes[kind] ?? 0) + encodedBodySize;
  }
  return sizes;
}
"""
BY_PAGE = """
async (words) => {
  const box = document.querySelector("#q");
  box.value = words;
  const before = document.querySelector("[data-query-id]").dataset.queryId;
  const now = () => performance.now();
  const first = { priority: "user-blocking" }; // before what the page does then
  const next = (done) => scheduler.postTask(() => done(now()), first);
  const painted = () => new Promise((done) => requestAnimationFrame(() => next(done)));
  const shown = new Promise((done) => {
    const watch = new MutationObserver(() => {
      const main = document.querySelector("[data-query-id]");
      if (!main || main.dataset.queryId === before) return;
      watch.disconnect();
      done(painted());
    });
    const what = { attributes: true, attributeFilter: ["data-query-id"] };
    watch.observe(document.body, { childList: true, subtree: true, ...what });
  });
  const whole = new Promise((done) => {
    const arrived = () => done(painted());
    document.addEventListener("shopsearch:arrived", arrived, { once: true });
  });
  const start = performance.now();
  box.form.requestSubmit();
  return [(await shown) - start, (await whole) - start];
}
"""
BY_API = """
async (address) => {
  const start = performance.now();
  await (await fetch(address)).json();
  return performance.now() - start;
}
"""


def main(given: argparse.Namespace) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as scratch:
        home = (given.home or Path(scratch)) / f"serving-{given.products}"
        queries = serving.prepared(home, given.products, given.data)
        with (
            serving.served(home, 1, {"QUERY_CACHE": "0"}) as server,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(
                executable_path=given.chromium, args=["--no-sandbox"]
            )
            url = f"http://{server.place[0]}:{server.place[1]}"
            for path in ("/", "/search?q=shoes"):
                weigh(browser, url + path)
            texts = queries.texts()
            words = [_words(next(texts)) for _ in range(2 * given.searches + 4)]
            compare(browser.new_page(), url, words)
            browser.close()


def weigh(browser: Browser, address: str) -> None:
    """Everything that a first visit loads, by kind, as it travels."""
    page = browser.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    sizes: dict[str, int] = page.evaluate(SIZES)
    scripts = [
        page.request.get(link.evaluate("link => link.href")).body()
        for link in page.locator('link[rel="modulepreload"]').all()
    ]
    page.close()
    kinds = ", ".join(f"{kind} {size / 1000:.1f}" for kind, size in sorted(sizes.items()))
    zipped = sum(len(gzip.compress(one)) for one in scripts)
    print(
        f"{urlsplit(address).path}: {sum(sizes.values()) / 1000:.1f} kB without pictures (at most "
        f"{FIRST_PAGE_KB}): {kinds}; all modules {zipped / 1000:.1f} kB gzip (at most {SCRIPTS_KB})"
    )


def compare(page: Page, url: str, words: list[str]) -> None:
    """The same kind of search by the page and by the API."""
    page.goto(f"{url}/search?q=shoes")
    page.wait_for_load_state("networkidle")
    fields = {"facets": ",".join(SHOWN), "cutoff": "true", "collapse": "true", "size": "24"}
    ms: dict[str, list[float]] = {"page": [], "whole": [], "api": []}
    for number, one in enumerate(words):
        if number % 2:
            shown, whole = page.evaluate(BY_PAGE, one)
            ms["page"].append(shown)
            ms["whole"].append(whole)
        else:
            address = f"{url}/api/v1/search?{urlencode({'q': one, **fields})}"
            ms["api"].append(page.evaluate(BY_API, address))
    # the first of each warm up
    shown, whole, asked = (ms[one][2:] for one in ("page", "whole", "api"))
    for name, times in (("first results", shown), ("the rest too", whole), ("API", asked)):
        cut = statistics.quantiles(times, n=20)
        print(
            f"{name}: p50 {statistics.median(times):.0f} ms, p95 {cut[18]:.0f} ms of {len(times)}"
        )
    ratio = statistics.median(shown) / statistics.median(asked)
    print(f"interaction to results over the API's own time: {ratio:.2f} (at most {RATIO})")


def _words(request: bytes) -> str:
    """The words of a request that `serving.py` has written."""
    target = request.split(b" ", 2)[1].decode()
    return parse_qs(urlsplit(target).query)["q"][0]


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--home", type=Path, help="a folder for catalogs, which are kept")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--searches", type=int, default=60)
    parser.add_argument("--chromium", default=CHROMIUM)
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
