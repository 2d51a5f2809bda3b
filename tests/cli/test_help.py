from __future__ import annotations

import pytest
from click.testing import CliRunner

from shopsearch.cli.commands import COMMANDS, cli

ENTRIES = {name: entry for section in COMMANDS.values() for name, entry in section.items()}


@pytest.mark.parametrize("name", ENTRIES)
def test_the_summary_in_the_table_is_the_first_sentence_of_the_commands_own_help(name: str) -> None:
    command = cli.get_command(None, name)  # type: ignore[arg-type]

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=200).rstrip(".") == ENTRIES[name].summary.rstrip(".")


def test_help_names_every_command_with_its_summary() -> None:
    page = CliRunner().invoke(cli, ["--help"], terminal_width=100).output

    for name, entry in ENTRIES.items():
        assert any(
            line.split()[:1] == [name] and line.endswith(entry.summary)
            for line in page.splitlines()
        )


def test_a_command_that_does_not_exist_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["seek", "mug"])

    assert result.exit_code == 2
    assert "seek" in result.stderr
    assert result.stdout == ""


def test_a_global_option_after_the_command_is_told_its_place() -> None:
    result = CliRunner().invoke(cli, ["rollback", "--home", "somewhere"])

    assert result.exit_code == 2
    assert "--home stands before the command" in result.stderr


def test_an_option_that_does_not_exist_is_wrong_usage() -> None:
    result = CliRunner().invoke(cli, ["rollback", "--hoome", "somewhere"])

    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_the_version_is_the_packages() -> None:
    from shopsearch import __version__

    assert CliRunner().invoke(cli, ["--version"]).stdout == f"shopsearch {__version__}\n"
