"""Starts children of the fault tests by forking a process that has imported everything already.

A fresh `python -m shopsearch` takes seconds to import what it needs; a fork takes milliseconds. The
process imports, and calls nothing: no thread, no connection, no parallel region of FAISS is there
when it forks, so its children are as a fresh process would be. Requests come as JSON lines on
standard input; `{"pid": ...}` answers each, and `{"ended": pid, "status": ...}` follows when the
child is over. `launcher.py` is the other side.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import driver  # beside this script

PRELOADED = (
    "alembic.command",
    "faiss",
    "sqlalchemy.dialects.sqlite",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.WebPImagePlugin",
    "shopsearch.bootstrap",
    "shopsearch.catalog",
    "shopsearch.cli.commands",
    "shopsearch.cli.generations",
    "shopsearch.cli.index",
    "shopsearch.cli.progress",
    "shopsearch.cli.reports",
    "shopsearch.cli.search",
    "shopsearch.encoders.hashing",
    "shopsearch.index.faiss",
    "shopsearch.index.milvus_upkeep",
)


def main() -> None:
    """Serve requests until standard input ends."""
    for name in PRELOADED:
        import_module(name)
    if "torch" in sys.modules:
        raise SystemExit("torch was imported: its threads do not survive a fork")
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.buffer, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        _answer({"ready": os.getpid()})
        while True:
            for key, _ in selector.select():
                if key.fd == woken:
                    os.read(woken, 512)
                elif line := sys.stdin.buffer.readline():
                    _answer({"pid": _start(json.loads(line))})
                else:
                    return
            _report_ended()


def _answer(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _report_ended() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _answer({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _start(asked: dict[str, Any]) -> int:
    """Fork a child that runs a command line; its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # tests that run in the background of a shell are started deaf to Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _prepare(asked)
        code = _run(asked["arguments"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _prepare(asked: dict[str, Any]) -> None:
    os.chdir(asked["folder"])
    os.environ.update(asked["environment"])
    for fd, name in ((0, os.devnull), (1, asked["stdout"]), (2, asked["stderr"])):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(opened, fd)
        os.close(opened)
    if asked["traced"]:
        faults = [driver.Fault(**fault) for fault in asked["faults"]]
        driver.install(Path(asked["home"]), Path(asked["traced"]), faults)
    for name, bound in asked["limits"].items():
        _, hard = resource.getrlimit(getattr(resource, name))
        resource.setrlimit(getattr(resource, name), (bound, hard))
    if asked["paused"]:
        os.kill(os.getpid(), signal.SIGSTOP)


def _run(arguments: list[str]) -> int:
    from shopsearch.cli import main as shopsearch

    sys.argv = ["shopsearch", *arguments]
    try:
        shopsearch()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    main()
