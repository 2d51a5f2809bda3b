"""How often one caller may ask: by key, or by address where there is no key.

Windows are fixed, so that counting is one addition: at the turn of a window a caller may for a
moment ask twice as much. Where the counters are in Redis and it does not answer, each process
counts by itself until it does; Flask-Limiter logs it.
"""

from __future__ import annotations

import ipaddress
import time
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded, RequestLimit

from shopsearch.errors import RateLimited, SettingsError
from shopsearch.server.api.operations import operation_of
from shopsearch.server.context import services, services_of
from shopsearch.server.errors import answer_of
from shopsearch.server.rate_counts import SCHEME
from shopsearch.settings import Settings

# by the first part of the endpoint
UNLIMITED = frozenset({"static", "assets", "theme", "media", "health"})
EXPOSED = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
REDIS_SCHEMES = frozenset({"redis", "rediss", "redis+unix"})
REDIS_WAIT_S = 0.25  # a search waits no longer for a counter, once; then it is counted here
_NETWORK_OF_ONE = 64  # bits: whoever has one IPv6 address has 2**64 of them

_log = structlog.get_logger(__name__)


def install(app: Flask) -> None:
    """Count the requests of an application, and refuse those beyond the limits of the settings.

    Raises `SettingsError` where the storage cannot be used.
    """
    settings = services_of(app).settings
    if settings.rate_limit == settings.rate_limit_write == "off":
        return
    check_storage(settings)
    limiter = Limiter(
        _caller,
        app=app,
        application_limits=[ApplicationLimit(_rates, scope=_kind)],
        storage_uri=settings.rate_limit_storage if _is_redis(settings) else f"{SCHEME}://",
        storage_options=_storage_options(settings),
        in_memory_fallback_enabled=_is_redis(settings),
        swallow_errors=True,
        strategy="fixed-window",
        key_prefix="shopsearch",
    )
    limiter.request_filter(_is_uncounted)
    app.register_error_handler(RateLimitExceeded, lambda _: _refused(limiter))
    app.after_request(lambda answer: _with_headers(limiter, answer))


def check_storage(settings: Settings) -> None:
    """Raise `SettingsError` where requests cannot be counted where the settings say.

    The address itself is not repeated: it may hold a password.
    """
    scheme = urlsplit(settings.rate_limit_storage).scheme
    if scheme not in {"memory", *REDIS_SCHEMES}:
        raise SettingsError(
            f"SHOPSEARCH_RATE_LIMIT_STORAGE begins with {scheme!r}: write memory://, "
            "redis://HOST:6379/0, rediss:// for TLS, or redis+unix:///PATH"
        )
    if _is_redis(settings) and find_spec("redis") is None:
        raise SettingsError(
            "SHOPSEARCH_RATE_LIMIT_STORAGE names Redis, and its client is not installed: "
            "pip install 'shopsearch[redis]'"
        )


def _is_redis(settings: Settings) -> bool:
    return urlsplit(settings.rate_limit_storage).scheme in REDIS_SCHEMES


def _storage_options(settings: Settings) -> dict[str, Any]:
    if not _is_redis(settings):
        return {}
    return {"socket_connect_timeout": REDIS_WAIT_S, "socket_timeout": REDIS_WAIT_S}


def _rates() -> str:
    """The limits of the request at hand; "" for none."""
    settings = services().settings
    rates = settings.rate_limit_write if _is_write() else settings.rate_limit
    return "" if rates == "off" else rates


def _kind(_endpoint: str) -> str:
    return "write" if _is_write() else "read"


def _is_uncounted() -> bool:
    return request.method == "OPTIONS" or str(request.endpoint).split(".", 1)[0] in UNLIMITED


def _is_write() -> bool:
    operation = operation_of(current_app, request.endpoint)
    return operation is not None and operation.is_write


def _caller() -> str:
    """The key, else the address; of an IPv6 one, its network."""
    if (key := g.get("api_key")) is not None:
        return f"key {key.key_id}"
    address = request.remote_addr or ""
    if ":" not in address:
        return f"address {address}"
    try:
        network = ipaddress.ip_network((address.split("%")[0], _NETWORK_OF_ONE), strict=False)
    except ValueError:  # a proxy passed something else on
        return f"address {address}"
    return f"address {network}"


def _refused(limiter: Limiter) -> Response:
    limit = limiter.current_limit
    assert limit is not None  # noqa: S101 - it is what was exceeded
    _hint_at_proxy()
    return answer_of(RateLimited(_said(limit), max(_seconds_left(limit), 1)))


def _hint_at_proxy() -> None:
    if "X-Forwarded-For" in request.headers and not services().settings.trusted_proxies:
        _log.warning(
            "a request was refused by the limit of its address, which seems to be that of a proxy: "
            "all its visitors count as one until SHOPSEARCH_TRUSTED_PROXIES says how many there are"
        )


def _with_headers(limiter: Limiter, answer: Response) -> Response:
    """What is left, as draft-ietf-httpapi-ratelimit-headers-06 has it."""
    limit = limiter.current_limit
    if limit is None:
        return answer
    try:
        remaining, seconds_left = limit.remaining, _seconds_left(limit)
    except Exception as error:  # noqa: BLE001 - the storage went away since; the answer stands
        _log.warning("what is left of a rate limit is not known", reason=str(error))
        return answer
    answer.headers["RateLimit-Limit"] = str(limit.limit.amount)
    answer.headers["RateLimit-Remaining"] = str(max(remaining, 0))
    answer.headers["RateLimit-Reset"] = str(seconds_left)
    answer.headers["RateLimit-Policy"] = f"{limit.limit.amount};w={limit.limit.get_expiry()}"
    return answer


def _seconds_left(limit: RequestLimit) -> int:
    return max(int(limit.reset_at - time.time()), 0)


def _said(limit: RequestLimit) -> str:
    unit = limit.limit.GRANULARITY.name
    return f"{limit.limit.amount} requests {'an' if unit == 'hour' else 'a'} {unit}"
