"""A connection to Ray: to a cluster that is there, or to one of this machine for a while."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from shopsearch.distributed.staffing import Node
from shopsearch.encoders.runtime import usable_cores
from shopsearch.errors import WorkersUnavailable

MISSING = "--on ray needs Ray, which is not installed: pip install 'shopsearch[ray]'"
_STORE_BYTES = 512_000_000  # shared memory for parcels under way; what is more goes to disk
_LOCAL, _AUTO = "local", "auto"
_ANSWERS_WITHIN_S = 10.0
_TRIES = 2  # to start a Ray: it gives itself 30 s, which a busy machine may not keep
# Ray reads these when it is imported, and hands them on to the processes that it starts
_PRIVATE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # by its name; it binds to the loopback alone
    "RAY_AUTH_MODE": "token",
}
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # a worker without a GPU sees none; else it warns
}


def check_installed() -> None:
    """Raises `WorkersUnavailable` where Ray is not installed."""
    if find_spec("ray") is None:
        raise WorkersUnavailable(MISSING)


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Use the cluster at an address; without one, one of this machine that ends with the block.

    Raises `WorkersUnavailable`.
    """
    check_installed()
    with _own_cluster() if address is None else _cluster_at(address):
        yield


def nodes() -> list[Node]:
    """What each machine of the cluster has."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@contextmanager
def _own_cluster() -> Iterator[None]:
    """Ray on this machine, reachable from this machine and with a token of its own alone."""
    # sockets lie in it, and their names may have some hundred characters
    root = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - the folder made there is ours
    folder = Path(tempfile.mkdtemp(prefix="shopsearch-ray-", dir=root))
    token = {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    try:
        with (
            _environment(_QUIET | _PRIVATE | token),
            _session(
                _LOCAL,
                num_cpus=usable_cores(),
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                _temp_dir=str(folder),
            ),
        ):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # what is left of it does no harm


@contextmanager
def _cluster_at(address: str) -> Iterator[None]:
    if address != _AUTO:
        _check_answers(address)  # Ray itself would try for minutes
    with _environment(_QUIET), _session(address):
        yield


def _check_answers(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWERS_WITHIN_S).close()
    except (OSError, OverflowError) as error:
        raise WorkersUnavailable(
            f"nothing answers at {address} ({error}); start Ray there with `ray start --head`, or "
            "correct SHOPSEARCH_RAY_ADDRESS (docs/ray.md)"
        ) from error


@contextmanager
def _session(address: str, **options: object) -> Iterator[None]:
    import ray

    if ray.is_initialized():  # whoever began it ends it
        yield
        return
    _begin(address, options)
    try:
        yield
    finally:
        with _signals_as_they_are():
            ray.shutdown()


def _begin(address: str, options: dict[str, object]) -> None:
    import ray

    tries = _TRIES if address == _LOCAL else 1
    for n in range(1, tries + 1):
        try:
            with _signals_as_they_are():
                ray.init(
                    address=address,
                    log_to_driver=False,
                    configure_logging=False,
                    logging_level="ERROR",
                    **options,
                )
        except Exception as error:  # Ray raises bare ones too
            with _signals_as_they_are():
                ray.shutdown()
            if n == tries:
                where = "on this machine" if address == _LOCAL else f"at {address}"
                raise WorkersUnavailable(
                    f"Ray {where} cannot be used: {first_line(error)}; see docs/ray.md"
                ) from error
        else:
            # what befell machines would be written to standard output, among our own; no option
            # of Ray keeps it from there
            ray._private.worker._worker_logs_enabled = False
            return


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Tell Ray, which can be told these things in no other way; what somebody else says stands."""
    environment = os.environ  # noqa: TID251 - written for the library; settings come as arguments
    fresh = {name: value for name, value in variables.items() if name not in environment}
    environment.update(fresh)
    try:
        yield
    finally:
        for name in fresh:
            environment.pop(name, None)


@contextmanager
def _signals_as_they_are() -> Iterator[None]:
    """Ray takes SIGTERM for itself, which is how a run is asked to end in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def first_line(error: BaseException) -> str:
    """What an error of Ray says before it goes into details."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__
