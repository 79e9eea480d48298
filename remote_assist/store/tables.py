"""The tables. Portable SQL: SQLite embedded, PostgreSQL when scaled.

Instants are UTC milliseconds, ids text, money integers. Rows of the log, of usage and of receipts are
inserted and never updated. A change here needs a revision in ``migrations/``; a test compares the two.
"""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ID: Final = String(64)
_HASH: Final = String(64)
_WORD: Final = String(40)
"""A type, state or reason of ours."""

partners: Final = Table(
    "partners",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at_ms", BigInteger, nullable=False),
)

api_keys: Final = Table(
    "api_keys",
    metadata,
    Column("key_hash", _HASH, primary_key=True),
    Column("partner_id", _ID, ForeignKey("partners.id"), nullable=False, index=True),
    Column("prefix", String(16), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("partner_id", _ID, ForeignKey("partners.id"), nullable=False),
    Column("customer", JSON, nullable=False),
    Column("technician", JSON, nullable=False),
    Column("recording", _WORD, nullable=False),
    Column("metadata", JSON, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("notice_seq", Integer, nullable=False),
    Column("home_node", _ID),
    Column("lease_until_ms", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("flushed", Boolean, nullable=False),
    Column("settled_seq", Integer, nullable=False),
    Column("closed_at_ms", BigInteger),
    Column("customer_seen_ms", BigInteger),
    Column("technician_seen_ms", BigInteger),
    Column("flow_until_ms", BigInteger),
    Index(None, "partner_id", "id"),
    Index(None, "flushed", "home_node"),
)

session_events: Final = Table(
    "session_events",
    metadata,
    Column("session_id", _ID, ForeignKey("sessions.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    # NULL for evidence; NULLs are distinct, so the constraint orders the decisions alone.
    Column("version", Integer),
    Column("at_ms", BigInteger, nullable=False),
    Column("type", _WORD, nullable=False),
    Column("fields", JSON, nullable=False),
    UniqueConstraint("session_id", "version"),
)

links: Final = Table(
    "links",
    metadata,
    Column("secret_hash", _HASH, primary_key=True),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("role", _WORD, nullable=False),
)

chat_lines: Final = Table(
    "chat_lines",
    metadata,
    Column("session_id", _ID, ForeignKey("sessions.id"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("role", _WORD, nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("text", Text, nullable=False),
    # Without a foreign key, which SQLite could only add by copying the table.
    Column("file_id", _ID),
    UniqueConstraint("session_id", "role", "client_id"),
)

files: Final = Table(
    "files",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("role", _WORD, nullable=False),
    Column("name", String(200), nullable=False),
    Column("media_type", _WORD, nullable=False),
    Column("size", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

ratings: Final = Table(
    "ratings",
    metadata,
    Column("session_id", _ID, ForeignKey("sessions.id"), primary_key=True),
    Column("role", _WORD, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("stars", Integer),
    Column("is_solved", Boolean),
    Column("comment", Text, nullable=False),
)

usage_records: Final = Table(
    "usage_records",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False),
    Column("partner_id", _ID, ForeignKey("partners.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("outcome", _WORD, nullable=False),
    Column("billed_s", Integer, nullable=False),
    Column("evidenced_ms", BigInteger, nullable=False),
    Column("bridged_ms", BigInteger, nullable=False),
    Column("paused_ms", BigInteger, nullable=False),
    Column("fault_ms", BigInteger, nullable=False),
    Column("served_ms", BigInteger, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("intervals", JSON, nullable=False),
    Column("charges", JSON, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    Column("corrects", _ID),
    Column("log_seq", Integer, nullable=False),
    Column("recorded_at_ms", BigInteger, nullable=False),
    UniqueConstraint("session_id", "revision"),
    Index(None, "partner_id", "recorded_at_ms", "id"),
)

receipts: Final = Table(
    "receipts",
    metadata,
    Column("usage_record_id", _ID, ForeignKey("usage_records.id"), primary_key=True),
    Column("token", Text, nullable=False),
)

webhook_endpoints: Final = Table(
    "webhook_endpoints",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("partner_id", _ID, ForeignKey("partners.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("event_types", JSON(none_as_null=True)),
    Column("secret", String(120), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_reason", _WORD),
    Column("created_at_ms", BigInteger, nullable=False),
)

notices: Final = Table(
    "notices",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("partner_id", _ID, ForeignKey("partners.id"), nullable=False),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", _WORD, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("session_id", "sequence"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("notice_id", _ID, ForeignKey("notices.id"), nullable=False, index=True),
    Column("endpoint_id", _ID, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("partner_id", _ID, ForeignKey("partners.id"), nullable=False),
    Column("state", _WORD, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("due_at_ms", BigInteger),
    Column("tries", Integer, nullable=False),
    Column("attempts", JSON, nullable=False),
    Column("leased_until_ms", BigInteger, nullable=False),
    Column("leased_by", _ID),
    Index(None, "state", "due_at_ms"),
    Index(None, "partner_id", "id"),
    Index(None, "endpoint_id", "id"),
)

jobs: Final = Table(
    "jobs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", _WORD, nullable=False),
    Column("session_id", _ID, ForeignKey("sessions.id"), nullable=False),
    Column("due_at_ms", BigInteger, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("stamp", Integer, nullable=False),
    Column("leased_until_ms", BigInteger, nullable=False),
    Column("leased_by", _ID),
    UniqueConstraint("session_id", "kind"),
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("partner_id", _ID, ForeignKey("partners.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", _HASH, nullable=False),
    Column("began_at_ms", BigInteger, nullable=False, index=True),
    Column("status", Integer),
    Column("body", Text),
)
