from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.settings import Settings
from tests.waiting import wait_until


@pytest.fixture
def broken_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device", "/srv/shop")

    monkeypatch.setattr("shopsearch.bootstrap.Services.open", full)


def test_an_error_is_one_message_without_a_traceback(shopsearch) -> None:
    result = shopsearch("search", "mug")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: there is no index")
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("broken_disk")
def test_what_the_system_refuses_is_a_message_too(shopsearch) -> None:
    result = shopsearch("generations")

    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "/srv/shop" in result.stderr


@pytest.mark.parametrize("how", [["--debug"], ["--log-level", "debug"]])
def test_debug_shows_the_traceback(how: list[str], tmp_path: Path) -> None:
    finished = subprocess.run(
        [*start(tmp_path / "home"), *how, "rollback"], capture_output=True, text=True, check=False
    )

    assert finished.returncode == 1
    assert "Traceback" in finished.stderr
    assert "GenerationMissing" in finished.stderr


def test_a_setting_that_does_not_hold_is_named(shopsearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSEARCH_BATCH_SIZE", "many")

    result = shopsearch("generations")

    assert result.exit_code == 1
    assert "SHOPSEARCH_BATCH_SIZE='many'" in result.stderr


def test_logs_can_be_one_json_object_a_line(shopsearch, feed: Path) -> None:
    result = shopsearch("--log-format", "json", "--log-level", "info", "index", feed, "--json")

    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert {"event", "level", "timestamp"} <= lines[0].keys()
    assert json.loads(result.stdout)["read"] == 5


def test_commands_say_nothing_but_their_result_unless_asked(shopsearch, feed: Path) -> None:
    assert shopsearch("index", feed).stderr == ""


@pytest.mark.slow
@pytest.mark.usefixtures("on_engines")
def test_ctrl_c_keeps_what_was_done_and_the_next_run_goes_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SHOPSEARCH_ENCODER", "hashing")
    home = tmp_path / "home"
    feed = tmp_path / "many.csv"
    n_products = 5_000
    rows = "".join(f"p{n},thing number {n}\n" for n in range(n_products))
    feed.write_text(f"id,title\n{rows}", encoding="utf-8")
    command = [*start(home), "index", str(feed), "--json"]

    with Services.open(Settings(home=home)) as services:
        running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_until(services.store.count)
    running.send_signal(signal.SIGINT)
    answer, remark = running.communicate(timeout=60)

    assert running.returncode == 130, remark
    stopped = json.loads(answer)
    assert 0 < stopped["indexed"] < n_products
    assert stopped["generation"]
    assert "same command again" in remark
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    again = json.loads(finished.stdout)
    assert again["unchanged"] == stopped["indexed"]
    assert again["indexed"] == n_products - stopped["indexed"]


def start(home: Path) -> list[str]:
    code = "from shopsearch.cli import main; main()"
    return [sys.executable, "-c", code, "--home", str(home)]
