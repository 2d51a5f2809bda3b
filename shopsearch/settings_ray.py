"""The settings of indexing on Ray."""

from __future__ import annotations

import re

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

_GCS = re.compile(r"[A-Za-z0-9._-]+:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}")


class RaySettings(BaseSettings):
    """Where `--on ray` has contents encoded, and by how many."""

    ray_address: str | None = Field(
        None,
        description=(
            "The Ray cluster of `--on ray`: `HOST:6379`, or `auto` for the one that this machine "
            "belongs to; unset, one is started on this machine for the time of the command."
        ),
    )
    ray_workers: int = Field(
        0,
        ge=0,
        le=10_000,
        description=(
            "Worker processes of `--on ray`; 0 means one for each GPU, else as many as the cores "
            "carry."
        ),
    )

    @field_validator("ray_address")
    @classmethod
    def _is_cluster(cls, address: str | None) -> str | None:
        if address is None or address == "auto" or _GCS.fullmatch(address):
            return address
        raise ValueError(
            "write auto, or HOST:PORT of the head node, such as 10.0.0.5:6379; the machine that "
            "indexes has to be part of the cluster (docs/ray.md)"
        )
