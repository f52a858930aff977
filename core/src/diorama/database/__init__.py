"""One database: connection, group-committing writer, tables, migrations."""
