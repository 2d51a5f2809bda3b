"""Every example of docs/api.md that calls curl, run by a real curl against a real server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.heatmaps import HeatmapService
from shopsearch.server import create_app
from shopsearch.settings import Settings
from tests.colour_encoder import ColourEncoder

from .conftest import png

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
ADDRESS = "http://127.0.0.1:8000"  # in the examples
PICTURES = (".jpg", ".jpeg", ".png", ".webp")

# each curl of an example says its status, and fails where that is an error
CURL = (
    'curl() { command curl --fail-with-body -sS --max-time 20 -w "%{stderr}status %{http_code}\\n" '
    '"$@"; }\n'
)


def examples() -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if re.search(r"\bcurl\b", block)]


def products() -> Iterator[dict[str, str]]:
    for n in range(1, 10):
        yield {
            "id": f"A{n}",
            "title": f"Coffee mug {n}" if n % 2 else f"Summer dress {n}",
            "brand": "Nike",
            "price": f"{n}.50 USD",
            "image_link": "red.png" if n % 2 else "blue.png",
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a small shop listens, in which products are called A1 to A9."""
    folder = tmp_path_factory.mktemp("examples")
    for colour in ("red", "blue"):
        (folder / f"{colour}.png").write_bytes(png(colour))
    feed = folder / "products.jsonl"
    feed.write_text("".join(json.dumps(product) + "\n" for product in products()), "utf-8")
    settings = Settings(home=folder / "home", encoder="hashing", index="exact")
    with Services.open(settings) as services:
        report = services.indexer.run(open_feed(feed), feed_name="shop")
        assert report.indexed == 9, report.rejected
        services.encoder.load()
        services.__dict__["heatmaps"] = HeatmapService(  # the encoder of tests knows no regions
            preparer=services.preparer,
            encoder=ColourEncoder(),
            store=services.store,
            pictures=services.pictures,
        )
        listening = make_server("127.0.0.1", 0, create_app(services), threaded=True)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()
        listening.server_close()


def place_files(block: str, folder: Path) -> None:
    """What an example reads by `@name`: pictures, or products."""
    for name in re.findall(r"@([\w.-]+\.\w+)", block):
        path = folder / name
        if path.suffix in PICTURES:
            path.write_bytes(png("red"))
        elif path.suffix in (".jsonl", ".ndjson"):
            path.write_text("".join(json.dumps(one) + "\n" for one in products()), "utf-8")
        else:
            pytest.fail(f"an example reads {name}, which this test does not know how to make")


def test_there_are_examples() -> None:
    assert len(examples()) >= 3


@pytest.mark.parametrize("block", examples())
def test_an_example_of_the_documentation_works(block: str, server: str, tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is missing: install it"
    assert ADDRESS in block, f"an example asks another server than {ADDRESS}"
    place_files(block, tmp_path)

    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", CURL + block.replace(ADDRESS, server)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    told = f"{run.stdout[-2000:]}\n{run.stderr[-2000:]}"
    assert run.returncode == 0, told
    statuses = re.findall(r"^status (\d+)$", run.stderr, re.MULTILINE)
    assert len(statuses) == len(re.findall(r"^\s*curl\b|[|;&(]\s*curl\b", block, re.MULTILINE))
    assert all(status.startswith("2") for status in statuses), told
