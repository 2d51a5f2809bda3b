"""Whatever is spoilt in a home is found and named, and what can be mended is mended."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.domain import EVERYTHING, Product
from shopsearch.errors import HomeBusy
from shopsearch.index.lock import HomeLock
from shopsearch.settings import Settings
from shopsearch.upkeep.faults import Count, Severity
from shopsearch.upkeep.generation_check import generation_faults
from shopsearch.upkeep.repairing import Repair
from shopsearch.upkeep.verifying import CheckResult

from .conftest import listed

Damage = Callable[[Path], None]


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def told(results: list[CheckResult], severity: Severity = Severity.FAULT) -> list[str]:
    """What was found, each in a line."""
    return [
        f"{result.name}: {fault.subject}: {fault.what}"
        for result in results
        for fault in result.shown
        if fault.severity is severity
    ]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three generations, made once: tests work on copies. Sources lie beside it."""
    root = tmp_path_factory.mktemp("finished")
    (root / "sources").mkdir()
    products = []
    for number in range(12):
        path = root / "sources" / f"{number}.png"
        Image.effect_noise((64, 48), 40 + number).convert("RGB").save(path)
        products.append(
            Product(
                product_id=f"p{number}",
                title=f"Mug number {number}",
                product_type=f"Mugs > Kind {number % 3}",
                images=(str(path),) if number % 4 else (),
                attributes={"glaze": "matt" if number % 2 else "gloss"},
            )
        )
    home = Settings(home=root / "home", encoder="hashing", batch_size=4)
    with Services.open(home) as services:
        services.indexer.run(listed(*products[:6]), feed_name="one")
        services.indexer.run(listed(*products), feed_name="two")
        services.indexer.remove(["p11"])
    return root


@pytest.fixture
def services(finished: Path, tmp_path: Path) -> Iterator[Services]:
    shutil.copytree(finished / "home", tmp_path / "home")
    scratch = Settings(home=tmp_path / "home", encoder="hashing", batch_size=4)
    with Services.open(scratch) as opened:
        yield opened


def check(services: Services, *, sources: bool = False) -> list[CheckResult]:
    """As a new process would see it."""
    with Services(services.settings) as fresh:
        return fresh.verifier.run(sources=sources)


def damaged_files(services: Services) -> list[str]:
    """The first check alone."""
    return [fault.subject for fault in generation_faults(services.generations, Count())]


def repair(services: Services, *, sources: bool = False) -> Repair:
    with Services(services.settings) as fresh:
        return fresh.repairer.run(sources=sources)


def assert_whole(services: Services) -> None:
    """No fault, and every product is found by its vector."""
    assert told(check(services, sources=True)) == []
    with Services(services.settings) as fresh:
        generation = fresh.live.get()
        keys = generation.index.fields.matching(EVERYTHING)
        assert fresh.live.trouble == ""
        assert sorted(fresh.store.fetch(keys.tolist())) == sorted(keys.tolist())
        assert len(keys) == fresh.store.count() == 11
        found = generation.index.search(generation.index.fetch(keys), 1)
        assert found.keys[:, 0].tolist() == keys.tolist()


def test_a_whole_home_has_no_fault_and_everything_was_looked_at(services: Services) -> None:
    results = check(services, sources=True)
    assert told(results) == []
    examined = {result.name: result.examined for result in results}
    assert examined["index"] == examined["database"] == 11
    assert examined["pictures"] == examined["sources"] == 8
    assert examined["embeddings"] >= 11 + 8


def files_of(services: Services, place: int) -> list[Path]:
    """The manifest last: without it nobody knows how the others should be."""
    folder = services.generations.folder(services.generations.ids()[place])
    return sorted(folder.iterdir(), key=lambda path: (path.name == "manifest.json", path.name))


@pytest.mark.parametrize("place", [0, 1], ids=["live", "older"])
@pytest.mark.parametrize("damage", [flip_a_bit, cut_in_half, Path.unlink])
def test_damage_to_any_file_of_a_generation_is_named_and_healed_without_encoding(
    services: Services, place: int, damage: Damage
) -> None:
    for path in files_of(services, place):
        if path.exists():
            damage(path)
            assert str(path) in damaged_files(services)
    done = repair(services)
    assert told(done.results) == []
    assert (done.reindexed is not None) == (place == 0)
    if done.reindexed is not None:
        assert (done.reindexed.texts_encoded, done.reindexed.images_encoded) == (0, 0)
    assert_whole(services)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    which=strategies.integers(0, 1000),
    at=strategies.floats(0, 0.9999),
    bit=strategies.integers(0, 7),
)
def test_any_flipped_bit_of_any_file_of_any_generation_is_named(
    services: Services, which: int, at: float, bit: int
) -> None:
    files = sorted(services.settings.home.glob("generations/*/*"))
    path = files[which % len(files)]
    whole = path.read_bytes()
    spoilt = bytearray(whole)
    spoilt[int(at * len(spoilt))] ^= 1 << bit
    path.write_bytes(spoilt)
    try:
        assert str(path) in damaged_files(services)
    finally:
        path.write_bytes(whole)


