from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Runs a command, then tells on the last line of standard error which heavy modules were loaded
PROBE = """
import json, sys
from shopsearch.cli import main
try:
    main()
finally:
    print(json.dumps([name for name in {heavy!r} if name in sys.modules]), file=sys.stderr)
"""
pytestmark = pytest.mark.usefixtures("on_engines")

MODELS = ["torch", "timm", "open_clip", "transformers", "torchvision", "onnxruntime"]
NOT_FOR_HELP = [*MODELS, "numpy", "rich", "pydantic", "structlog", "sqlalchemy", "faiss", "PIL"]


def loaded_by(arguments: list[str], heavy: list[str], home: Path, exit_code: int = 0) -> list[str]:
    finished = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=heavy), "--home", str(home), *arguments],
        env={**os.environ, "SHOPSEARCH_ENCODER": "compact"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == exit_code, finished.stderr
    return json.loads(finished.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["index", "--help"], ["search", "--help"], ["doctor", "--help"], ["--version"]],
    ids=" ".join,
)
def test_help_loads_click_and_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert loaded_by(arguments, NOT_FOR_HELP, tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["generations"], 0),
        (["rollback"], 1),
        (["remove", "A1"], 3),
        (["similar", "A1"], 1),
        (["search", "--filter", "brand=Kiln"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_commands_that_need_no_model_load_none(
    arguments: list[str], exit_code: int, tmp_path: Path
) -> None:
    assert loaded_by(arguments, MODELS, tmp_path / "home", exit_code) == []


@pytest.mark.slow
def test_searching_by_words_waits_for_none_of_the_torch_family(feed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    loaded_by(["index", str(feed)], MODELS, home)

    assert loaded_by(["search", "red mug"], [*MODELS, "onnx"], home) == ["onnxruntime"]


@pytest.mark.slow
def test_indexing_an_unchanged_feed_loads_no_model(feed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"

    assert "onnxruntime" in loaded_by(["index", str(feed)], MODELS, home)
    assert loaded_by(["index", str(feed)], MODELS, home) == []
    assert loaded_by(["similar", "A1"], MODELS, home) == []
