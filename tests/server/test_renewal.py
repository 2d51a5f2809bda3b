"""`serve` renews itself on SIGHUP: new program and settings, and no request is lost."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.waiting import wait_until

from .test_serving import PROGRAM, get, server

# The settings of a deployment lie in a file, which a renewal reads anew.
FROM_FILE = PROGRAM.replace(
    "settings = Settings(",
    "told = __import__('json').loads((Path(sys.argv[1]) / 'serving.json').read_text())\n"
    "settings = Settings(**told, ",
)
LOADED_SLOWLY = """
import time
import shopsearch.server.request_log as request_log
request_log._end = lambda response: response  # a log that nobody reads yet
import shopsearch.server.serving as serving
warm_up = serving.warm_up
def slowly(services):
    time.sleep(0.5)
    warm_up(services)
serving.warm_up = slowly
"""


class Visitors:
    """Clients that ask again and again, half of them on one connection for all they ask."""

    def __init__(self, host: str, port: int, n: int) -> None:
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self._place = (host, port)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(k % 2 == 0,)) for k in range(n)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, stays: bool) -> None:
        connection = http.client.HTTPConnection(*self._place, timeout=20)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/api/v1/search?q=mug")
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as fault:
                with self._lock:
                    self.faults.append(repr(fault))
                connection.close()
                continue
            with self._lock:
                self.statuses[answer.status] += 1
            if not stays:
                connection.close()
            time.sleep(0.05)  # what is to start needs the cores too
        connection.close()


def limit_in_force(host: str, port: int) -> str:
    """What the server says of a picture that is too large."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "99000000"}
    connection.request("POST", "/api/v1/search", b"x", {**headers, "Connection": "close"})
    told = json.loads(connection.getresponse().read())["detail"]
    connection.close()
    return str(told)


def workers_of(pid: int) -> set[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child) for child in found}


def test_it_takes_up_new_settings_and_loses_no_request(shop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.symlink_to(shop.settings.home)
    told = home / "serving.json"
    told.write_text(json.dumps({"max_image_bytes": 1_000_000}))
    try:
        with server(home, workers=2, program=LOADED_SLOWLY + FROM_FILE) as (process, host, port):
            before = workers_of(process.pid)
            assert "1 MB" in limit_in_force(host, port)
            told.write_text(json.dumps({"max_image_bytes": 2_000_000}))
            with Visitors(host, port, 4) as visitors:
                time.sleep(0.3)
                process.send_signal(signal.SIGHUP)
                wait_until(
                    lambda: not before & workers_of(process.pid),
                    otherwise="the old ones were there",
                )
                time.sleep(0.3)
            assert "2 MB" in limit_in_force(host, port)
            assert process.poll() is None  # it is the same process
            process.send_signal(signal.SIGTERM)
            out, errors = process.communicate(timeout=15)
    finally:
        told.unlink()
    assert visitors.faults == [], errors
    assert set(visitors.statuses) == {200}
    assert out == "ended\n"  # and its address was announced once
    assert "renewed" in errors


@pytest.mark.slow
def test_with_settings_that_do_not_hold_everything_stays_as_it_is(shop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.symlink_to(shop.settings.home)
    told = home / "serving.json"
    told.write_text("{}")
    try:
        with server(home, program=FROM_FILE) as (process, host, port):
            before = workers_of(process.pid)
            told.write_text(json.dumps({"worker_threads": 0}))
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: workers_of(process.pid) > before, otherwise="no rehearsal")
            wait_until(lambda: workers_of(process.pid) == before)
            assert get(host, port, "/readyz").status == 200
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=15)
    finally:
        told.unlink()
    assert "not renewed" in errors
    assert "worker_threads" in errors


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["rehearsing", "starting"])
def test_it_can_be_stopped_while_it_is_renewed(shop, moment: str) -> None:
    slowly = LOADED_SLOWLY.replace("0.5", "2.0")  # so that a busy machine stops it in time
    with server(shop.settings.home, program=slowly + PROGRAM) as (process, _, _):
        before = workers_of(process.pid)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers_of(process.pid) - before) > 0)
        if moment == "starting":
            rehearsing = workers_of(process.pid)
            wait_until(lambda: len(workers_of(process.pid) - rehearsing) > 0)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=25)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before))
    assert process.returncode == 0, errors
    assert "renewed " not in errors
