"""The first tables: products and their parts, removals, embeddings, feed runs.

Revision: 0001, the first one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
PRODUCT_ID = sa.String(128)


def upgrade() -> None:
    make_products()
    make_parts_of_products()
    make_removals()
    make_catalog_revision()
    make_embeddings()
    make_feed_runs()


def downgrade() -> None:
    for name in (
        "feed_run_products",
        "feed_runs",
        "embeddings",
        "catalog_revision",
        "removals",
        "product_attributes",
        "product_images",
        "products",
    ):
        op.drop_table(name)


def make_products() -> None:
    op.create_table(
        "products",
        sa.Column("key", KEY, autoincrement=True, nullable=False),
        sa.Column("product_id", PRODUCT_ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("image_hash", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("product_type", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("availability", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("gender", sa.Text(), nullable=False),
        sa.Column("item_group_id", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_products")),
        sa.UniqueConstraint("product_id", name=op.f("uq_products_product_id")),
        sa.UniqueConstraint("revision", name=op.f("uq_products_revision")),
        sqlite_autoincrement=True,
    )


def make_parts_of_products() -> None:
    op.create_table(
        "product_images",
        sa.Column("product_key", KEY, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("product_key", "position", name=op.f("pk_product_images")),
        sa.ForeignKeyConstraint(
            ["product_key"],
            ["products.key"],
            name=op.f("fk_product_images_product_key_products"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "product_attributes",
        sa.Column("product_key", KEY, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("product_key", "position", name=op.f("pk_product_attributes")),
        sa.ForeignKeyConstraint(
            ["product_key"],
            ["products.key"],
            name=op.f("fk_product_attributes_product_key_products"),
            ondelete="CASCADE",
        ),
    )


def make_removals() -> None:
    op.create_table(
        "removals",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("product_id", PRODUCT_ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_removals")),
        sa.UniqueConstraint("revision", name=op.f("uq_removals_revision")),
    )


def make_catalog_revision() -> None:
    counter = op.create_table(
        "catalog_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalog_revision_single_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_revision")),
    )
    op.bulk_insert(counter, [{"id": 1, "revision": 0}])


def make_embeddings() -> None:
    op.create_table(
        "embeddings",
        sa.Column("encoder_id", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("encoder_id", "content_hash", name=op.f("pk_embeddings")),
    )


def make_feed_runs() -> None:
    op.create_table(
        "feed_runs",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("counts", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_runs")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feed_run_products",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("product_id", PRODUCT_ID, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "product_id", name=op.f("pk_feed_run_products")),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["feed_runs.id"],
            name=op.f("fk_feed_run_products_run_id_feed_runs"),
            ondelete="CASCADE",
        ),
    )
