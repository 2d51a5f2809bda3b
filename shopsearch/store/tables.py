"""The tables of the product database, for SQLite and PostgreSQL alike.

Every constraint has a name, so that a migration can take it away again. The migrations under
`migrations/` make these tables; `alembic check` compares the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shopsearch.domain import MAX_EVENT_ID_CHARS, MAX_PRODUCT_ID_CHARS

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers rows by itself only where the type is spelled INTEGER
BigKey = BigInteger().with_variant(Integer(), "sqlite")
ProductId = String(MAX_PRODUCT_ID_CHARS)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always in UTC: SQLite keeps no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC; without the zone where the database has none."""
        if value is None:
            return None
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """With its zone again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, str: Text}


def _index_where(present: str, *columns: str) -> Index:
    """An index of the rows alone that have something in a column."""
    has_it = text(f"{present} IS NOT NULL")
    return Index(None, *columns, sqlite_where=has_it, postgresql_where=has_it)


class ProductRow(Base):
    """A product of the catalog. `key` is what the index knows it by; it is never given again."""

    __tablename__ = "products"
    # without AUTOINCREMENT, SQLite would give the key of a removed last row to the next product
    __table_args__ = ({"sqlite_autoincrement": True},)

    key: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    product_id: Mapped[str] = mapped_column(ProductId, unique=True)
    revision: Mapped[int] = mapped_column(BigInteger, unique=True)
    fingerprint: Mapped[str]
    image_hash: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str]
    brand: Mapped[str]
    product_type: Mapped[str]
    link: Mapped[str]
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    availability: Mapped[str]
    color: Mapped[str]
    size: Mapped[str]
    material: Mapped[str]
    gender: Mapped[str]
    item_group_id: Mapped[str]
    gtin: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ProductImageRow(Base):
    """A picture of a product by its place; position 0 is the main one.

    `content_hash` is there for further ones that are kept; that of the main one is the product's
    `image_hash`.
    """

    __tablename__ = "product_images"

    product_key: Mapped[int] = mapped_column(
        BigKey, ForeignKey(ProductRow.key, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[str]
    content_hash: Mapped[str | None]


class ProductAttributeRow(Base):
    """A further property of a product; `position` keeps the order of the feed."""

    __tablename__ = "product_attributes"

    product_key: Mapped[int] = mapped_column(
        BigKey, ForeignKey(ProductRow.key, ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    value: Mapped[str]


class RemovalRow(Base):
    """That a product was taken out: an index that is behind learns it from here."""

    __tablename__ = "removals"

    key: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    product_id: Mapped[str] = mapped_column(ProductId)
    revision: Mapped[int] = mapped_column(BigInteger, unique=True)
    removed_at: Mapped[datetime]


class CatalogRevisionRow(Base):
    """The highest revision given so far, in one row.

    A writer raises it first and holds its lock until the end: so revisions become visible in their
    order, and no reader can miss one.
    """

    __tablename__ = "catalog_revision"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(BigInteger)


class EmbeddingRow(Base):
    """The embedding of a content under an encoder: float32, little-endian."""

    __tablename__ = "embeddings"

    encoder_id: Mapped[str] = mapped_column(primary_key=True)
    content_hash: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class FeedRunRow(Base):
    """A run over a feed. `counts` is its report; null while it runs, or where it was killed."""

    __tablename__ = "feed_runs"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    feed: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    counts: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class FeedRunProductRow(Base):
    """That a run has met a product; forgotten when the run ends."""

    __tablename__ = "feed_run_products"

    run_id: Mapped[int] = mapped_column(
        BigKey, ForeignKey(FeedRunRow.id, ondelete="CASCADE"), primary_key=True
    )
    product_id: Mapped[str] = mapped_column(ProductId, primary_key=True)


class ListRevisionRow(Base):
    """How often one of the lists that people keep (synonyms, say) was written, by its name.

    The catalog's revision stays as it is: such a list changes no vector.
    """

    __tablename__ = "list_revisions"

    name: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)


class SynonymRow(Base):
    """A rule in its canonical spelling, such as `couch, sofa` or `iphone => smartphone`."""

    __tablename__ = "synonyms"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    rule: Mapped[str] = mapped_column(unique=True)


class RuleRow(Base):
    """A merchandising rule as it is now. `document` is its JSON; older rules have lower numbers."""

    __tablename__ = "merchandising_rules"

    name: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, unique=True)
    version: Mapped[int]
    document: Mapped[str]
    changed_at: Mapped[datetime]


class RuleVersionRow(Base):
    """A merchandising rule as it was from a moment on; null where it was removed."""

    __tablename__ = "merchandising_rule_versions"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[str]
    document: Mapped[str | None]
    changed_at: Mapped[datetime]


class LoggedSearchRow(Base):
    """A page of results as it was answered. `folded` is what equal searches have in common."""

    __tablename__ = "logged_searches"

    search_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    session: Mapped[str | None]
    text: Mapped[str]
    folded: Mapped[str]
    kind: Mapped[str]
    is_filtered: Mapped[bool]
    is_sorted: Mapped[bool]
    is_corrected: Mapped[bool]
    is_relaxed: Mapped[bool]
    page: Mapped[int]
    total: Mapped[int] = mapped_column(BigInteger)
    first_rank: Mapped[int]
    product_ids: Mapped[list[str]] = mapped_column(JSON)
    took_ms: Mapped[float]
    generation: Mapped[str]


class LoggedClickRow(Base):
    """That a product of a logged page was chosen; however often, it is here once."""

    __tablename__ = "logged_clicks"

    search_id: Mapped[str] = mapped_column(
        ForeignKey(LoggedSearchRow.search_id, ondelete="CASCADE"), primary_key=True
    )
    product_id: Mapped[str] = mapped_column(ProductId, primary_key=True)
    rank: Mapped[int]
    at: Mapped[datetime]


class SessionSaltRow(Base):
    """What session hashes of a day are salted with, in one row: a new day takes its place."""

    __tablename__ = "session_salt"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date]
    salt: Mapped[bytes] = mapped_column(LargeBinary)


class SignalRow(Base):
    """A business signal and how much it weighs."""

    __tablename__ = "signals"

    name: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[float] = mapped_column(Double)
    half_life_days: Mapped[float] = mapped_column(Double)
    changed_at: Mapped[datetime]


class ApiKeyRow(Base):
    """A key of the API: what its secret hashes to, never the secret."""

    __tablename__ = "api_keys"

    key_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(JSON)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    previous_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_until: Mapped[datetime | None]


class AuditRow(Base):
    """That somebody wrote to the shop, or tried to; `status` is null off HTTP."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str]
    operation: Mapped[str]
    target: Mapped[str]
    request_id: Mapped[str]
    status: Mapped[int | None]