def test_a_file_that_no_manifest_names_is_told_and_removed(services: Services) -> None:
    stranger = files_of(services, 0)[0].parent / "stranger.bin"
    stranger.write_bytes(b"?")
    assert any("stranger.bin" in one for one in told(check(services)))
    repair(services)
    assert not stranger.exists()
    assert_whole(services)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"20200101T000000000-0000\n", None])
def test_a_damaged_or_lost_current_is_told_and_mended(
    services: Services, content: bytes | None
) -> None:
    current = services.settings.home / "CURRENT"
    current.unlink()
    if content is not None:
        current.write_bytes(content)
    assert any("CURRENT" in one for one in told(check(services)))
    assert repair(services).reindexed is not None
    assert_whole(services)


def spoil_embedding(services: Services, value: bytes, kind: str = "p1") -> str:
    """Overwrite the kept embedding of a product's picture; its content hash."""
    content_hash = services.store.find([kind])[kind].record.image_hash
    assert content_hash is not None
    with closing(sqlite3.connect(services.settings.home / "catalog.db")) as database, database:
        database.execute(
            "UPDATE embeddings SET vector = ? WHERE content_hash = ?", (value, content_hash)
        )
    return content_hash


ROW = np.zeros(128, dtype="<f4")


@pytest.mark.parametrize(
    "value",
    [b"", b"\x00" * 511, ROW.tobytes(), (ROW + 9).tobytes(), (ROW * np.nan).tobytes()],
    ids=["empty", "cut", "zero", "long", "nan"],
)
def test_a_damaged_embedding_is_told_forgotten_and_encoded_again(
    services: Services, value: bytes
) -> None:
    with np.errstate(invalid="ignore"):
        content_hash = spoil_embedding(services, value)
    assert any(content_hash[:16] in one for one in told(check(services)))
    done = repair(services)
    assert (done.done["embeddings_forgotten"], done.done["encoded"]) == (1, 1)
    assert_whole(services)


def test_an_embedding_that_looks_sound_but_is_another_is_told_by_its_product(
    services: Services,
) -> None:
    other = ROW.copy()
    other[5] = 1.0
    spoil_embedding(services, other.tobytes())
    assert [one for one in told(check(services)) if "product 'p1'" in one and "away" in one]
    done = repair(services)
    assert done.done["encoded"] == 2  # its words too: which of the two is wrong is not known
    assert done.reindexed is not None
    assert (done.reindexed.texts_encoded, done.reindexed.images_encoded) == (0, 0)
    assert_whole(services)


def statements(services: Services, *lines: str) -> None:
    with closing(sqlite3.connect(services.settings.home / "catalog.db")) as database, database:
        for line in lines:
            database.execute(line)


def test_a_product_that_the_index_lacks_or_has_too_many_of_is_told(services: Services) -> None:
    statements(services, "UPDATE products SET key = 777 WHERE product_id = 'p0'")
    faults = told(check(services))
    assert any("product 'p0'" in one and "does not hold it" in one for one in faults)
    assert any("store has no such product" in one for one in faults)


def test_a_filter_field_that_the_index_has_otherwise_is_told_by_product_and_field(
    services: Services,
) -> None:
    statements(
        services,
        "UPDATE product_attributes SET value = 'satin' WHERE product_key = "
        "(SELECT key FROM products WHERE product_id = 'p3')",
        "UPDATE products SET price_minor = 900, currency = 'EUR' WHERE product_id = 'p4'",
    )
    faults = told(check(services))
    assert any("product 'p3'" in one and "'glaze'" in one for one in faults)
    assert any("product 'p4'" in one and "'price'" in one for one in faults)
    assert any("product 'p4'" in one and "'currency'" in one for one in faults)
    assert not any("product 'p5'" in one for one in faults)


def test_what_was_written_after_the_generation_is_a_note(services: Services) -> None:
    services.store.remove(["p2"])
    record = services.store.find(["p3"])["p3"].record
    services.store.upsert([record])
    results = check(services)
    assert told(results) == []
    assert any("2 products were written after" in one for one in told(results, Severity.NOTE))


def test_rows_that_contradict_each_other_are_told(services: Services) -> None:
    statements(
        services,
        "UPDATE products SET revision = 9999 WHERE product_id = 'p1'",
        "INSERT INTO product_images (product_key, position, source) VALUES (4711, 0, 'x')",
    )
    faults = "\n".join(told(check(services)))
    assert "revision that was never given" in faults
    assert "refers to a row of products that is not there" in faults


def test_a_damaged_database_file_is_told_and_left_alone(services: Services) -> None:
    services.close()
    path = services.settings.home / "catalog.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 12] = b"\x5a" * 4096 * 9
    path.write_bytes(content)
    results = check(services)
    assert {one.name: one.verdict.value for one in results}["database"] == "fault"
    assert all(one.skipped for one in results if one.name in ("index", "pictures", "embeddings"))
    assert told(repair(services).results) != []
    assert path.read_bytes() == content


