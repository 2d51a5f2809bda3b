"""What was searched for and clicked on, and the salt of the day's session hashes.

Revision: 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "logged_searches",
        sa.Column("search_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("is_filtered", sa.Boolean(), nullable=False),
        sa.Column("is_sorted", sa.Boolean(), nullable=False),
        sa.Column("is_corrected", sa.Boolean(), nullable=False),
        sa.Column("is_relaxed", sa.Boolean(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("first_rank", sa.Integer(), nullable=False),
        sa.Column("product_ids", sa.JSON(), nullable=False),
        sa.Column("took_ms", sa.Double(), nullable=False),
        sa.Column("generation", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("search_id", name="pk_logged_searches"),
    )
    op.create_index("ix_logged_searches_at", "logged_searches", ["at"])
    op.create_table(
        "logged_clicks",
        sa.Column("search_id", sa.Text(), nullable=False),
        sa.Column("product_id", sa.String(128), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("search_id", "product_id", name="pk_logged_clicks"),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["logged_searches.search_id"],
            name="fk_logged_clicks_search_id_logged_searches",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "session_salt",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session_salt"),
        sa.CheckConstraint("id = 1", name="ck_session_salt_single_row"),
    )


def downgrade() -> None:
    op.drop_table("session_salt")
    op.drop_table("logged_clicks")
    op.drop_index("ix_logged_searches_at", table_name="logged_searches")
    op.drop_table("logged_searches")
