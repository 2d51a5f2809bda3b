"""The settings of an index on Milvus."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from shopsearch.index.kinds import Consistency, MilvusKind


class MilvusSettings(BaseSettings):
    """What `SHOPSEARCH_INDEX=milvus` needs to know."""

    milvus_uri: str | None = Field(
        None,
        min_length=1,
        description=(
            "Where Milvus is: `http://host:19530`, an `https://` address of Zilliz Cloud, or a "
            "path that ends in `.db` for milvus-lite; `milvus.db` in home when unset."
        ),
    )
    milvus_token: SecretStr | None = Field(
        None, description="Its key, or `user:password`, where it asks for one."
    )
    milvus_database: str = Field("", description="Its database; the default one when unset.")
    milvus_collection: str = Field(
        "shopsearch",
        pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description=(
            "What the names of its collections begin with; `NAME_live` is an alias of the "
            "collection that answers."
        ),
    )
    milvus_index: MilvusKind = Field(
        "auto",
        description=(
            "Structure of new collections; auto is flat on milvus-lite, autoindex on Zilliz Cloud "
            "and hnsw elsewhere; hnsw-sq8 needs Milvus 2.5. After a change, run `shopsearch "
            "reindex`."
        ),
    )
    milvus_consistency: Consistency = Field(
        "Session",
        description=(
            "How much of what was just written a search waits for; Session is all that its "
            "generation consists of, which costs time in the first moments of one alone."
        ),
    )
    milvus_timeout_s: float = Field(
        3.0, gt=0, le=600, description="Time limit of one question to Milvus."
    )
    milvus_patience_s: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="How long a change is tried again that Milvus does not take.",
    )

    @field_validator("milvus_uri")
    @classmethod
    def _is_known(cls, uri: str | None) -> str | None:
        if uri is None or uri.startswith(("http://", "https://", "tcp://")) or uri.endswith(".db"):
            return uri
        raise ValueError("write http://host:19530, https://host, or a path that ends in .db")
