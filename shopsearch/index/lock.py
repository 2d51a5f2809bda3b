"""One process at a time indexes into a home folder, and others are told which.

Where machines share a database, a lock of the database is held beside that of the home: then one
process at a time indexes over all of them.

The lock is the operating system's (flock on `indexing.lock`): it is free again at the moment its
holder ends, however it ends. `indexing.owner` beside it only informs; nothing is decided by it, so
one that a killed process left behind, or whose number another process has by now, does no harm.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import structlog
from filelock import FileLock, Timeout

from shopsearch.errors import HomeBusy, Unwritable

LOCK_FILE = "indexing.lock"
OWNER_FILE = "indexing.owner"
PATIENCE_S = 2.0  # for a server that writes a few products
POLL_S = 0.02
LONGEST_COMMAND = 200  # characters that are shown of it
_STOPPED = ("T", "t")  # by a signal, or by a debugger

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock, as it said itself."""

    pid: int
    host: str
    started_at: str  # ISO 8601, UTC: when it took the lock
    command: str
    birth: str | None = None  # tells two processes of one number apart, where the system can

    @classmethod
    def this_process(cls) -> Owner:
        """The one that is running this."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), now, _command(sys.argv), _birth(os.getpid()))

    @classmethod
    def read(cls, path: Path) -> Owner | None:
        """Who wrote the file; None where there is none, or nothing that can be read."""
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None

    @classmethod
    def parse(cls, document: str) -> Owner | None:
        """Who wrote it; None where nothing of it can be read."""
        try:
            owner = cls(**json.loads(document))
            datetime.fromisoformat(owner.started_at)
        except (TypeError, ValueError):
            return None
        return owner if isinstance(owner.pid, int) and owner.pid > 0 else None

    @property
    def document(self) -> str:
        """What `parse` reads."""
        return json.dumps(asdict(self))

    @property
    def is_here(self) -> bool:
        """Whether it is a process of this machine, so that more can be known of it."""
        return self.host == socket.gethostname()

    def is_gone(self) -> bool:
        """Whether this machine knows that it has ended; another machine's are never known to."""
        if not self.is_here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False  # it lives, as another user
        return self.birth is not None and _birth(self.pid) != self.birth

    def is_stopped(self) -> bool:
        """Whether it was stopped (Ctrl-Z), and so holds the lock without getting on."""
        fields = _status_of(self.pid) if self.is_here else []
        return bool(fields) and fields[0] in _STOPPED

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host}"


Check = Callable[[], None]  # raises `IndexingLockLost`


class SharedLock(Protocol):
    """A lock over all machines that share a database, which `str()` names."""

    def held(self, owner: str, patience_s: float) -> AbstractContextManager[Check | None]:
        """Held until the block ends: gives what tells whether it still is, or None where somebody
        else has it for longer than `patience_s`. Raises `StoreError`.

        `owner` says who holds it, for messages alone.
        """

    def holder(self) -> str | None:
        """What the holder said of himself; it may be one that was killed. Raises `StoreError`."""


class HomeLock:
    """Held while a process indexes into a home folder. `with HomeLock(home): ...`

    Raises `HomeBusy` where another one holds it, or the `shared` lock, for longer than
    `patience_s`, and `Unwritable` where the folder does not take a lock file.
    """

    def __init__(
        self, home: Path, patience_s: float = PATIENCE_S, shared: SharedLock | None = None
    ) -> None:
        self._home = home
        self._patience_s = patience_s
        self._shared = shared
        self._opened = ExitStack()
        self._check: Check = lambda: None
        self._lock = FileLock(home / LOCK_FILE, timeout=patience_s, poll_interval=POLL_S)
        self._owner_path = home / OWNER_FILE

    def __enter__(self) -> Self:
        try:
            self._lock.acquire()
        except Timeout:
            owner = Owner.read(self._owner_path)
            raise HomeBusy(_who_is_busy(owner, f"into {self._home}")) from None
        except OSError as error:
            raise Unwritable(
                f"{self._home} cannot be locked for indexing: {error.strerror or error}; make room "
                "on its disk, give write permission, or name another folder by SHOPSEARCH_HOME"
            ) from error
        try:
            self._acquire_shared()
        except BaseException:
            self._lock.release()
            raise
        self._sign()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._owner_path.unlink(missing_ok=True)
        try:
            self._opened.close()
        finally:
            self._lock.release()

    def check(self) -> None:
        """Raise `IndexingLockLost` where it is held no more: only a database takes one away."""
        self._check()

    def _acquire_shared(self) -> None:
        if self._shared is None:
            return
        held = self._shared.held(Owner.this_process().document, self._patience_s)
        check = self._opened.enter_context(held)
        if check is None:
            self._opened.close()
            document = self._shared.holder()
            owner = None if document is None else Owner.parse(document)
            raise HomeBusy(_who_is_busy(owner, f"over {self._shared}"))
        self._check = check

    def _sign(self) -> None:
        """Say who holds the lock. A disk that is full must not keep a run from what it can do."""
        if before := Owner.read(self._owner_path):
            _log.info("the run before was cut off", was=str(before), command=before.command)
        with suppress(OSError):
            document = Owner.this_process().document
            self._owner_path.write_text(document + "\n", encoding="utf-8")


class HomeLocks:
    """Makes the locks of one home. `with locks(): ...`"""

    def __init__(self, home: Path, shared: SharedLock | None = None) -> None:
        self._home = home
        self._shared = shared

    def __call__(self, patience_s: float = PATIENCE_S) -> HomeLock:
        """A lock that waits for so long."""
        return HomeLock(self._home, patience_s, self._shared)


def _who_is_busy(owner: Owner | None, where: str) -> str:
    remedy = "wait until it is done, or stop it, and run the command again"
    if owner is None or owner.is_gone():  # the holder has not signed yet
        return f"another process is indexing {where} at this moment; {remedy}"
    if owner.is_stopped():
        remedy = (
            f"it is stopped: let it go on by `kill -CONT {owner.pid}`, or end it by "
            f"`kill -KILL {owner.pid}`, and run the command again"
        )
    return (
        f"{owner} has been indexing {where} for {_age(owner.started_at)} ({owner.command}); "
        f"{remedy}"
    )


def _command(arguments: list[str]) -> str:
    """The command line as a person would type it."""
    first, *others = arguments or [""]
    program = Path(first)
    name = program.parent.name if program.name == "__main__.py" else program.name
    told = shlex.join([name or "python", *others])
    return told if len(told) <= LONGEST_COMMAND else f"{told[: LONGEST_COMMAND - 3]}..."


def _age(started_at: str) -> str:
    """How long ago that was, in one unit."""
    started = datetime.fromisoformat(started_at)
    seconds = max(0, round((datetime.now(UTC) - started.astimezone(UTC)).total_seconds()))
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 2 * 3600:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h"


def _birth(pid: int) -> str | None:
    """When a process began, in ticks since the machine did; None where the system does not tell."""
    fields = _status_of(pid)
    return fields[19] if len(fields) > 19 else None


def _status_of(pid: int) -> list[str]:
    """What Linux tells of a process after its name: first its state; empty elsewhere."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return status.rpartition(")")[2].split()
