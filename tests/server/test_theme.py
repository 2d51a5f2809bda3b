"""The shop's own name, logo and style sheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.errors import SettingsError
from shopsearch.server import create_app
from shopsearch.settings import Settings

SHEET = ":root { --accent: #123456; }\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'


def shop(folder: Path, **settings: object) -> Settings:
    return Settings(home=folder / "home", encoder="hashing", **settings)


def test_pages_carry_the_shops_name_and_its_own_look(tmp_path: Path) -> None:
    (tmp_path / "shop.css").write_text(SHEET)
    (tmp_path / "shop.svg").write_text(SVG)
    settings = shop(
        tmp_path, shop_name="<Bo & Co>", theme=tmp_path / "shop.css", logo=tmp_path / "shop.svg"
    )
    with Services.open(settings) as services:
        client = create_app(services).test_client()
        page = client.get("/").text
        assert "| &lt;Bo &amp; Co&gt;</title>" in page
        sheet = page.rindex('<link rel="stylesheet"')  # after the shop's sheets, so that it wins
        address = page[sheet:].split('href="')[1].split('"')[0]
        assert client.get(address).text == SHEET
        logo = page.split('class="brand-mark__logo" src="')[1].split('"')[0]
        answer = client.get(logo)
        assert (answer.text, answer.mimetype) == (SVG, "image/svg+xml")
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("theme", None, "No such file"),
        ("theme", b"\xff\xfe", "no UTF-8"),
        ("theme", b" " * 300_000, "more than 256 KiB"),
        ("logo", None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_at_the_start(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / "own.svg"
    if content is not None:
        path.write_bytes(content)
    with (
        Services.open(shop(tmp_path, **{name: path})) as services,
        pytest.raises(SettingsError, match=f"SHOPSEARCH_{name.upper()}.*{said}"),
    ):
        create_app(services)


def test_a_logo_must_be_a_picture(tmp_path: Path) -> None:
    with (
        Services.open(shop(tmp_path, logo=tmp_path / "logo.html")) as services,
        pytest.raises(SettingsError, match=r"must end with one of \.svg"),
    ):
        create_app(services)
