from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from shopsearch.cli.commands import cli
from shopsearch.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|mailto:)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """docs/reference.py, which writes the generated parts."""
    spec = importlib.util.spec_from_file_location("reference", PROJECT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings.md", "commands.md"])
def test_the_generated_part_of_a_page_is_what_make_docs_writes(
    reference: ModuleType, name: str
) -> None:
    page = (PROJECT / "docs" / name).read_text(encoding="utf-8")

    assert page == reference.renewed(page, reference.MADE[name]()), "run `make docs`"


def test_every_setting_is_told_and_no_other() -> None:
    page = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")

    told = set(re.findall(r"^\| `SHOPSEARCH_([A-Z_]+)` ", page, re.MULTILINE))

    assert told == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = PROJECT / "docs" / "decisions"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))

    assert listed == {path.name for path in folder.glob("[0-9]*.md")}


def commands_in_the_docs() -> Iterator[tuple[str, str]]:
    """Each line of a code block that calls shopsearch: its page and the call."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"^```(?:bash)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for line in block.splitlines():
                if call := re.match(r"(?:\S*/)?shopsearch\s+(.*)", line):
                    yield page.name, call[1]


@pytest.mark.parametrize(("page", "call"), list(commands_in_the_docs()))
def test_every_call_in_the_docs_is_one_that_the_command_line_understands(
    page: str, call: str
) -> None:
    words = shlex.split(call, comments=True)
    words = words[: words.index("|")] if "|" in words else words
    command: click.Command = cli
    while isinstance(command, click.Group):
        ctx = click.Context(command)
        _, words, _ = command.make_parser(ctx).parse_args(words)
        if command.invoke_without_command and not words:
            return
        found = command.get_command(ctx, words.pop(0))
        assert found is not None, call
        command = found

    command.make_parser(click.Context(command)).parse_args(words)


def test_the_changelog_has_a_place_for_what_is_unreleased() -> None:
    assert "## [Unreleased]" in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