class EventRow(Base):
    """That somebody did something with a product. `visitor` and `basket` are keyed hashes; only a
    purchase has a basket, and each of them has one.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "kind", "at", "product_id"),
        _index_where("visitor", "visitor", "at"),
        _index_where("basket", "product_id", "at", "basket"),
        _index_where("basket", "basket", "at", "product_id"),
    )

    event_id: Mapped[str] = mapped_column(String(MAX_EVENT_ID_CHARS), primary_key=True)
    kind: Mapped[str]
    product_id: Mapped[str] = mapped_column(ProductId)
    at: Mapped[datetime]
    visitor: Mapped[bytes | None] = mapped_column(LargeBinary)
    basket: Mapped[bytes | None] = mapped_column(LargeBinary)
    quantity: Mapped[int]


class BasketRow(Base):
    """A basket that events tell of, and when the latest of its purchases was: so that baskets are
    counted without reading their events.
    """

    __tablename__ = "baskets"

    basket: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


class VisitorSecretRow(Base):
    """What visitors and baskets are hashed with, in one row that is made once."""

    __tablename__ = "visitor_secret"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes] = mapped_column(LargeBinary)


class LiveGenerationRow(Base):
    """The index generation that all machines over this database answer from, in one row."""

    __tablename__ = "live_generation"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    generation_id: Mapped[str]
    since: Mapped[datetime]


class IndexingOwnerRow(Base):
    """Who holds the lock of the indexer, in one row. It informs; nothing is decided by it."""

    __tablename__ = "indexing_owner"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    document: Mapped[str]


class IdempotencyRow(Base):
    """The request that came first with a key of a writer; no status while it is under way."""

    __tablename__ = "idempotency"

    writer: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    claimed_at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    body: Mapped[str]


def table(model: type[Base]) -> Table:
    """The table of a model, for statements over many rows at once."""
    return cast(Table, model.__table__)


PRODUCTS = table(ProductRow)
PRODUCT_IMAGES = table(ProductImageRow)
PRODUCT_ATTRIBUTES = table(ProductAttributeRow)
REMOVALS = table(RemovalRow)
CATALOG_REVISION = table(CatalogRevisionRow)
EMBEDDINGS = table(EmbeddingRow)
FEED_RUNS = table(FeedRunRow)
FEED_RUN_PRODUCTS = table(FeedRunProductRow)
LIST_REVISIONS = table(ListRevisionRow)
SYNONYMS = table(SynonymRow)
RULES = table(RuleRow)
RULE_VERSIONS = table(RuleVersionRow)
LOGGED_SEARCHES = table(LoggedSearchRow)
LOGGED_CLICKS = table(LoggedClickRow)
SESSION_SALT = table(SessionSaltRow)
SIGNALS = table(SignalRow)
API_KEYS = table(ApiKeyRow)
AUDIT_LOG = table(AuditRow)
EVENTS = table(EventRow)
BASKETS = table(BasketRow)
VISITOR_SECRET = table(VisitorSecretRow)
IDEMPOTENCY = table(IdempotencyRow)
LIVE_GENERATION = table(LiveGenerationRow)
INDEXING_OWNER = table(IndexingOwnerRow)
