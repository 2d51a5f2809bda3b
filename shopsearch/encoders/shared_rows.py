"""Rows that server processes share in Redis: what one has encoded, the others need not.

It is a cache and no more: whatever goes wrong with it, a row is made as if there were none. After a
failure it is left alone for some seconds, so that a Redis that is down or slow costs one short wait
now and then. Keys are hashes of what was searched for, under the id of the encoder, and go after a
day.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from shopsearch.errors import SettingsError

WAIT_S = 0.1  # a search waits no longer; in one data centre an answer takes less than 1 ms
REST_S = 5.0  # after a failure
KEPT_S = 24 * 3600
_UNIT = 1e-3  # how far from 1 the length of a row may be

_log = structlog.get_logger(__name__)

Row = NDArray[np.float32]  # (D,)


class SharedRows:
    """Rows in a Redis, for the encoder of an id. Threads may share it.

    Raises `SettingsError` where its client is not installed.
    """

    def __init__(
        self,
        url: str,
        encoder_id: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if find_spec("redis") is None:
            raise SettingsError(
                "SHOPSEARCH_CACHE_URL names a Redis, and its client is not installed: "
                "pip install 'shopsearch[redis]'"
            )
        self._url = url
        self._encoder_id = encoder_id
        self._clock = clock
        self._client: Any = None
        self._making = threading.Lock()
        self._rests_until = 0.0

    def get(self, key: str) -> Row | None:
        """The row of a key; None where there is none, or it cannot be had, or is no row."""
        content = self._asked(lambda redis: redis.get(self._name(key)))
        return None if content is None else _row(content)

    def put(self, key: str, row: Row) -> None:
        """Share a row, if that can be done."""
        content = np.ascontiguousarray(row, dtype="<f4").tobytes()
        self._asked(lambda redis: redis.set(self._name(key), content, ex=KEPT_S))

    def _asked(self, ask: Callable[[Any], Any]) -> Any:
        from redis.exceptions import RedisError

        if self._clock() < self._rests_until:
            return None
        try:
            return ask(self._redis())
        except (RedisError, OSError, ValueError) as error:
            self._rests_until = self._clock() + REST_S
            _log.warning(
                "the shared cache does not answer; it is left alone for a while",
                seconds=REST_S,
                error=type(error).__name__,
            )
            return None

    def _redis(self) -> Any:
        if self._client is None:
            with self._making:
                if self._client is None:
                    self._client = _connected(self._url)
        return self._client

    def _name(self, key: str) -> str:
        encoder = hashlib.sha256(self._encoder_id().encode()).hexdigest()[:16]
        return f"shopsearch:row:{encoder}:{key}"


def _connected(url: str) -> Any:
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        url,
        socket_connect_timeout=WAIT_S,
        socket_timeout=WAIT_S,
        retry=Retry(NoBackoff(), 0),
    )


def _row(content: bytes) -> Row | None:
    """None where others have written something else there."""
    if not content or len(content) % 4:
        return None
    row = np.frombuffer(content, dtype="<f4").astype(np.float32)
    length = float(np.linalg.norm(row))
    return row if abs(length - 1.0) < _UNIT else None
