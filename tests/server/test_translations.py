"""The languages of the pages: complete, and chosen by the browser or by the visitor."""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from flask.testing import FlaskClient

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "web" / "translations"
LANGUAGES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """What `make translations` runs."""
    spec = importlib.util.spec_from_file_location("translations", ROOT / ".ci/translations.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(catalog: Catalog) -> dict[object, object]:
    return {one.id: one.string for one in catalog if one.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_of_the_pages_is_translated(tool: ModuleType, language: str) -> None:
    there = texts(tool.catalog_of(language))
    wanted = texts(tool.messages())
    assert set(there) == set(wanted), "run `make translations`"
    assert [one for one, said in there.items() if not (all(said) if said else False)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_stands_in_every_translation(tool: ModuleType, language: str) -> None:
    for message, said in texts(tool.catalog_of(language)).items():
        plural = message[-1] if isinstance(message, tuple) else message
        for one in said if isinstance(said, tuple) else (said,):
            assert sorted(PLACEHOLDER.findall(one)) == sorted(PLACEHOLDER.findall(plural)), plural


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_messages_are_those_of_the_catalog(tool: ModuleType, language: str) -> None:
    compiled = io.BytesIO()
    write_mo(compiled, tool.catalog_of(language))
    there = (FOLDER / language / "LC_MESSAGES" / "messages.mo").read_bytes()
    assert there == compiled.getvalue(), "run `make translations`"


def test_the_browser_says_which_language_it_is(client: FlaskClient) -> None:
    answer = client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"})
    assert '<html lang="zh"' in answer.text
    assert "新品上架" in answer.text
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)


@pytest.mark.parametrize(
    "asked", ["", "de", "x-unknown", "*", "zh;q=nonsense", "\udcff" * 3, "a" * 9000]
)
def test_pages_are_english_where_their_language_is_not_there(
    client: FlaskClient, asked: str
) -> None:
    asked = asked.encode("utf-8", "surrogateescape").decode("latin-1")
    answer = client.get("/", headers={"Accept-Language": asked})
    assert '<html lang="en" dir="ltr">' in answer.text


def test_a_visitor_may_choose_another_language_and_stays_on_the_page(client: FlaskClient) -> None:
    answer = client.post("/language", data={"language": "zh", "back": "/search?q=mug"})
    assert (answer.status_code, answer.location) == (303, "/search?q=mug")
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert '<html lang="zh"' in client.get("/search?q=mug").text
    client.post("/language", data={"language": "en"})
    assert '<html lang="en"' in client.get("/").text


@pytest.mark.parametrize(
    "back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "", "/a\r\nX: y"]
)
def test_the_way_back_never_leads_to_another_site(client: FlaskClient, back: str) -> None:
    assert client.post("/language", data={"language": "zh", "back": back}).location == "/"


def test_a_language_that_is_not_there_is_refused(client: FlaskClient) -> None:
    answer = client.post("/language", data={"language": "tlh"})
    assert answer.status_code == 400
    assert "must be one of en, zh" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_no_cookie_is_set_for_those_who_chose_none(client: FlaskClient) -> None:
    for address in ("/", "/search?q=mug", "/products/none"):
        assert "Set-Cookie" not in client.get(address).headers
