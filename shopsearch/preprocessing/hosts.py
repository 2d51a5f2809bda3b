"""How hosts of pictures are treated: few requests at a time, and none while one is out of order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from shopsearch.errors import FetchRejected, HostUnavailable

_log = structlog.get_logger(__name__)
_MOST_REST_S = 600.0
_MOST_HOSTS = 10_000  # that are remembered as failing: a feed may name any number


@dataclass(slots=True)
class _Host:
    """What is known of a host; it is forgotten as soon as it is idle and well."""

    n_busy: int = 0
    n_failed: int = 0  # fetches in a row
    reason: str = ""
    rests_until: float | None = None  # None: it may be asked
    next_rest_s: float = 0.0
    is_probed: bool = False  # after a rest, by one fetch that tries for all others


class Hosts:
    """Gives turns at hosts. Threads may share it.

    At most `at_once` fetches are at a host at a time. After `give_up_after` failed ones in a row
    (0: never) the host rests: whoever comes is refused at once. Then one fetch tries, and where it
    fails too, the host rests for twice as long, up to ten minutes.
    """

    def __init__(
        self,
        *,
        at_once: int = 6,
        give_up_after: int = 10,
        rest_s: float = 30.0,
        wait_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._at_once = at_once
        self._give_up_after = give_up_after
        self._rest_s = rest_s
        self._wait_s = wait_s
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """A turn at a host, waited for where others are there.

        `HostUnavailable` that leaves the block counts against the host; a block that ends otherwise
        counts for it, as the host has answered. Raises `HostUnavailable` while it rests, and
        `FetchRejected` where no turn comes.
        """
        is_probe = self._enter(name)
        try:
            yield
        except HostUnavailable as error:
            self._leave(name, is_probe, failed=str(error))
            raise
        except BaseException as error:
            answered = isinstance(error, FetchRejected)
            self._leave(name, is_probe, failed=None if answered else "")
            raise
        else:
            self._leave(name, is_probe, failed=None)

    def _enter(self, name: str) -> bool:
        """Take a turn; whether it tries a host that has rested."""
        last = self._clock() + self._wait_s
        with self._changed:
            while True:
                host = self._hosts.setdefault(name, _Host(next_rest_s=self._rest_s))
                is_probe = self._tries(name, host)
                if host.n_busy < self._room(host):
                    break
                if not self._changed.wait(last - self._clock()) and self._clock() >= last:
                    raise FetchRejected(
                        f"{host.n_busy} fetches keep the host {name} busy; try again later, or "
                        "allow more at a time (fetch_per_host)"
                    )
            host.n_busy += 1
            host.is_probed = host.is_probed or is_probe
        return is_probe

    def _room(self, host: _Host) -> int:
        """How many may be at a host: of one that fails, no more than it takes to give it up."""
        to_give_up = self._give_up_after - host.n_failed if self._give_up_after else self._at_once
        return min(self._at_once, max(to_give_up, 1))

    def _tries(self, name: str, host: _Host) -> bool:
        """Whether whoever comes now has to try for all. Raises `HostUnavailable` at rest."""
        if host.rests_until is None:
            return False
        left = host.rests_until - self._clock()
        if left > 0 or host.is_probed:
            raise HostUnavailable(
                f"not asked for, as the host {name} failed {host.n_failed} times in a row "
                f"(the last time: {host.reason}); run again in {max(left, 1):.0f} s, when it is "
                "tried again",
                is_resting=True,
            )
        return True

    def _leave(self, name: str, is_probe: bool, *, failed: str | None) -> None:
        """Give a turn back, with why it failed: None where it did not, "" where that says nothing
        about the host.
        """
        with self._changed:
            host = self._hosts[name]
            host.n_busy -= 1
            host.is_probed = host.is_probed and not is_probe
            if failed is None:
                self._recover(name, host)
            elif failed:
                self._fail(name, host, failed, is_probe)
            self._forget(name, host)
            self._changed.notify_all()

    def _recover(self, name: str, host: _Host) -> None:
        if host.rests_until is not None:
            _log.warning("a host of pictures answers again", host=name)
        host.n_failed, host.rests_until, host.next_rest_s = 0, None, self._rest_s

    def _fail(self, name: str, host: _Host, reason: str, is_probe: bool) -> None:
        host.n_failed += 1
        host.reason = reason
        is_enough = host.rests_until is None and host.n_failed >= self._give_up_after > 0
        if is_probe or is_enough:
            host.rests_until = self._clock() + host.next_rest_s
            _log.warning(
                "a host of pictures is out of order, and is not asked for some time",
                host=name,
                failed=host.n_failed,
                reason=reason,
                rest_s=host.next_rest_s,
            )
            host.next_rest_s = min(2 * host.next_rest_s, _MOST_REST_S)

    def _forget(self, name: str, host: _Host) -> None:
        if not (host.n_busy or host.n_failed):
            del self._hosts[name]
        elif len(self._hosts) > _MOST_HOSTS:
            oldest = next((name for name, one in self._hosts.items() if not one.n_busy), None)
            if oldest is not None:
                del self._hosts[oldest]
