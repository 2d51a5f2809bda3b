"""How a key is spelt: `sk_<id>_<secret>`, 8 and 64 characters, so that scanners find it.

The secret is 256 random bits. Nobody finds such a number by trying, however fast the hash is, so a
plain SHA-256 is kept: a slow hash protects what people choose, and would cost each request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

ID_CHARS = 8
SECRET_BYTES = 32
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that is read as something else
_SPELLING = re.compile(
    rf"sk_(?P<key_id>[{_ID_ALPHABET}]{{{ID_CHARS}}})_(?P<secret>[0-9a-f]{{{2 * SECRET_BYTES}}})"
)


class SpeltKey(NamedTuple):
    """A key as its holder knows it. Never kept, logged or shown again."""

    key_id: str
    secret: str

    def __str__(self) -> str:
        return f"sk_{self.key_id}_{self.secret}"

    def __repr__(self) -> str:
        return f"SpeltKey(key_id={self.key_id!r})"  # tracebacks and logs show this one

    @property
    def sha256(self) -> bytes:
        """What is kept of the secret."""
        return hashlib.sha256(self.secret.encode()).digest()

    def has_hash(self, kept: bytes) -> bool:
        """Whether the secret is the one behind a hash; takes as long whatever the answer."""
        return hmac.compare_digest(self.sha256, kept)


def new_key(key_id: str | None = None) -> SpeltKey:
    """A key that nobody has; with an id, another secret of that one."""
    made = key_id or "".join(secrets.choice(_ID_ALPHABET) for _ in range(ID_CHARS))
    return SpeltKey(made, secrets.token_hex(SECRET_BYTES))


def read_key(text: str) -> SpeltKey | None:
    """The key that a text is; None where it is anything else."""
    match = _SPELLING.fullmatch(text)
    return None if match is None else SpeltKey(match["key_id"], match["secret"])


def without_secrets(text: str) -> str:
    """The text, of each key in it the id alone."""
    if "sk_" not in text:
        return text
    return _SPELLING.sub(r"sk_\g<key_id>_(secret)", text)


def holds_key(text: str) -> bool:
    """Whether a key stands anywhere in a text."""
    return "sk_" in text and _SPELLING.search(text) is not None
