"""How the address of a database is shown: without its secrets."""

from __future__ import annotations

from sqlalchemy import URL


def shown_url(url: URL) -> str:
    """The address without password, and without parameters, which may hold one too."""
    return url.set(query={}).render_as_string(hide_password=True)
