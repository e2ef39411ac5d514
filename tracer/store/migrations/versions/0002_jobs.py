"""What the standing jobs need: blocks, what a reorg withdrew, leases, runs, screenings.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ["blocks", "leases", "runs", "screenings"]

# As 0001 made it; what a reorg withdrew is left out from here on.
TRANSFERS = """
    CREATE VIEW transfers_text AS
    SELECT t.chain, t.tx_hash, t.block, t.tx_index, m."index", {time} AS time, m.kind,
           s.text AS sender, r.text AS recipient, a.contract AS asset, a.symbol, a.decimals, m.amount, m.outpoint,
           i.text AS initiator, t.ok
    FROM transfers m
    JOIN transactions t ON t.id = m.transaction_id
    JOIN assets a ON a.id = m.asset_id
    LEFT JOIN addresses s ON s.id = m.sender_id
    LEFT JOIN addresses r ON r.id = m.recipient_id
    LEFT JOIN addresses i ON i.id = t.initiator_id"""
STANDING = " WHERE m.withdrawn_at IS NULL"
TIME = {
    "sqlite": "replace(t.at, ' ', 'T') || 'Z'",
    "postgresql": r"""to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"')""",
}


def upgrade() -> None:
    op.execute("DROP VIEW transfers_text")
    op.add_column("transactions", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("transactions", sa.Column("withdrawn_reason", sa.Text(), nullable=True))
    op.add_column("transfers", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    _blocks()
    _jobs()
    _screenings()
    _view(STANDING)


def downgrade() -> None:
    op.execute("DROP VIEW transfers_text")
    for name in reversed(TABLES):
        op.drop_table(name)
    # 0001 cannot say that a row is withdrawn: kept, it would be taken for true
    op.execute("DELETE FROM transfers WHERE withdrawn_at IS NOT NULL")
    op.execute("DELETE FROM transactions WHERE withdrawn_at IS NOT NULL")
    op.drop_column("transfers", "withdrawn_at")
    op.drop_column("transactions", "withdrawn_reason")
    op.drop_column("transactions", "withdrawn_at")
    _view("")


def _view(where: str) -> None:
    op.execute(sa.text(TRANSFERS.format(time=TIME[op.get_bind().dialect.name]) + where))


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_blocks")),
    )


def _jobs() -> None:
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    op.create_index(op.f("ix_runs_job"), "runs", ["job"], unique=False)


def _screenings() -> None:
    op.create_table(
        "screenings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screenings")),
    )
    op.create_index(op.f("ix_screenings_chain_address"), "screenings", ["chain", "address"], unique=False)
