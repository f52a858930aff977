"""The first tables, and full-text search over prompts."""

from alembic import op
from diorama.database.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COLUMNS = ("prompt", "title", "model", "loras")
_NEW = ", ".join(f"new.{name}" for name in _COLUMNS)
_OLD = ", ".join(f"old.{name}" for name in _COLUMNS)
_NAMES = ", ".join(_COLUMNS)
_ADD = f"INSERT INTO assets_text(rowid, {_NAMES}) VALUES (new.number, {_NEW});"  # noqa: S608
_REMOVE = f"INSERT INTO assets_text(assets_text, rowid, {_NAMES}) VALUES ('delete', old.number, {_OLD});"  # noqa: S608

_FTS = (
    f"""CREATE VIRTUAL TABLE assets_text USING fts5({_NAMES}, content='assets', content_rowid='number',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    f"CREATE TRIGGER assets_text_insert AFTER INSERT ON assets BEGIN {_ADD} END",
    f"CREATE TRIGGER assets_text_delete AFTER DELETE ON assets BEGIN {_REMOVE} END",
    f"CREATE TRIGGER assets_text_update AFTER UPDATE OF {_NAMES} ON assets BEGIN {_REMOVE} {_ADD} END",
)
_WORDS = "to_tsvector('simple', " + " || ' ' || ".join(f"coalesce({name}, '')" for name in _COLUMNS) + ")"


def upgrade() -> None:
    """Create everything."""
    metadata.create_all(op.get_bind())
    if op.get_bind().dialect.name == "sqlite":
        for statement in _FTS:
            op.execute(statement)
    else:
        op.execute(f"CREATE INDEX assets_text ON assets USING gin ({_WORDS})")


def downgrade() -> None:
    """Refuse: an older program reads the backup instead."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
