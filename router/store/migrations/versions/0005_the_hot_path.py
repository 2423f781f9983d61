"""The outbox names facts instead of repeating them; indexes for what is asked all the time."""

import sqlalchemy as sa
from alembic import op

from router.store.schema import UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("interactions") as table:
        table.drop_index("ix_interactions_agent_id")
        table.create_index("work_of_agents", ["agent_id", "state"])
    with op.batch_alter_table("offers") as table:
        table.create_index("ix_offers_interaction_id", ["interaction_id"])
    op.create_table(
        "outbox_of_ids",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(sa.text("INSERT INTO outbox_of_ids (id, at) SELECT id, at FROM outbox"))
    op.drop_table("outbox")
    op.rename_table("outbox_of_ids", "outbox")
