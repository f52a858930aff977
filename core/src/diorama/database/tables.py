"""The tables. Times are Unix seconds; JSON columns hold UTF-8 text that :mod:`msgspec` wrote.

A change here needs a migration in ``migrations/versions``.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)  # fmt: skip

metadata = MetaData()

_Number = BigInteger().with_variant(Integer, "sqlite")


def _only(condition: str) -> dict[str, Any]:
    """Return what makes an index hold only the rows that meet a condition; see :func:`narrow` for PostgreSQL."""
    sqlite = condition.replace("favourite AND", "favourite = 1 AND")  # as queries say it there
    return {"sqlite_where": text(sqlite), "info": {"only": condition}}


def narrow() -> None:
    """Narrow the indexes on PostgreSQL too. Only whoever creates tables there needs it: it loads that dialect."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "only" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["only"])


jobs = Table(
    "jobs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("model", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column(
        "position", Float, nullable=False, server_default="0"
    ),  # order inside a priority; reordering moves it
    Column("owner", Text, nullable=False, server_default=""),
    Column("session_id", String(64)),
    Column("batch_id", String(64)),
    Column("idempotency_key", Text),
    Column("strict", Boolean, nullable=False, server_default=false()),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("wait_reason", Text),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("retry_of", String(26)),
    Column("request", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("applied", Text),
    Column("adjusted", Text),
    Column("ignored", Text),
    Column("memory", Text),
    Column("progress", Float, nullable=False, server_default="0"),
    Column("message", Text),
    Column("error", Text),
    Column("asset_ids", Text),
    Column("cost", Text),
    Column("timings", Text),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Index("jobs_by_status", "status", "id"),
    Index("jobs_by_session", "session_id", "id"),
    Index("jobs_by_batch", "batch_id", "id"),
    Index(
        "jobs_by_key",
        "owner",
        "idempotency_key",
        unique=True,
        **_only("idempotency_key IS NOT NULL"),
    ),
)

assets = Table(
    "assets",
    metadata,
    Column(
        "number", _Number, primary_key=True
    ),  # the rowid, named so that VACUUM keeps it for the text index
    Column("id", String(26), nullable=False, unique=True),
    Column("job_id", String(26)),
    Column("position", Integer, nullable=False, server_default="0"),  # index among the job's outputs
    Column("kind", String(8), nullable=False),
    Column("mime", String(32), nullable=False),
    Column("path", Text, nullable=False),  # relative to the assets folder
    Column("thumbnail", Text),  # relative to the assets folder
    Column("placeholder", Text),
    Column("width", Integer, nullable=False, server_default="0"),
    Column("height", Integer, nullable=False, server_default="0"),
    Column("duration", Float),
    Column("fps", Float),
    Column("frames", Integer),
    Column("has_audio", Boolean, nullable=False, server_default=false()),
    Column("sample_rate", Integer),
    Column("channels", Integer),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("prompt", Text, nullable=False, server_default=""),
    Column("title", Text),
    Column("model", Text, nullable=False, server_default=""),
    Column("operation", String(16), nullable=False, server_default=""),
    Column("seed", BigInteger),
    Column("loras", Text),
    Column("owner", Text, nullable=False, server_default=""),
    Column("session_id", String(64)),
    Column("batch_id", String(64)),
    Column("parents", Text),
    Column("favourite", Boolean, nullable=False, server_default=false()),
    Column("cost", Float),
    Column("recipe", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("trashed_at", Float),
    Index("assets_live", "id", **_only("trashed_at IS NULL")),
    Index("assets_by_kind", "kind", "id", **_only("trashed_at IS NULL")),
    Index("assets_by_model", "model", "id", **_only("trashed_at IS NULL")),
    Index("assets_by_operation", "operation", "id", **_only("trashed_at IS NULL")),
    Index("assets_by_session", "session_id", "id", **_only("session_id IS NOT NULL")),
    Index("assets_by_batch", "batch_id", "id", **_only("batch_id IS NOT NULL")),
    Index("assets_by_seed", "seed", "id", **_only("seed IS NOT NULL")),
    Index("assets_by_trash", "id", **_only("trashed_at IS NOT NULL")),
    Index("assets_by_favourite", "favourite", "id", **_only("favourite AND trashed_at IS NULL")),
    Index("assets_by_job", "job_id", "position", unique=True),
    Index("assets_by_sha256", "sha256"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False, server_default="image"),
    Column("title", Text, nullable=False, server_default=""),
    Column("owner", Text, nullable=False, server_default=""),
    Column("state", Text),  # JSON: draft prompt, chosen model and so on
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("deleted_at", Float),
    Index("sessions_by_time", "kind", "updated_at"),
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", String(26), primary_key=True),  # of the same kind as job ids, so that both sort together
    Column("kind", String(16), nullable=False),
    Column("model", Text, nullable=False, server_default=""),
    Column("prompt", Text, nullable=False, server_default=""),
    Column("session_id", String(64)),
    Column("owner", Text, nullable=False, server_default=""),
    Column("request", Text, nullable=False),  # JSON, without files
    Column("error", Text, nullable=False),  # JSON
)
"""Requests that were refused before they became a job."""

run_times = Table(
    "run_times",
    metadata,
    Column("model", Text, primary_key=True),
    Column("work", Text, primary_key=True),  # operation, size, steps: what makes runs comparable
    Column("seconds", Float, nullable=False),  # running mean
    Column("runs", Integer, nullable=False),
)

costs = Table(
    "costs",
    metadata,
    Column("job_id", String(26), primary_key=True),
    Column("day", String(10), nullable=False),  # calendar day of this machine on which it was accepted, ISO
    Column("model", Text, nullable=False),
    Column("session_id", String(64)),
    Column("owner", Text, nullable=False, server_default=""),
    Column("currency", String(16), nullable=False),
    Column("amount", Float, nullable=False),
    Column("estimated", Boolean, nullable=False),  # false once the provider has told the figure
    Column("created_at", Float, nullable=False),
    Index("costs_by_day", "day", "currency"),
    Index("costs_by_session", "session_id", "currency", **_only("session_id IS NOT NULL")),
)
"""What each job costs or is expected to; kept when the job is forgotten, so that a cap cannot be emptied."""

values = Table(
    "settings_values",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
"""Small things the page keeps on the server (default models, history length)."""
