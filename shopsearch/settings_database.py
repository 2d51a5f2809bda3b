"""The settings of the product database, and of what it does for machines that share it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class DatabaseSettings(BaseModel):
    """A part of `Settings`."""

    database_url: str | None = Field(
        None, description="SQLAlchemy address of the product database; SQLite in home when unset."
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
