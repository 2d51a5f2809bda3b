"""Options that name a file to write: what cannot be written is refused before the work."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from shopsearch.cli.options import WrittenFile

TRAININGS = ("head", "fusion", "combiner")


def options_of(command: str, feed: Path, out: object) -> tuple[object, ...]:
    """A command with everything that it needs, writing to `out`."""
    judged = ("--queries", feed, "--qrels", feed)
    if command == "ranking":
        return ("train", "ranking", *judged, "--out", out)
    if command == "evaluate":
        return ("evaluate", *judged, "--report", out)
    if command == "enrich":
        return ("enrich", "--out", out)
    return ("train", command, "--catalog", feed, "--out", out)


@pytest.fixture(params=[*TRAININGS, "ranking", "evaluate", "enrich"])
def refused(request: pytest.FixtureRequest, shopsearch, feed: Path, home: Path):
    """Runs a command that is refused, before it has made its home folder; gives its words."""

    def run(out: object) -> str:
        result = shopsearch(*options_of(request.param, feed, out))
        assert result.exit_code == 2, result.output
        assert not home.exists()
        assert "Usage" in result.stderr
        return " ".join(result.stderr.split())

    return run


def test_a_pipe_or_device_is_never_replaced(refused, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "it is no regular file, and would be replaced" in refused(pipe)
    assert pipe.is_fifo()


def test_a_folder_is_no_file(refused, tmp_path: Path) -> None:
    assert "it is no regular file" in refused(tmp_path)


def test_a_folder_below_a_file_cannot_be_made(refused, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    words = refused(tmp_path / "taken" / "deep" / "out.bin")
    assert "cannot be written" in words
    assert "folder" in words


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="/proc is where nobody can write")
def test_a_folder_that_cannot_be_written_is_named(refused) -> None:
    assert "'/proc" in refused("/proc/out.bin")


@pytest.mark.parametrize("command", [*TRAININGS, "ranking"])
def test_the_card_cannot_replace_the_weights(command: str, shopsearch, feed, tmp_path) -> None:
    result = shopsearch(*options_of(command, feed, tmp_path / "weights.md"))
    assert result.exit_code == 2
    assert "use another ending" in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", [*TRAININGS, "ranking"])
def test_a_card_that_could_not_be_written_is_told_before_the_run(
    command: str, shopsearch, feed, tmp_path
) -> None:
    (tmp_path / "weights.md").mkdir()
    result = shopsearch(*options_of(command, feed, tmp_path / "weights.bin"))
    assert result.exit_code == 2
    assert "weights.md" in "".join(result.stderr.split())


def test_an_earlier_file_may_be_replaced_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "earlier.csv").write_text("earlier", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(tmp_path / "earlier.csv")
    for name in ("earlier.csv", "link.csv", "new.csv", "folder/to/be/made/new.csv"):
        assert WrittenFile().convert(str(tmp_path / name), None, None) == tmp_path / name
    assert sorted(path.name for path in tmp_path.iterdir()) == ["earlier.csv", "link.csv"]


def test_a_folder_that_the_command_does_not_make_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(click.BadParameter, match="its folder does not exist"):
        WrittenFile(makes_folder=False).convert(str(tmp_path / "none" / "new.html"), None, None)
