"""Alembic's entry: the connection comes from :func:`diorama.database.connection.migrate`."""

from alembic import context
from diorama.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
context.run_migrations()
