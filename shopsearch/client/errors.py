"""Everything that a client raises, as one tree.

ClientError
├── Unreachable               no answer came: the server is away, or the connection broke
│   └── TimedOut              it did not come in time
└── ApiError                  the server answered with a problem
    ├── BadRequest            400, 413, 415: what was asked does not make sense
    ├── Unauthorized          401: no key, or one that is not known
    ├── Forbidden             403: the key may not do this
    ├── NotFound              404
    ├── Conflict              409, 412: something else was changed meanwhile
    ├── PictureUnusable       422: a picture, or a product, cannot be used
    ├── RateLimited           429: too many requests, see `retry_after`
    └── ServerBroken          500 and above
        └── Unavailable       503: it cannot answer now, see `retry_after`
"""

from __future__ import annotations

from dataclasses import dataclass


class ClientError(Exception):
    """The root: whoever catches this catches everything that a client raises on purpose."""


class Unreachable(ClientError):
    """No answer came. Whether the server has done what was asked is not known."""


class TimedOut(Unreachable):
    """No answer came in time."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a server says went wrong (RFC 9457)."""

    status: int
    code: str  # stable, for programs: "unknown-product"; "" where no problem document came
    detail: str  # for people
    request_id: str = ""  # under which the server's log tells more
    retry_after: float | None = None  # seconds


class ApiError(ClientError):
    """The server answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        named = f", request {problem.request_id}" if problem.request_id else ""
        super().__init__(f"{problem.detail} ({problem.status} {problem.code}{named})")
        self.problem = problem

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return self.problem.status

    @property
    def code(self) -> str:
        """Which problem it is, for programs."""
        return self.problem.code

    @property
    def detail(self) -> str:
        """What happened and what to do, for people."""
        return self.problem.detail

    @property
    def request_id(self) -> str:
        """The number of the request, for who runs the server."""
        return self.problem.request_id

    @property
    def retry_after(self) -> float | None:
        """In how many seconds to ask again; None where the server does not say."""
        return self.problem.retry_after


class BadRequest(ApiError):
    """What was asked does not make sense; the detail names the field, its value and the remedy."""


class Unauthorized(ApiError):
    """There is no key, or one that the server does not know."""


class Forbidden(ApiError):
    """The key may not do this."""


class NotFound(ApiError):
    """There is no such product, or no such operation."""


class Conflict(ApiError):
    """Something else was changed meanwhile, or is being done."""


class PictureUnusable(ApiError):
    """A picture, or what was sent as a product, cannot be used."""


class RateLimited(ApiError):
    """There were too many requests."""


class ServerBroken(ApiError):
    """The server failed."""


class Unavailable(ServerBroken):
    """The server cannot answer now."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    422: PictureUnusable,
    429: RateLimited,
    503: Unavailable,
}
_FIRST_SERVER_ERROR = 500


def error_of(problem: Problem) -> ApiError:
    """The error that stands for a problem."""
    broken = problem.status >= _FIRST_SERVER_ERROR
    kind = _BY_STATUS.get(problem.status, ServerBroken if broken else BadRequest)
    return kind(problem)
