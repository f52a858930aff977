"""Sample rate and channels of sounds."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the first tables lack; those that 0001 has just made are of the newest form already."""
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("assets")}
    for name in ("sample_rate", "channels"):
        if name not in known:
            op.add_column("assets", sa.Column(name, sa.Integer))


def downgrade() -> None:
    """Refuse: an older program reads the backup instead."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
