"""The tests' side of `fork_server.py`: starts `shopsearch` commands as cheap child processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .driver import Fault

PATIENCE_S = 60.0
ENDED_BY_S = 120.0  # a command over a few products takes some seconds
_FOLDER = Path(__file__).parent
_CHECKOUT = _FOLDER.parent.parent


@dataclass(frozen=True, slots=True)
class Child:
    """A command in a process of its own; its files lie in `folder`."""

    launcher: Launcher
    pid: int
    folder: Path

    def wait(self) -> int:
        """The exit code; minus the number of the signal that ended it. One that hangs is killed."""
        deadline = time.monotonic() + ENDED_BY_S
        while not self.is_over() and time.monotonic() < deadline:
            time.sleep(0.002)
        if not self.is_over():
            self.send(signal.SIGKILL)
        return self.launcher.wait(self.pid)

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it had ended before
            os.kill(self.pid, number)

    def go_on(self) -> None:
        """Let a stopped one go on; a signal that comes before a tracer has taken hold is lost."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.is_over() and time.monotonic() < deadline:
            self.send(signal.SIGCONT)
            time.sleep(0.02)

    def is_over(self) -> bool:
        """Also where nobody has taken leave of it yet."""
        return state_of(self.pid) in "ZX"

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    @property
    def trace(self) -> list[dict[str, Any]]:
        """The steps so far, in order, where the child was started with `traced`."""
        path = self.folder / "trace"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def wait_until_stopped(self) -> None:
        """Until a fault has stopped it; `send(SIGCONT)` lets it go on."""
        self.wait_until(lambda: state_of(self.pid) == "T")

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            assert not self.is_over(), f"the child ended too early: {self.stderr}"
            assert time.monotonic() < deadline
            time.sleep(0.002)


def state_of(pid: int) -> str:
    """The letter that Linux has for the state of a process: R, S, T, Z...; X where it is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "X"
    return status.rpartition(")")[2].split()[0]


class Launcher:
    """One fork server, for any number of children. `with Launcher(scratch) as launcher: ...`"""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._n_started = 0
        self._ended: dict[int, int] = {}
        own = {name: value for name, value in os.environ.items() if "SHOPSEARCH" not in name}
        self._server = subprocess.Popen(
            [sys.executable, str(_FOLDER / "fork_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=own | {"PYTHONPATH": str(_CHECKOUT), "OMP_NUM_THREADS": "1"},
            cwd=scratch,
        )
        self._read()

    def start(
        self,
        *arguments: str | Path,
        home: Path,
        fault: Fault | Sequence[Fault] = (),
        traced: bool = True,
        paused: bool = False,
        limits: Mapping[str, int] | None = None,
        batch_size: int = 5,
        index_kind: str = "auto",
        settings: Mapping[str, str] | None = None,
    ) -> Child:
        """Start `shopsearch ARGUMENTS` over a home folder, with the hashing encoder.

        `limits` are those of the module `resource`; a `paused` child waits for SIGCONT before it
        begins.
        """
        self._n_started += 1
        folder = self._scratch / f"child-{self._n_started}"
        folder.mkdir()
        for name in ("stdout", "stderr"):
            (folder / name).touch()
        environment = {
            "SHOPSEARCH_HOME": str(home),
            "SHOPSEARCH_ENCODER": "hashing",
            "SHOPSEARCH_BATCH_SIZE": str(batch_size),
            "SHOPSEARCH_KEEP_GENERATIONS": "2",
            "SHOPSEARCH_INDEX_KIND": index_kind,
            "SHOPSEARCH_RATE_LIMIT": "off",
            **{f"SHOPSEARCH_{name.upper()}": told for name, told in (settings or {}).items()},
        }
        asked = {
            "arguments": [str(one) for one in arguments],
            "home": str(home),
            "folder": str(folder),
            "environment": environment,
            "stdout": str(folder / "stdout"),
            "stderr": str(folder / "stderr"),
            "traced": str(folder / "trace") if traced else "",
            "faults": [asdict(one) for one in ([fault] if isinstance(fault, Fault) else fault)],
            "limits": dict(limits or {}),
            "paused": paused,
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(asked).encode() + b"\n")
        self._server.stdin.flush()
        while "pid" not in (answer := self._read()):
            pass
        return Child(self, answer["pid"], folder)

    def wait(self, pid: int) -> int:
        while pid not in self._ended:
            self._read()
        return self._ended[pid]

    def _read(self) -> dict[str, Any]:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, "the fork server is gone; its error is above"
        answer: dict[str, Any] = json.loads(line)
        if "ended" in answer:
            self._ended[answer["ended"]] = answer["status"]
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=PATIENCE_S)
        assert self._server.stdout is not None
        self._server.stdout.close()
