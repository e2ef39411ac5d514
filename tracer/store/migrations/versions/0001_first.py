"""The first schema.

Revision ID: 0001
Revises: none
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = [
    "addresses",
    "assets",
    "pages",
    "transactions",
    "transfers",
    "coverage",
    "labels",
    "entities",
    "facts",
    "reports",
    "report_private",
    "cases",
    "case_origins",
    "traces",
    "flags",
    "reviews",
    "audit",
]

# Views read as text, for people with a SQL prompt; {time:column} is that time in ISO-8601, UTC.
VIEWS = {
    "transfers_text": """
        SELECT t.chain, t.tx_hash, t.block, t.tx_index, m."index", {time:t.at} AS time, m.kind,
               s.text AS sender, r.text AS recipient, a.contract AS asset, a.symbol, a.decimals, m.amount, m.outpoint,
               i.text AS initiator, t.ok
        FROM transfers m
        JOIN transactions t ON t.id = m.transaction_id
        JOIN assets a ON a.id = m.asset_id
        LEFT JOIN addresses s ON s.id = m.sender_id
        LEFT JOIN addresses r ON r.id = m.recipient_id
        LEFT JOIN addresses i ON i.id = t.initiator_id""",
    "labels_text": """
        SELECT a.chain, a.text AS address, l.entity, l.category, l.confidence, l.source,
               {time:l.valid_from} AS valid_from, {time:l.valid_to} AS valid_to,
               {time:l.recorded_at} AS recorded_at, {time:l.withdrawn_at} AS withdrawn_at
        FROM labels l JOIN addresses a ON a.id = l.address_id""",
    "reports_text": """
        SELECT r.report_id, a.chain, a.text AS address, r.tx_hash, s.contract AS asset, r.amount, {time:r.time} AS time,
               {time:r.recorded_at} AS recorded_at
        FROM reports r
        JOIN addresses a ON a.id = r.address_id
        LEFT JOIN assets s ON s.id = r.asset_id""",
    "origins_text": """
        SELECT c.id AS case_id, c.name AS case_name, o.position, a.chain, a.text AS address, s.contract AS asset,
               o.tx_hash, o.amount, {time:o.since} AS since, o.report_ids
        FROM case_origins o
        JOIN cases c ON c.id = o.case_id
        JOIN addresses a ON a.id = o.address_id
        LEFT JOIN assets s ON s.id = o.asset_id""",
    "coverage_text": """
        SELECT a.chain, a.text AS address, c.source, c.state, c.reason, c.cursor, c.block, c.block_hash,
               {time:c.at} AS at
        FROM coverage c JOIN addresses a ON a.id = c.address_id""",
    # a review speaks of one version: the newest review of the newest version is what the flag is now
    "flags_text": """
        SELECT f.flag_id, f.version, c.name AS case_name, f.rule, f.rule_version, a.chain, a.text AS address, f.entity,
               f.severity,
               COALESCE((SELECT r.state FROM reviews r WHERE r.flag_id = f.flag_id AND r.version = f.version
                         ORDER BY r.id DESC LIMIT 1), f.state) AS state,
               f.reason, {time:f.recorded_at} AS recorded_at
        FROM flags f
        JOIN cases c ON c.id = f.case_id
        JOIN addresses a ON a.id = f.address_id
        WHERE f.version = (SELECT MAX(v.version) FROM flags v WHERE v.flag_id = f.flag_id)""",
    "reviews_text": """
        SELECT r.flag_id, r.version, r.state, r.note, r.actor, {time:r.at} AS at FROM reviews r""",
    "audit_text": """
        SELECT w.seq, {time:w.at} AS at, w.actor, w.act, w.subject, w.detail, w.hash FROM audit w""",
}
TIME = {
    "sqlite": r"replace(\1, ' ', 'T') || 'Z'",
    "postgresql": r"""to_char(\1 AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
}


def upgrade() -> None:
    _chain_data()
    _claims()
    _work()
    time = TIME[op.get_bind().dialect.name]
    for name, query in VIEWS.items():
        op.execute(sa.text(f"CREATE VIEW {name} AS " + re.sub(r"\{time:([\w.]+)\}", time, query).replace(":", r"\:")))


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    for name in reversed(TABLES):
        op.drop_table(name)


