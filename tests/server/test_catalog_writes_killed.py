"""A server that is killed while it writes: whatever it has acknowledged is there afterwards."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from shopsearch.bootstrap import Services
from shopsearch.domain import EVERYTHING
from shopsearch.settings import Settings

from .conftest import key_to

WRITERS = 3
KILLED_AFTER = 6  # acknowledged requests, in the middle of the next ones
PROGRAM = """
import sys
from pathlib import Path
import structlog
from shopsearch.server.serving import serve
from shopsearch.settings import Settings

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
settings = Settings(home=Path(sys.argv[1]), encoder="hashing", port=0, rate_limit_write="off")
serve(settings, announce=lambda address: print(address, flush=True))
"""


class Writer(threading.Thread):
    """Sends one bulk request after another, until nobody answers."""

    def __init__(
        self, name: str, place: tuple[str, int], key: str, acknowledged: list[str]
    ) -> None:
        super().__init__(name=name)
        self._place = place
        self._headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self._acknowledged = acknowledged

    def run(self) -> None:
        with closing(http.client.HTTPConnection(*self._place, timeout=30)) as connection:
            self._write(connection)

    def _write(self, connection: http.client.HTTPConnection) -> None:
        for n in range(10_000):
            ids = [f"{self.name}-{n}-{place}" for place in range(5)]
            operations = [{"op": "upsert", "product_id": one, "title": one} for one in ids]
            body = json.dumps({"operations": operations})
            try:
                connection.request("POST", "/api/v1/products/bulk", body, self._headers)
                answer = connection.getresponse()
                told = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                return
            if answer.status == 200:
                assert [one["status"] for one in told["results"]] == ["indexed"] * 5
                self._acknowledged.extend(ids)


def test_whatever_a_killed_server_has_acknowledged_is_there(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Services.open(Settings(home=home, encoder="hashing")) as services:
        key = key_to(services)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    acknowledged: list[str] = []
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname
        assert address.port
        place = (address.hostname, address.port)
        writers = [Writer(f"w{n}", place, key, acknowledged) for n in range(WRITERS)]
        for writer in writers:
            writer.start()
        while len(acknowledged) < KILLED_AFTER * 5:
            assert any(writer.is_alive() for writer in writers)
            writers[0].join(0.05)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
    for writer in writers:
        writer.join()

    with Services.open(Settings(home=home, encoder="hashing")) as services:
        stored = services.store.find(acknowledged)
        assert set(stored) == set(acknowledged)
        keys = {one.key for one in stored.values()}
        assert keys <= set(services.live.get().index.fields.matching(EVERYTHING).tolist())
        services.indexer.catch_up()
        assert services.generations.load().manifest.count == services.store.count()
