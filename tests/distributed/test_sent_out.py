"""What is sent out, and what becomes of it, with workers in this process in the place of Ray's."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import text

import shopsearch
from shopsearch.bootstrap import Services
from shopsearch.catalog import CatalogFeed, open_feed
from shopsearch.distributed.parcels import (
    CannotStart,
    EncodedParcel,
    Parcel,
    ParcelLost,
    Started,
    WorkerPlan,
)
from shopsearch.distributed.sent_out import Crew, SentOut
from shopsearch.distributed.worker import EncodingWorker
from shopsearch.domain import FeedRecord
from shopsearch.errors import CatalogError
from shopsearch.indexing import Indexer
from shopsearch.preprocessing.pictures import GRID_THUMBNAILS_PX
from shopsearch.settings import Settings

from .shop import MISSING, NO_PICTURE, Held, counts, hard_shop, run

N_PRODUCTS = 24
Indexing = Callable[..., Indexer]


def plan_of(services: Services) -> WorkerPlan:
    return WorkerPlan.of(
        services.settings,
        version=shopsearch.__version__,
        encoder_id=services.embedder.encoder_id,
        thumbnail_sizes_px=GRID_THUMBNAILS_PX,
        threads=2,
    )


@dataclass
class CrewHere:
    """A crew of one worker, in this process, that works when it is asked for the result."""

    worker: EncodingWorker
    capacity: int = 3
    deadly: bytes | None = None  # in a content: ends workers
    parcels: list[Parcel] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def submit(self, parcel: Parcel) -> Parcel:
        travelled: Parcel = pickle.loads(pickle.dumps(parcel))  # noqa: S301 - our own
        assert travelled == parcel
        self.parcels.append(parcel)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        return parcel

    def result(self, task: Parcel) -> EncodedParcel:
        self.under_way -= 1
        contents = [*(text.encode() for text in task.texts), *(p.encoded for p in task.pictures)]
        if self.deadly is not None and any(self.deadly in content for content in contents):
            raise ParcelLost(task, 3)
        encoded = self.worker.encode(task)
        travelled: EncodedParcel = pickle.loads(pickle.dumps(encoded))  # noqa: S301 - our own
        return travelled


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hard_shop(tmp_path_factory.mktemp("drawn"), n_products=N_PRODUCTS)


@pytest.fixture
def feed(drawn: Path, tmp_path: Path) -> Path:
    shutil.copytree(drawn.parent, tmp_path / "shop")
    return tmp_path / "shop" / drawn.name


@pytest.fixture
def crew(services: Services) -> CrewHere:
    return CrewHere(EncodingWorker(plan_of(services)))


@pytest.fixture
def indexer(services: Services, crew: CrewHere) -> Iterator[Indexer]:
    @contextmanager
    def hire() -> Iterator[Crew]:
        yield crew

    with SentOut(
        hire,
        encoder_id=services.embedder.encoder_id,
        cache=services.cache,
        pictures=services.preparer,
    ) as workforce:
        yield services.indexer_with(workforce)


@pytest.fixture
def here(settings: Settings, tmp_path: Path) -> Iterator[Services]:
    """A home that is indexed by this process alone."""
    with Services.open(settings.model_copy(update={"home": tmp_path / "here"})) as opened:
        yield opened


def test_all_is_as_if_it_had_been_encoded_here(
    services: Services, here: Services, indexer: Indexer, feed: Path
) -> None:
    report, expected = run(indexer, feed), run(here.indexer, feed)

    assert counts(report) == counts(expected)
    assert {one.product_id for one in report.rejected} == {
        f"{NO_PICTURE}-1",
        f"{NO_PICTURE}-2",
        MISSING,
    }
    Held.by(services).assert_same(Held.by(here))
    assert not services.encoder.is_loaded


def test_what_the_cache_has_is_not_sent_and_nobody_is_hired_for_it(
    services: Services, crew: CrewHere, indexer: Indexer, feed: Path
) -> None:
    run(services.indexer, feed)

    again = run(indexer, feed)
    anew = indexer.reindex()

    assert (again.indexed, again.unchanged) == (0, N_PRODUCTS + 2)
    assert (anew.indexed, anew.texts_encoded, anew.images_encoded) == (N_PRODUCTS + 2, 0, 0)
    # the undecodable pictures are tried in each run, by the workers too
    assert {one.encoded for parcel in crew.parcels for one in parcel.pictures} <= {
        (feed.parent / "broken.png").read_bytes()
    }
    assert not any(parcel.texts for parcel in crew.parcels)


def test_a_new_encoder_is_given_the_working_copies(
    services: Services, here: Services, indexer: Indexer, crew: CrewHere, feed: Path
) -> None:
    expected = run(here.indexer, feed)
    run(services.indexer, feed)
    forget_embeddings(services)

    report = indexer.reindex()

    assert report.images_encoded == expected.images_encoded
    assert all(one.is_working_copy for parcel in crew.parcels for one in parcel.pictures)
    Held.by(services).assert_same(Held.by(here))


def forget_embeddings(services: Services) -> None:
    with services.database.writing() as connection:
        connection.execute(text("DELETE FROM embeddings"))


def test_no_more_is_under_way_than_the_crew_can_take(
    services: Services, indexer: Indexer, crew: CrewHere, feed: Path
) -> None:
    run(indexer, feed)

    assert len(crew.parcels) > crew.capacity
    assert crew.most_under_way == crew.capacity


def test_each_content_is_sent_once(indexer: Indexer, crew: CrewHere, feed: Path) -> None:
    run(indexer, feed)

    texts = [text for parcel in crew.parcels for text in parcel.texts]
    pictures = [one.encoded for parcel in crew.parcels for one in parcel.pictures]
    assert len(texts) == len(set(texts))
    assert len(pictures) == len(set(pictures))


@pytest.mark.parametrize("harmful", ["words", "picture"])
def test_a_content_that_ends_workers_is_rejected_and_the_others_are_indexed(
    indexer: Indexer, crew: CrewHere, feed: Path, harmful: str
) -> None:
    if harmful == "words":
        crew.deadly = b"Deadly"
        rows = feed.read_text(encoding="utf-8").splitlines()
        first = rows[1].split(",")
        rows[1] = ",".join([first[0], "Deadly thing", *first[2:]])
        feed.write_text("\n".join(rows) + "\n", encoding="utf-8")
    else:
        crew.deadly = (feed.parent / "broken.png").read_bytes()

    report = run(indexer, feed)

    ended = [one for one in report.rejected if "3 workers ended" in one.reason]
    assert len(ended) == (1 if harmful == "words" else 2)
    assert report.indexed + len(report.rejected) == report.read == N_PRODUCTS + 5


class BreaksOff:
    """A feed that cannot be read on after some records."""

    def __init__(self, feed: Path, after: int) -> None:
        self._feed, self._after = open_feed(feed), after

    def size_hint(self) -> int | None:
        return None

    def __iter__(self) -> Iterator[FeedRecord]:
        for number, record in enumerate(self._feed):
            if number == self._after:
                raise CatalogError("the disk is gone")
            yield record


def test_where_a_feed_breaks_off_what_came_before_is_live(
    services: Services, indexer: Indexer, feed: Path
) -> None:
    broken: CatalogFeed = BreaksOff(feed, after=20)

    with pytest.raises(CatalogError, match="the disk is gone"):
        indexer.run(broken, feed_name="shop")

    assert len(services.generations.load().index) == services.store.count() == 17


def test_a_worker_is_told_nothing_secret_and_reads_no_environment(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = services.settings.model_copy(update={"database_url": "postgresql://me:secret@db/x"})
    services.settings = secret
    packed = pickle.dumps(plan_of(services))
    monkeypatch.setenv("SHOPSEARCH_ENCODER", "no such encoder")

    assert b"secret" not in packed
    plan: WorkerPlan = pickle.loads(packed)  # noqa: S301 - our own
    assert EncodingWorker(plan).start() == Started(socket.gethostname(), os.getpid())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "0.0.1"}, "install the same version"),
        ({"encoder_id": "another"}, "install the same weights"),
    ],
)
def test_a_worker_that_would_encode_otherwise_says_so(
    services: Services, change: dict[str, str], reason: str
) -> None:
    answer = EncodingWorker(replace(plan_of(services), **change)).start()

    assert isinstance(answer, CannotStart)
    assert reason in answer.reason
