"""A whole shop whose files are in a storage: indexed, looked after, backed up and restored."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.domain import Product
from shopsearch.errors import StorageUnavailable
from shopsearch.preprocessing.picture_cache import SAFE_S, PictureCache
from shopsearch.settings import Settings
from tests.unit.conftest import listed

N_PRODUCTS = 4


def settings_of(home: Path, storage: str) -> Settings:
    return Settings(home=home, encoder="hashing", index="exact", storage=storage)


@pytest.fixture
def shop(storage_url: str, tmp_path: Path) -> Iterator[Services]:
    """A few products with pictures, indexed."""
    with Services.open(settings_of(tmp_path / "home", storage_url)) as services:
        services.indexer.run(listed(*mugs(tmp_path)), feed_name="mugs")
        yield services


def mugs(folder: Path) -> list[Product]:
    made = []
    for number in range(N_PRODUCTS):
        path = folder / f"{number}.png"
        Image.effect_noise((64, 48), 40 + number).convert("RGB").save(path)
        made.append(Product(product_id=f"p{number}", title=f"Mug {number}", images=(str(path),)))
    return made


def pictures(services: Services) -> list[str]:
    assert services.storage is not None
    return [one.name for one in services.storage.names("pictures")]


def faults(services: Services) -> dict[str, int]:
    with Services(services.settings) as fresh:
        return {one.name: one.n_faults for one in fresh.verifier.run() if one.n_faults}


def test_pictures_are_in_the_storage_and_none_in_the_folder_of_one_machine(shop: Services) -> None:
    kinds = sorted(name.partition(".")[2] for name in pictures(shop))
    assert kinds == sorted(["jpg", "480.webp", "320.webp"] * N_PRODUCTS)
    assert not (shop.settings.home / "images").exists()
    assert not (shop.settings.home / "CURRENT").exists()
    assert faults(shop) == {}


def test_another_machine_has_the_pictures(shop: Services, tmp_path: Path) -> None:
    content_hash = pictures(shop)[0].rpartition("/")[2].partition(".")[0]
    with Services(settings_of(tmp_path / "other", str(shop.settings.storage))) as other:
        assert other.pictures.size(content_hash) == (64, 48)
        before = pictures(shop)
        for size_px in (480, 320, 100):
            thumbnail = other.pictures.thumbnail(content_hash, size_px)
            assert thumbnail is not None
            assert thumbnail.is_relative_to(tmp_path / "other" / "cache")
        assert pictures(shop) == before, "a node writes nothing for being looked at"
        assert other.pictures.get("0" * 64) is None
        assert other.pictures.thumbnail("0" * 64, 320) is None
        assert other.pictures.path("../../etc/passwd") is None


def test_a_storage_that_is_gone_is_an_error_and_not_a_missing_picture(
    shop: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_hash = pictures(shop)[0].rpartition("/")[2].partition(".")[0]
    with Services(settings_of(tmp_path / "other", str(shop.settings.storage))) as other:
        assert other.storage is not None

        def gone(_name: str) -> bytes:
            raise StorageUnavailable("the network is gone")

        monkeypatch.setattr(other.storage, "read", gone)
        with pytest.raises(StorageUnavailable):
            other.pictures.path(content_hash)
        assert other.pictures.size(content_hash) is None
        assert other.pictures.sketch(content_hash, 8) is None


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_spoilt_picture_is_found_and_made_again(shop: Services, harm: str) -> None:
    assert shop.storage is not None
    name = next(name for name in pictures(shop) if name.endswith(".jpg"))
    content = shop.storage.read(name)
    assert content is not None
    if harm == "gone":
        shop.storage.delete([name])
    else:
        shop.storage.write(name, content[: len(content) // 2])
    assert faults(shop) == {"pictures": 1}
    with Services(shop.settings) as fresh:
        assert fresh.repairer.run().done["pictures_remade"] == 1
    assert faults(shop) == {}
    assert shop.storage.read(name) == content


def test_a_spoilt_picture_whose_source_is_gone_stays(shop: Services, tmp_path: Path) -> None:
    assert shop.storage is not None
    for path in tmp_path.glob("*.png"):
        path.unlink()
    name = next(name for name in pictures(shop) if name.endswith(".jpg"))
    shop.storage.write(name, b"half")
    with Services(shop.settings) as fresh:
        assert fresh.repairer.run().done["pictures_remade"] == 0
    assert shop.storage.read(name) == b"half"


def test_pictures_of_no_product_are_deleted(shop: Services) -> None:
    assert shop.storage is not None
    before = pictures(shop)
    shop.storage.write(f"pictures/00/{'0' * 64}.jpg", b"x")
    with Services(shop.settings) as fresh:
        assert fresh.repairer.run().done["removed"] == 1
    assert pictures(shop) == before


def test_a_backup_holds_what_is_in_the_storage_and_restores_it_elsewhere(
    shop: Services, tmp_path: Path
) -> None:
    shop.backup.write(tmp_path / "shop.tar")
    elsewhere = settings_of(tmp_path / "else", f"memory://{secrets.token_hex(4)}")
    with Services.open(elsewhere) as other:
        restored = other.restore.restore(tmp_path / "shop.tar", force=True)
        assert restored.n_pictures == N_PRODUCTS
    copies = [name for name in pictures(shop) if name.endswith(".jpg")]
    with Services(elsewhere) as other:
        assert pictures(other) == copies
        assert other.generations.ids() == [other.generations.current_id()]
        assert other.live.get().manifest.count == N_PRODUCTS
    assert faults(other) == {}


def test_the_cache_of_a_machine_is_bounded_and_keeps_what_was_used_last(tmp_path: Path) -> None:
    now = [1_000_000.0]
    cache = PictureCache(tmp_path, 10_000, clock=lambda: now[0])
    for number in range(30):
        path = cache.put(f"{number:02}/a", b"x" * 1_000)
        os.utime(path, (now[0], now[0]))
        now[0] += SAFE_S
        assert cache.get("00/a") is not None
    kept = sorted(path.parent.name for path in tmp_path.glob("*/a"))
    assert kept[0] == "00"
    assert kept[-1] == "29"
    assert len(kept) <= 11


def test_what_was_given_out_lately_is_not_removed(tmp_path: Path) -> None:
    now = [1_000_000.0]
    cache = PictureCache(tmp_path, 2_000, clock=lambda: now[0])
    for number in range(10):
        path = cache.put(f"{number:02}/a", b"x" * 1_000)
        os.utime(path, (now[0], now[0]))
    assert len(list(tmp_path.glob("*/a"))) == 10
