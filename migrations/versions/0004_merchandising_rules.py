"""The merchandising rules of a shop, and every version that they had.

Revision: 0004, after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "merchandising_rules",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_merchandising_rules"),
        sa.UniqueConstraint("number", name="uq_merchandising_rules_number"),
    )
    op.create_table(
        "merchandising_rule_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_merchandising_rule_versions"),
    )


def downgrade() -> None:
    op.drop_table("merchandising_rule_versions")
    op.drop_table("merchandising_rules")
    op.execute("DELETE FROM list_revisions WHERE name = 'rules'")
