"""Requests that were refused before they became a job."""

from alembic import op
from diorama.database.tables import refusals

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, where 0001 has not just made it."""
    refusals.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refuse: an older program reads the backup instead."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
