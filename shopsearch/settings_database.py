"""The settings of the product database, and of what it does for machines that share it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class DatabaseSettings(BaseModel):
    """A part of `Settings`."""

    database_url: str | None = Field(
        None, description="SQLAlchemy address of the product database; SQLite in home when unset."
    )
    database_pool: int | None = Field(
        None,
        ge=2,
        le=1000,
        description=(
            "Connections to PostgreSQL that a process may have, besides one that listens and one "
            "while it indexes; `worker_threads` and six more when unset. See docs/postgresql.md."
        ),
    )
    database_wait_s: float = Field(
        5.0, gt=0, le=300, description="How long a request waits for a connection that is free."
    )
    database_connect_s: int = Field(
        5, ge=2, le=300, description="How long PostgreSQL may take to accept a connection."
    )
    database_statement_s: float = Field(
        60.0,
        ge=0,
        le=86_400,
        description="How long PostgreSQL may work on one statement; 0 leaves it to the server.",
    )
    current: Literal["file", "database"] = Field(
        "file",
        description=(
            "What names the live index generation: the file `CURRENT` in home, or a row of the "
            "database, for machines that share it."
        ),
    )

    @property
    def names_generation_in_database(self) -> bool:
        """Whether a row of the database names the live index generation."""
        return self.current == "database"
