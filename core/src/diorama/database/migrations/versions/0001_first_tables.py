"""The first tables, and full-text search over prompts."""

from alembic import op
from diorama.database.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FTS = (
    """CREATE VIRTUAL TABLE assets_text USING fts5(
        prompt, model, content='assets', content_rowid='rowid', tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    """CREATE TRIGGER assets_text_insert AFTER INSERT ON assets BEGIN
        INSERT INTO assets_text(rowid, prompt, model) VALUES (new.rowid, new.prompt, new.model); END""",
    """CREATE TRIGGER assets_text_delete AFTER DELETE ON assets BEGIN
        INSERT INTO assets_text(assets_text, rowid, prompt, model) VALUES ('delete', old.rowid, old.prompt, old.model); END""",
    """CREATE TRIGGER assets_text_update AFTER UPDATE OF prompt, model ON assets BEGIN
        INSERT INTO assets_text(assets_text, rowid, prompt, model) VALUES ('delete', old.rowid, old.prompt, old.model);
        INSERT INTO assets_text(rowid, prompt, model) VALUES (new.rowid, new.prompt, new.model); END""",
)


def upgrade() -> None:
    """Create everything."""
    metadata.create_all(op.get_bind())
    if op.get_bind().dialect.name == "sqlite":
        for statement in _FTS:
            op.execute(statement)
    else:
        op.execute(
            "CREATE INDEX assets_text ON assets USING gin (to_tsvector('simple', prompt || ' ' || model))"
        )


def downgrade() -> None:
    """Refuse: an older program reads the backup instead."""
    raise NotImplementedError("Restore the backup that was made before the upgrade.")
