"""The trace that a request belongs to, as its caller says (W3C Trace Context, level 1)."""

from __future__ import annotations

import re

HEADER = "traceparent"

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")


def trace_id_of(header: str) -> str | None:
    """The trace id in a `traceparent`; None where it is not one, as if it had not been sent."""
    found = _PARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, parent_id, more = found.groups()
    is_known = version != "ff" and not (version == "00" and more)
    return trace_id if is_known and int(trace_id, 16) and int(parent_id, 16) else None
