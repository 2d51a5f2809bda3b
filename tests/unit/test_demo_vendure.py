"""The Vendure demo catalog: made from its package, or a clear reason why not."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.catalog import open_feed
from shopsearch.demo import vendure
from shopsearch.demo.vendure import DemoCatalog, fetch_vendure
from shopsearch.domain import FeedRow
from shopsearch.errors import DemoUnavailable

HEADER = (
    "name     ,slug ,description,assets ,facets,optionGroups ,optionValues,sku,price,taxCategory,"
    "stockOnHand,trackInventory,variantAssets,variantFacets"
)
SHOE = (
    'Shoe     ,shoe ,"Runs, fast",a.jpg ,category:Sports|category:Shoes|brand:Acme|color:blue|'
    "color:pink,size:shoe-size,Size 40,S1,99.99,standard,100,,,"
)
LARGER = (
    "         ,     ,           ,       ,   ,          ,Size 42  ,S2,89.99,standard,0,,,color:red"
)
LAMP = "Lamp     ,lamp ,Glows      ,no.jpg ,category:Home,          ,         ,L1,5,standard,0,,,"
PRODUCTS = "\n".join((HEADER, SHOE, LARGER, LAMP))


def package(*more: tuple[str, bytes]) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    manifest = {
        "name": "@vendure/create",
        "version": "3.7.3",
        "license": "SOME-LICENCE",
        "repository": {"url": "https://shop.example/repository"},
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, body in (
            ("package/package.json", json.dumps(manifest).encode()),
            ("package/assets/products.csv", PRODUCTS.encode()),
            ("package/assets/images/a.jpg", picture.getvalue()),
            ("package/index.js", b"throw 1"),
            *more,
        ):
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return content.getvalue()


def npm(folder: Path, script: str) -> None:
    path = folder / "npm"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder before all others on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def packed(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that packs a small package, and notes each call."""
    content = package(("package/assets/images/../../../../escaped.jpg", b"out"))
    (tmp_path / "vendure.tgz").write_bytes(content)
    npm(programs, f'echo "$@" >> {tmp_path}/calls; cp {tmp_path}/vendure.tgz "$4/"')
    monkeypatch.setattr(vendure, "SHA512", hashlib.sha512(content).hexdigest())
    return tmp_path


def without_escape(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = package()
    (packed / "vendure.tgz").write_bytes(content)
    monkeypatch.setattr(vendure, "SHA512", hashlib.sha512(content).hexdigest())


def test_the_package_becomes_a_feed(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_escape(packed, monkeypatch)

    catalog = fetch_vendure(packed / "demo")
    shoe, lamp = (record.product for record in open_feed(catalog.feed, mapping=catalog.mapping))

    assert (shoe.product_id, shoe.title, shoe.description) == ("shoe", "Shoe", "Runs, fast")
    assert shoe.product_type == "Sports > Shoes"
    assert (shoe.brand, shoe.color, shoe.size) == ("Acme", "blue, pink, red", "40, 42")
    assert str(shoe.price) == "89.99 USD"
    assert shoe.availability == "in_stock"
    assert Path(shoe.images[0]).is_file()
    assert (lamp.images, lamp.availability) == ((), "out_of_stock")


def test_source_and_licence_are_those_of_the_package(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_escape(packed, monkeypatch)

    catalog = fetch_vendure(packed / "demo")

    assert catalog.source == "npm package @vendure/create 3.7.3, https://shop.example/repository"
    assert catalog.licence == "SOME-LICENCE"


def test_a_second_call_fetches_nothing(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_escape(packed, monkeypatch)

    assert fetch_vendure(packed / "demo") == fetch_vendure(packed / "demo")
    assert (packed / "calls").read_text().count("pack @vendure/create@3.7.3") == 1


def test_only_products_pictures_and_manifest_are_unpacked(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_escape(packed, monkeypatch)

    fetch_vendure(packed / "demo")

    assert not (packed / "demo/package/index.js").exists()


def test_a_member_that_leaves_the_folder_is_refused(packed: Path) -> None:
    with pytest.raises(DemoUnavailable, match="OutsideDestination"):
        fetch_vendure(packed / "demo")

    assert not list(packed.rglob("escaped.jpg"))


def test_another_content_than_was_published_is_not_used(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendure, "SHA512", "0" * 128)

    with pytest.raises(DemoUnavailable, match="nothing of it was used"):
        fetch_vendure(packed / "demo")

    assert not list((packed / "demo").iterdir())


def test_without_npm_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DemoUnavailable, match="npm is not installed"):
        fetch_vendure(tmp_path / "demo")


def test_an_npm_that_fails_is_quoted(tmp_path: Path, programs: Path) -> None:
    npm(programs, 'echo "npm error network is out of reach" >&2; exit 7')

    with pytest.raises(DemoUnavailable, match="network is out of reach"):
        fetch_vendure(tmp_path / "demo")


def test_an_npm_that_hangs_is_stopped(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm(programs, "exec sleep 60")
    monkeypatch.setattr(vendure, "_NPM_TIMEOUT_S", 0.2)

    with pytest.raises(DemoUnavailable, match="within"):
        fetch_vendure(tmp_path / "demo")


@pytest.mark.slow
def test_the_real_package_has_fifty_four_products_with_pictures(tmp_path: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    try:
        catalog: DemoCatalog = fetch_vendure(tmp_path)
    except DemoUnavailable as error:
        pytest.skip(f"the npm registry cannot be reached: {error}")
    records = list(open_feed(catalog.feed, mapping=catalog.mapping))

    assert len(records) == 54
    assert all(isinstance(record, FeedRow) for record in records)
    assert all(Path(record.product.images[0]).is_file() for record in records)
    assert catalog.licence == "GPL-3.0-or-later"
