"""The synonyms of a shop, and the revisions of the lists that people keep in the database.

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "list_revisions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_list_revisions"),
    )
    op.create_table(
        "synonyms",
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_synonyms"),
        sa.UniqueConstraint("rule", name="uq_synonyms_rule"),
    )


def downgrade() -> None:
    op.drop_table("synonyms")
    op.drop_table("list_revisions")
