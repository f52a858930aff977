"""The table of costs."""

from alembic import op
from diorama.database.tables import costs

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create it, unless the first migration has just done so."""
    costs.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    """Refuse: an older program reads the backup instead."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
