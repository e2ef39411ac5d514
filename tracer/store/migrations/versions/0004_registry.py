"""Feeds with their versions, why and by whom claims were withdrawn, quarantine of reports.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CLAIMS = ("withdrawn_reason", "withdrawn_by", "feed")


def upgrade() -> None:
    for table in ("labels", "facts"):
        for name in CLAIMS:
            op.add_column(table, sa.Column(name, sa.Text(), nullable=True))
    op.add_column("entities", sa.Column("feed", sa.Text(), nullable=True))
    op.add_column("entities", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "feeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feeds")),
    )
    op.create_index(op.f("ix_feeds_feed"), "feeds", ["feed"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["line"], ["reports.line"], name=op.f("fk_quarantine_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_line"), "quarantine", ["line"], unique=False)


def downgrade() -> None:
    """What is withdrawn stays withdrawn; why it was is lost."""
    op.drop_table("quarantine")
    op.drop_table("feeds")
    op.drop_column("entities", "withdrawn_at")
    op.drop_column("entities", "feed")
    for table in ("labels", "facts"):
        for name in reversed(CLAIMS):
            op.drop_column(table, name)
