"""The first tables, and full-text search over prompts."""

from alembic import op
from diorama.database.creation import create_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    create_tables(op.get_bind())


def downgrade() -> None:
    """Refuse: an older program reads the backup instead."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
