"""An indexing process is killed without warning; nothing that it acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import EVERYTHING
from shopsearch.settings import Settings

N_PRODUCTS = 60


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_shop(tmp_path_factory.mktemp("shop"), n_products=N_PRODUCTS)


def index_and_kill(feed: Path, home: Path, after_s: float) -> bool:
    """Start `shopsearch index`, kill it some time after it has begun to write; whether it died."""
    environment = os.environ | {
        "SHOPSEARCH_HOME": str(home),
        "SHOPSEARCH_ENCODER": "hashing",
        "SHOPSEARCH_BATCH_SIZE": "4",
    }
    command = [sys.executable, "-m", "shopsearch", "index", str(feed)]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (home / "indexing.owner").exists() and process.poll() is None:
        time.sleep(0.005)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    return process.wait(timeout=60) == -signal.SIGKILL


@pytest.mark.slow
def test_whenever_a_run_is_killed_the_next_one_completes_it(feed: Path, tmp_path: Path) -> None:
    n_killed = 0
    for attempt, after_s in enumerate((0.0, 0.05, 0.1, 0.2, 0.35, 0.5)):
        home = tmp_path / f"home-{attempt}"
        n_killed += index_and_kill(feed, home, after_s)
        with Services.open(Settings(home=home, encoder="hashing", batch_size=4)) as services:
            n_acknowledged = services.store.count()
            report = services.indexer.run(open_feed(feed), feed_name="again")
            assert report.rejected == ()
            assert (report.indexed, report.unchanged) == (
                N_PRODUCTS - n_acknowledged,
                n_acknowledged,
            )
            assert services.store.count() == N_PRODUCTS
            index = services.live.get().index
            stored = services.store.fetch(index.fields.matching(EVERYTHING).tolist())
            assert len(index) == len(stored) == N_PRODUCTS
            leftovers = [*home.glob("generations/*.tmp"), *home.glob("generations/.*")]
            assert leftovers == []
    assert n_killed >= 3, "the runs ended before they could be killed: shorten the waits"