def _chain_data() -> None:
    op.create_table(
        "addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
        sa.UniqueConstraint("chain", "text", name=op.f("uq_addresses_chain_text")),
    )
    op.create_table(
        "assets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("decimals", sa.BigInteger(), nullable=True),
        sa.Column("on_chain", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
        sa.UniqueConstraint("chain", "contract", name=op.f("uq_assets_chain_contract")),
    )
    op.create_table(
        "pages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pages")),
        sa.UniqueConstraint("source", "sequence", "sha256", name=op.f("uq_pages_source_sequence_sha256")),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("tx_index", sa.BigInteger(), nullable=True),
        sa.Column("initiator_id", sa.Integer(), nullable=True),
        sa.Column("to_id", sa.Integer(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("page_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["initiator_id"], ["addresses.id"], name=op.f("fk_transactions_initiator_id")),
        sa.ForeignKeyConstraint(["page_id"], ["pages.id"], name=op.f("fk_transactions_page_id")),
        sa.ForeignKeyConstraint(["to_id"], ["addresses.id"], name=op.f("fk_transactions_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("chain", "tx_hash", name=op.f("uq_transactions_chain_tx_hash")),
    )
    op.create_table(
        "transfers",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("transaction_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("sender_id", sa.Integer(), nullable=True),
        sa.Column("recipient_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("index", sa.BigInteger(), nullable=True),
        sa.Column("outpoint", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_transfers_asset_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["addresses.id"], name=op.f("fk_transfers_recipient_id")),
        sa.ForeignKeyConstraint(["sender_id"], ["addresses.id"], name=op.f("fk_transfers_sender_id")),
        sa.ForeignKeyConstraint(["transaction_id"], ["transactions.id"], name=op.f("fk_transfers_transaction_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_transfers")),
    )
    op.create_index(op.f("ix_transfers_recipient_id"), "transfers", ["recipient_id"], unique=False)
    op.create_index(op.f("ix_transfers_sender_id"), "transfers", ["sender_id"], unique=False)
    op.create_index(op.f("ix_transfers_transaction_id"), "transfers", ["transaction_id"], unique=False)

    op.create_table(
        "coverage",
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_coverage_address_id")),
        sa.PrimaryKeyConstraint("address_id", "source", name=op.f("pk_coverage")),
    )


def _claims() -> None:
    op.create_table(
        "labels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_labels_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
    )
    op.create_index(op.f("ix_labels_address_id"), "labels", ["address_id"], unique=False)
    op.create_index(
        "uq_labels_claim",
        "labels",
        ["claim"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "entities",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entities")),
    )
    op.create_table(
        "facts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["entities.id"], name=op.f("fk_facts_entity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facts")),
    )
    op.create_index(op.f("ix_facts_entity_id"), "facts", ["entity_id"], unique=False)
    op.create_index(
        "uq_facts_claim",
        "facts",
        ["claim"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "reports",
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=True),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_reports_address_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_reports_asset_id")),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_reports")),
    )
    op.create_index(op.f("ix_reports_report_id"), "reports", ["report_id"], unique=False)
    op.create_index(op.f("ix_reports_address_id"), "reports", ["address_id"], unique=False)
    op.create_table(
        "report_private",
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["line"], ["reports.line"], name=op.f("fk_report_private_line")),
        sa.PrimaryKeyConstraint("line", name=op.f("pk_report_private")),
    )


def _work() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("name", name=op.f("uq_cases_name")),
    )
    op.create_table(
        "case_origins",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=True),
        sa.Column("tx_hash", sa.Text(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report_ids", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_case_origins_address_id")),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_case_origins_asset_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_origins_case_id")),
        sa.PrimaryKeyConstraint("case_id", "position", name=op.f("pk_case_origins")),
    )
    op.create_index(op.f("ix_case_origins_address_id"), "case_origins", ["address_id"], unique=False)
    op.create_table(
        "traces",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=False),
        sa.Column("result", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_traces_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traces")),
        sa.UniqueConstraint("case_id", "digest", name=op.f("uq_traces_case_id_digest")),
    )
    op.create_table(
        "flags",
        sa.Column("flag_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.BigInteger(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_flags_address_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_flags_case_id")),
        sa.PrimaryKeyConstraint("flag_id", "version", name=op.f("pk_flags")),
        sa.UniqueConstraint(
            "case_id", "rule", "address_id", "version", name=op.f("uq_flags_case_id_rule_address_id_version")
        ),
    )
    op.create_index(op.f("ix_flags_address_id"), "flags", ["address_id"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("flag_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["flag_id", "version"], ["flags.flag_id", "flags.version"], name=op.f("fk_reviews_flag_id_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_flag_id"), "reviews", ["flag_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
