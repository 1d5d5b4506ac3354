"""The ledger's tables as the newest migration leaves them. JSON is kept as text, times as ISO 8601 text in UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text

metadata = MetaData()

objects = Table(
    "objects",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("path", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("first_event", BigInteger),  # milliseconds UTC, as in the lake
    Column("last_event", BigInteger),
    Column("ingested_at", Text, nullable=False),
    Column("lake_files", Text, nullable=False),
    Index("objects_path", "path"),
    Index("objects_events", "first_event", "last_event"),
)

refusals = Table(
    "refusals",
    metadata,
    Column("object_uid", Text, ForeignKey("objects.uid"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

matches = Table(
    "matches",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("object_uid", Text, ForeignKey("objects.uid"), nullable=False),
    Column("time", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("source_ip", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("matched", Text, nullable=False),
    Index("matches_rule_time", "rule", "time"),
    Index("matches_object", "object_uid"),
    Index("matches_record", "record_id"),
)

uncorrelated = Table(
    "uncorrelated",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),  # in the order of commits, never used again
    Column("object_uid", Text, ForeignKey("objects.uid"), nullable=False),
    Index("uncorrelated_object", "object_uid"),
    sqlite_autoincrement=True,
)

findings = Table(
    "findings",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("severity_id", Integer, nullable=False),
    Column("tactics", Text, nullable=False),
    Column("techniques", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("source_ip", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_seen", Text, nullable=False),
    Column("last_seen", Text, nullable=False),
    Column("matched", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("class_uid", Integer, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("remediation", Text, nullable=False),
    Index("findings_rule", "rule"),
    Index("findings_last_seen", "last_seen"),
)

finding_records = Table(
    "finding_records",
    metadata,
    Column("finding_uid", Text, ForeignKey("findings.uid"), primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("time", Text, nullable=False),  # the record's, "" if it is not known
    sqlite_with_rowid=False,
)

finding_status = Table(
    "finding_status",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("finding_uid", Text, ForeignKey("findings.uid"), nullable=False),
    Column("at", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Index("finding_status_finding", "finding_uid"),
)

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

discovery_runs = Table(
    "discovery_runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text, nullable=False),  # "" while it runs, and for ever if it was interrupted
    sqlite_autoincrement=True,
)

assets = Table(
    "assets",
    metadata,
    Column("uid", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("tags", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of all of the above
    Column("criticality", Integer),
    Column("seen_account", Text, nullable=False),  # where it was last seen from: another account may share it
    Column("seen_region", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("run", Integer, ForeignKey("discovery_runs.number"), nullable=False),  # the last that saw it
    Column("first_seen", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("gone_at", Text, nullable=False),  # "" while it is there
    Index("assets_type", "type"),
    Index("assets_unit", "seen_account", "seen_region", "service"),
)

asset_history = Table(
    "asset_history",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("uid", Text, ForeignKey("assets.uid"), nullable=False),
    Column("at", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("changes", Text, nullable=False),
    Index("asset_history_uid", "uid"),
)

relations = Table(
    "relations",
    metadata,
    Column("source", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("properties", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Index("relations_target", "target"),
)

discovery_asked = Table(
    "discovery_asked",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("run", Integer, nullable=False),  # the last one
    Column("at", Text, nullable=False),
)

not_evaluated = Table(
    "not_evaluated",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("service", Text, nullable=False),  # "" for what was asked while planning
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Index("not_evaluated_unit", "account", "region", "service"),
)
