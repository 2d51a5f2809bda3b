"""Which index generation is live, and who is indexing, where several machines share a database.

Revision: 0011, after 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "live_generation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_generation"),
        sa.CheckConstraint("id = 1", name="ck_live_generation_single_row"),
    )
    op.create_table(
        "indexing_owner",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_indexing_owner"),
        sa.CheckConstraint("id = 1", name="ck_indexing_owner_single_row"),
    )


def downgrade() -> None:
    op.drop_table("indexing_owner")
    op.drop_table("live_generation")
