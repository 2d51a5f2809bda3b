"""Indexing on Ray: one real Ray of this machine for all tests, with real worker processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from shopsearch.bootstrap import Services
from shopsearch.distributed.cluster import connected
from shopsearch.distributed.parcels import CannotStart, Started
from shopsearch.distributed.worker import EncodingWorker
from shopsearch.errors import WorkersUnavailable
from shopsearch.settings import Settings
from shopsearch.tally import IndexProgress
from tests.waiting import wait_until

from .shop import Held, counts, hard_shop, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None and not os.environ.get("CI"), reason="ray is not installed"
    ),
]
N_PRODUCTS = 36
ENDS_WITHIN_S = 60.0


@pytest.fixture(scope="module")
def ray_address() -> Iterator[str]:
    """The address of a Ray that runs while the tests of this file do."""
    with connected(None):
        import ray

        yield ray.get_runtime_context().gcs_address


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hard_shop(tmp_path_factory.mktemp("shop"), n_products=N_PRODUCTS)


@pytest.fixture
def settings(tmp_path: Path, ray_address: str) -> Settings:
    return Settings(
        home=tmp_path / "home",
        encoder="hashing",
        batch_size=4,
        ray_address=ray_address,
        ray_workers=2,
    )


@pytest.fixture
def here(settings: Settings, tmp_path: Path) -> Iterator[Services]:
    """A home that is indexed by this process alone."""
    with Services.open(settings.model_copy(update={"home": tmp_path / "here"})) as opened:
        yield opened


def workers() -> list[int]:
    """The process ids of the workers that encode; no other Ray of this machine is looked at."""
    ours = {os.getpid()}
    processes = sorted(int(path.name) for path in Path("/proc").glob("[0-9]*"))
    found = []
    for pid in processes:  # children have higher ids, unless these were used up in between
        try:
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            command = Path(f"/proc/{pid}/cmdline").read_text()
        except OSError:
            continue
        if parent in ours:
            ours.add(pid)
            if command.startswith("ray::EncodingWorker"):
                found.append(pid)
    return found


def test_vectors_pictures_and_rejections_are_those_of_the_local_road(
    services: Services, here: Services, feed: Path
) -> None:
    with services.indexer_on_ray() as indexer:
        report = run(indexer, feed)

    assert counts(report) == counts(run(here.indexer, feed))
    Held.by(services).assert_same(Held.by(here))
    assert not services.encoder.is_loaded


def test_the_compact_encoder_gives_the_same_vectors_on_ray(
    settings: Settings, tmp_path: Path, feed: Path
) -> None:
    compact = settings.model_copy(
        update={"encoder": "compact", "batch_size": 16, "ray_workers": 1, "further_pictures": 0}
    )
    with (
        Services.open(compact) as on_ray,
        Services.open(compact.model_copy(update={"home": tmp_path / "here"})) as here,
    ):
        expected = run(here.indexer, feed)
        (tmp_path / "here" / "models").rename(tmp_path / "home" / "models")  # made once is enough
        with on_ray.indexer_on_ray() as indexer:
            report = run(indexer, feed)

        assert counts(report) == counts(expected)
        Held.by(on_ray).assert_same(Held.by(here))


def test_a_run_goes_on_when_all_its_workers_are_killed(
    services: Services, here: Services, feed: Path
) -> None:
    killed: list[int] = []

    def kill_at_first(progress: IndexProgress) -> None:
        if progress.indexed and not killed:
            killed.extend(workers())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    with capture_logs() as logged, services.indexer_on_ray() as indexer:
        report = run(indexer, feed, progress=kill_at_first)

    assert killed
    assert [entry["event"] for entry in logged].count(
        "a worker of Ray ended, what it had is done again"
    ) >= 1
    assert counts(report) == counts(run(here.indexer, feed))
    Held.by(services).assert_same(Held.by(here))
    assert not services.encoder.is_loaded


class Failing(EncodingWorker):
    """Ends instead of starting, until so many have."""

    def start(self) -> Started | CannotStart:
        ends = Path(self._settings.home, "ends")
        left = int(ends.read_text())
        if left:
            ends.write_text(str(left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().start()


@pytest.mark.skipif(
    not os.environ.get("SHOPSEARCH_TEST_RAY_NODES"),
    reason="six workers start, one after the other: set SHOPSEARCH_TEST_RAY_NODES=1",
)
@pytest.mark.parametrize("n_ending", [3, 100])
def test_workers_that_end_over_and_over_before_they_start_are_not_replaced_for_ever(
    services: Services, feed: Path, monkeypatch: pytest.MonkeyPatch, n_ending: int
) -> None:
    from shopsearch.distributed import crew

    monkeypatch.setattr(crew, "EncodingWorker", Failing)
    ends = services.settings.home / "ends"
    ends.write_text(str(n_ending))

    if n_ending == 3:  # two are left to go on, or one
        with services.indexer_on_ray() as indexer:
            assert run(indexer, feed).indexed == N_PRODUCTS + 2
        return
    services.settings = services.settings.model_copy(update={"ray_workers": 1})
    with (
        services.indexer_on_ray() as indexer,
        pytest.raises(WorkersUnavailable, match="end while they load the model"),
    ):
        run(indexer, feed)


def test_a_killed_command_is_resumed_without_encoding_again(
    services: Services, settings: Settings, feed: Path
) -> None:
    process = start_command(settings, feed)
    wait_until(lambda: n_cached(services) >= 16 or process.poll() is not None)
    process.kill()
    process.communicate()
    n_before = n_cached(services)

    with services.indexer_on_ray() as indexer:
        report = run(indexer, feed)

    assert process.returncode == -signal.SIGKILL
    assert 16 <= n_before < n_cached(services)
    assert report.texts_encoded + report.images_encoded == n_cached(services) - n_before
    assert services.store.count() == N_PRODUCTS + 2


def test_ctrl_c_ends_after_the_batch_at_hand_and_standard_output_has_the_document_alone(
    services: Services, settings: Settings, feed: Path
) -> None:
    process = start_command(settings, feed)
    wait_until(lambda: n_cached(services) >= 8)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=ENDS_WITHIN_S)

    document = json.loads(out)
    assert process.returncode == 130, err
    assert 0 < document["indexed"] == len(services.generations.load().index) < N_PRODUCTS
    assert "Traceback" not in err


def start_command(settings: Settings, feed: Path) -> subprocess.Popen[str]:
    """`shopsearch index --on ray --json` over the same Ray, in a process group of its own."""
    environment = {
        **os.environ,
        "SHOPSEARCH_ENCODER": settings.encoder,
        "SHOPSEARCH_BATCH_SIZE": "1",
        "SHOPSEARCH_RAY_WORKERS": "1",
        "SHOPSEARCH_RAY_ADDRESS": str(settings.ray_address),
    }
    command = [sys.executable, "-m", "shopsearch", "--home", str(settings.home)]
    return subprocess.Popen(
        [*command, "index", str(feed), "--on", "ray", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def n_cached(services: Services) -> int:
    """How many embeddings the cache has."""
    with services.database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM embeddings")).scalar_one())
