"""Who takes part in a talk beside customer and handler."""

import sqlalchemy as sa
from alembic import op

from router.store.schema import UtcTime

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "parties",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("interaction_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("joined_at", UtcTime(timezone=True), nullable=False),
        sa.Column("agent_id", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("consult_id", sa.String(length=32), nullable=False),
        sa.Column("mode", sa.String(length=16)),
        sa.Column("left_at", UtcTime(timezone=True)),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_parties_interaction_id", "parties", ["interaction_id"])
