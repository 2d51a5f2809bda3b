"""A folder of pictures as a feed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, find_feed, notes_of, open_feed
from shopsearch.catalog.folder import title_of
from shopsearch.domain import Rejection
from shopsearch.errors import CatalogError, FeedFormatError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_every_picture_is_a_product_known_by_where_it_lies(tmp_path: Path) -> None:
    touch(tmp_path, "Mugs/Tea mugs/red-striped_mug.JPG", "Mugs/IMG_2041.png", "lamp.webp")

    lamp, camera, mug = (record.product for record in open_feed(tmp_path))

    assert (lamp.product_id, lamp.title, lamp.product_type) == ("lamp", "lamp", "")
    assert (camera.product_id, camera.title, camera.product_type) == ("Mugs/IMG_2041", "", "Mugs")
    assert mug.product_id == "Mugs/Tea mugs/red-striped_mug"
    assert (mug.title, mug.product_type) == ("red-striped mug", "Mugs > Tea mugs")
    assert mug.images == (f"{tmp_path}/Mugs/Tea mugs/red-striped_mug.JPG",)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("red-striped_mug", "red-striped mug"),
        ("red-striped-mug", "red striped mug"),
        ("Red mug (2)", "Red mug (2)"),
        ("mh01-black_main", "mh01-black main"),
        ("IMG_2041", ""),
        ("DSC00012", ""),
        ("2041", ""),
        ("WhatsApp Image 2024-01-05 at 12.30", ""),
        ("009099b1f6e1e8f893ec29a7023153c4", ""),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", ""),
        ("käsemesser", "käsemesser"),
    ],
)
def test_a_title_is_read_from_a_name_that_says_something(name: str, title: str) -> None:
    assert title_of(name) == title


def test_folders_that_say_only_pictures_are_no_category(tmp_path: Path) -> None:
    (record,) = open_feed(touch(tmp_path, "Images/summer_hats/hat.png"))

    assert record.product.product_type == "summer hats"


def test_two_pictures_of_one_name_are_told(tmp_path: Path) -> None:
    _, same, other = open_feed(touch(tmp_path, "mug.jpg", "mug.png", "mug-2.jpg"))

    assert isinstance(same, Rejection)
    assert "mug.png and mug.jpg make one id" in same.reason
    assert (same.product_id, other.product.product_id) == ("mug", "mug-2")


def test_hidden_files_and_others_are_left_out_and_counted(tmp_path: Path) -> None:
    feed = open_feed(touch(tmp_path, "mug.jpg", ".mug.jpg", ".git/x.png", "notes.txt", "Thumbs.db"))

    assert [record.product.product_id for record in feed] == ["mug"]
    assert notes_of(feed) == [
        "2 hidden files were left out",
        "2 files that are no pictures were left out",
    ]


def test_links_to_folders_are_not_followed_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "a/mug.jpg")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)

    assert [record.product.product_id for record in open_feed(tmp_path)] == ["a/mug"]


def test_a_folder_that_may_not_be_read_is_told_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/mug.jpg", "b/cap.jpg")
    scandir = os.scandir

    def forbidding(place: Path) -> object:
        if place == tmp_path / "a":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr("shopsearch.catalog.folder.os.scandir", forbidding)

    closed, cap = open_feed(tmp_path)

    assert isinstance(closed, Rejection)
    assert "'a' cannot be read (Permission denied)" in closed.reason
    assert cap.product.product_id == "b/cap"


def test_a_name_that_is_no_text_is_rejected_alone(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"m\xffg.jpg")).touch()
    except OSError:
        pytest.skip("this file system takes no such names")

    odd, cap = open_feed(touch(tmp_path, "zap.jpg"))

    assert isinstance(odd, Rejection)
    assert "half a character" in odd.reason
    assert odd.product_id == "mg"
    assert cap.product.product_id == "zap"


def test_a_feed_in_a_folder_comes_before_its_pictures(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg")
    assert find_feed(tmp_path) == tmp_path
    (tmp_path / "shop.csv").write_text("id,title\n1,a\n")
    assert find_feed(tmp_path) == tmp_path / "shop.csv"
    assert len(list(open_feed(tmp_path))) == 1


def test_files_and_folders_are_not_read_as_each_other(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "shop.txt").write_text("id,title\n")

    with pytest.raises(CatalogError, match="a folder of pictures cannot be read as csv"):
        open_feed(tmp_path, format="csv")
    with pytest.raises(CatalogError, match="this is a file; name the folder"):
        open_feed(tmp_path / "shop.txt", format="pictures")


def test_a_mapping_of_a_column_that_pictures_lack_is_told(tmp_path: Path) -> None:
    feed = open_feed(touch(tmp_path, "a.jpg"), mapping=FieldMapping({"brand": "maker"}))

    with pytest.raises(FeedFormatError, match="the columns are 'id', 'title'"):
        list(feed)
