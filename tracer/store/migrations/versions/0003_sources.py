"""What the pull knows of its sources: budgets, learnt limits, final heads, disagreements; and who said which block.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ["budgets", "disagreements", "failures", "heads", "learnt"]


def upgrade() -> None:
    _blocks()
    _budgets()
    _heads()
    _disagreements()


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    _aside("blocks_0003")
    op.create_table(
        "blocks",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_blocks")),
    )
    # 0002 has one hash a number: where sources disagree, one of them
    op.execute("INSERT INTO blocks SELECT chain, number, min(hash) FROM blocks_0003 GROUP BY chain, number")
    op.drop_table("blocks_0003")


def _aside(name: str) -> None:
    """Put the blocks aside under another name, so that a table of their own name can be made."""
    op.execute(f"CREATE TABLE {name} AS SELECT * FROM blocks")
    op.drop_table("blocks")


def _blocks() -> None:
    """Until now all sources of a chain shared its blocks, so each of them said all of them."""
    _aside("blocks_0002")
    op.create_table(
        "blocks",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "source", "number", name=op.f("pk_blocks")),
    )
    op.execute(
        "INSERT INTO blocks SELECT b.chain, s.source, b.number, b.hash FROM blocks_0002 b JOIN"
        " (SELECT DISTINCT a.chain, c.source FROM coverage c JOIN addresses a ON a.id = c.address_id"
        "  WHERE c.block IS NOT NULL) s ON s.chain = b.chain"
    )
    op.drop_table("blocks_0002")


def _budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_budgets")),
    )
    op.create_table(
        "failures",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_failures")),
    )
    op.create_table(
        "learnt",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("blocks", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_learnt")),
    )


def _heads() -> None:
    op.create_table(
        "heads",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("final", sa.BigInteger(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("chain", "source", name=op.f("pk_heads")),
    )


def _disagreements() -> None:
    op.create_table(
        "disagreements",
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("one", sa.Text(), nullable=False),
        sa.Column("one_says", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("other_says", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("claim", name=op.f("pk_disagreements")),
    )
