"""What the distribution rules need: standing in queues, figures of the day, versions, leases."""

import sqlalchemy as sa
from alembic import op

from router.store.schema import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("interactions") as table:
        table.add_column(sa.Column("also_queues", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("vip", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("prefer_agent", sa.String(length=64)))
        table.add_column(sa.Column("prefer_until", UtcTime(timezone=True)))
        table.add_column(sa.Column("due_at", UtcTime(timezone=True)))
        table.add_column(sa.Column("parent_id", sa.String(length=32)))
        table.create_index("ix_interactions_parent_id", ["parent_id"])
    with op.batch_alter_table("offers") as table:
        table.add_column(
            sa.Column("queue", sa.String(length=64), nullable=False, server_default="")
        )
    with op.batch_alter_table("customers") as table:
        table.add_column(sa.Column("dedicated_agent", sa.String(length=64)))
    with op.batch_alter_table("agents") as table:
        table.add_column(sa.Column("standing", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("limits", sa.JSON(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("day", sa.String(length=10), nullable=False, server_default=""))
        table.add_column(sa.Column("day_handled", sa.Integer(), nullable=False, server_default="0"))
        for name in ("day_talk_s", "day_handling_s", "day_available_s", "day_offered_at"):
            table.add_column(sa.Column(name, sa.Float(), nullable=False, server_default="0"))
    op.create_table(
        "configurations",
        sa.Column("version", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=128), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("since", UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