def copy_of(services: Services, product_id: str) -> Path:
    content_hash = services.store.find([product_id])[product_id].record.image_hash
    assert content_hash is not None
    path = services.pictures.path(content_hash)
    assert path is not None
    return path


@pytest.mark.parametrize("damage", [cut_in_half, Path.unlink, lambda path: path.write_bytes(b"?")])
def test_a_damaged_or_lost_working_copy_is_told_and_made_again(
    services: Services, damage: Damage
) -> None:
    path = copy_of(services, "p1")
    whole = path.read_bytes()
    damage(path)
    assert any(path.stem[:16] in one and "'p1'" in one for one in told(check(services)))
    done = repair(services)
    assert done.done["pictures_remade"] == 1
    assert done.reindexed is None
    assert path.read_bytes() == whole
    assert_whole(services)


@pytest.mark.parametrize("damage", [Path.unlink, cut_in_half])
def test_the_copy_of_a_further_picture_is_told_and_made_again_too(
    services: Services, damage: Damage, tmp_path: Path
) -> None:
    Image.effect_noise((48, 64), 90).convert("RGB").save(tmp_path / "back.png")
    product = services.search.product("p1").product
    both = replace(product, images=(*product.images, str(tmp_path / "back.png")))
    services.indexer.run(listed(both), feed_name="two")
    assert_whole(services)
    (_, (_, further)) = services.search.product("p1").record.kept_pictures
    path = services.pictures.path(further)
    whole = path.read_bytes()
    damage(path)
    assert any(further[:16] in one and "'p1'" in one for one in told(check(services)))
    assert repair(services).done["pictures_remade"] == 1
    assert path.read_bytes() == whole
    assert_whole(services)


def test_a_copy_that_shows_something_else_is_found_by_its_source(services: Services) -> None:
    path = copy_of(services, "p1")
    whole = path.read_bytes()
    Image.new("RGB", (64, 48), "red").save(path, "JPEG")
    assert told(check(services)) == []  # nothing can be told from the copy alone
    assert any(path.name in one for one in told(check(services, sources=True)))
    repair(services, sources=True)
    assert path.read_bytes() == whole


def test_a_damaged_copy_whose_source_is_gone_stays_and_the_remedy_says_what_is_needed(
    services: Services, tmp_path: Path
) -> None:
    path = copy_of(services, "p1")
    cut_in_half(path)
    left = path.read_bytes()
    statements(services, "UPDATE product_images SET source = '/nowhere.png'")
    done = repair(services)
    (fault,) = [f for result in done.results for f in result.shown if f.severity is Severity.FAULT]
    assert str(path) == fault.subject
    assert "source" in fault.remedy
    assert path.read_bytes() == left
    assert services.live.get().index.fields.matching(EVERYTHING).size == 11


def test_files_of_no_product_are_notes_and_removed(services: Services) -> None:
    images = services.settings.home / "images"
    orphan = images / "ab" / f"ab{'0' * 62}.jpg"
    thumbnail = orphan.with_suffix(".256.webp")
    fetched = images / "fetched" / "cd" / f"cd{'1' * 62}"
    half = images / "ab" / f".ab{'0' * 62}.jpg-1-2"
    building = services.settings.home / "generations" / ".building-999999-20260101T000000000-0000"
    old = time.time() - 7200
    for path in (orphan, thumbnail, fetched, half, building / "vectors.faiss"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (old, old))
    mine = images / "ab" / "my holiday.jpg"
    mine.write_bytes(b"x")
    results = check(services)
    assert told(results) == []
    notes = "\n".join(told(results, Severity.NOTE))
    for path in (orphan, thumbnail, fetched, half, building, mine):
        assert str(path) in notes
    repair(services)
    assert not any(path.exists() for path in (orphan, thumbnail, fetched, half, building))
    assert mine.exists()  # shopsearch did not write it
    assert_whole(services)


def test_a_fresh_file_of_no_product_may_belong_to_a_run_under_way(services: Services) -> None:
    fresh = services.settings.home / "images" / "ab" / f"ab{'0' * 62}.jpg"
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_bytes(b"x")
    assert str(fresh) not in "\n".join(told(check(services), Severity.NOTE))


def test_a_repair_waits_for_nobody_who_is_indexing(services: Services) -> None:
    with HomeLock(services.settings.home), pytest.raises(HomeBusy, match="process"):
        repair(services)


def test_a_second_repair_does_nothing(services: Services) -> None:
    for path in files_of(services, 0):
        flip_a_bit(path)
    spoil_embedding(services, b"")
    cut_in_half(copy_of(services, "p2"))
    repair(services)
    again = repair(services)
    assert (dict(again.done), again.reindexed) == ({}, None)
    assert_whole(services)
