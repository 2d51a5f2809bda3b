"""What visitors did with products, their baskets, and the secret of the visitors' hashes.

Revision: 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PARTIAL = (  # the column that has to be there, and those of the index
    ("visitor", ["visitor", "at"]),
    ("basket", ["product_id", "at", "basket"]),
    ("basket", ["basket", "at", "product_id"]),
)


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product_id", sa.String(128), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("visitor", sa.LargeBinary(), nullable=True),
        sa.Column("basket", sa.LargeBinary(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_events"),
    )
    op.create_index("ix_events_kind_at_product_id", "events", ["kind", "at", "product_id"])
    for present, columns in PARTIAL:
        has_it = sa.text(f"{present} IS NOT NULL")
        name = f"ix_events_{'_'.join(columns)}"
        op.create_index(name, "events", columns, sqlite_where=has_it, postgresql_where=has_it)
    op.create_table(
        "baskets",
        sa.Column("basket", sa.LargeBinary(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("basket", name="pk_baskets"),
    )
    op.create_index("ix_baskets_at", "baskets", ["at"])
    op.create_table(
        "visitor_secret",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visitor_secret"),
        sa.CheckConstraint("id = 1", name="ck_visitor_secret_single_row"),
    )


def downgrade() -> None:
    op.drop_table("visitor_secret")
    op.drop_index("ix_baskets_at", table_name="baskets")
    op.drop_table("baskets")
    for _, columns in reversed(PARTIAL):
        op.drop_index(f"ix_events_{'_'.join(columns)}", table_name="events")
    op.drop_index("ix_events_kind_at_product_id", table_name="events")
    op.drop_table("events")
