"""Who may do what, and who did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PUBLIC = "public"  # who wrote without a key
COMMAND_LINE = "command line"


class Scope(StrEnum):
    """What an operation of the API needs and a key may carry. `admin` includes all others."""

    SEARCH = "search"  # read products: search, suggest, one product, heat maps, pictures
    RECOMMEND = "recommend"  # similar and recommended products
    EVENTS = "events"  # tell what visitors did
    CATALOG = "catalog"  # write and remove products
    ADMIN = "admin"  # see metrics and whatever else tells of the shop itself


class KeyState(StrEnum):
    """Whether a key opens anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is kept: of its secret, only what tells whether one that is given is the same."""

    key_id: str  # public
    name: str
    scopes: frozenset[Scope]
    secret_sha256: bytes
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    previous_sha256: bytes | None = None  # of the secret that was rotated out
    previous_until: datetime | None = None  # that one is good until then

    def state(self, now: datetime) -> KeyState:
        """Whether it opens anything at a moment."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.expires_at is not None and self.expires_at <= now:
            return KeyState.EXPIRED
        return KeyState.ACTIVE

    def may(self, scope: Scope) -> bool:
        """Whether its scopes cover this one."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """That somebody wrote to the shop, or tried to."""

    at: datetime
    actor: str  # the id of a key, `PUBLIC` or `COMMAND_LINE`
    operation: str  # its operation id, or the command
    target: str  # a product or key by its id, or how many there were
    request_id: str = ""
    status: int | None = None  # of the HTTP answer
