"""Settings of what several machines share."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator

from shopsearch.storage.address import StorageAddress

_REDIS = ("redis", "rediss", "redis+unix")


class NodeSettings(BaseModel):
    """A part of `Settings`."""

    storage: str | None = Field(
        None,
        description=(
            "Where pictures, thumbnails and index generations are kept for several machines: "
            "`s3://BUCKET/PREFIX` (`pip install 'shopsearch[s3]'`), `gs://BUCKET/PREFIX` "
            "(`shopsearch[gs]`), `file:///FOLDER` that all of them mount, or `memory://NAME` for "
            "tests; the home folder when unset. See docs/scaling.md."
        ),
    )
    storage_cache_mb: int = Field(
        2048,
        ge=1,
        description="Pictures of the storage that are kept at hand below the home folder, in MB.",
    )
    cache_url: str | None = Field(
        None,
        description=(
            "A Redis in which server processes share the embeddings of the queries asked last, "
            "`redis://HOST:6379/0`; each remembers its own alone when unset. Needs `pip install "
            "'shopsearch[redis]'`."
        ),
    )

    @field_validator("storage")
    @classmethod
    def _is_storage(cls, url: str | None) -> str | None:
        return None if url is None else str(StorageAddress.of(url.strip()))

    @field_validator("cache_url")
    @classmethod
    def _is_redis(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).scheme not in _REDIS:
            raise ValueError("write redis://HOST:6379/0, rediss:// for TLS, or redis+unix:///PATH")
        return url
