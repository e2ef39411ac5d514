"""What the issuers of tokens froze, and how far that was read.

Revision ID: 0006
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "freezes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("tx_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_freezes_asset_id")),
        sa.ForeignKeyConstraint(["address_id"], ["addresses.id"], name=op.f("fk_freezes_address_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freezes")),
        sa.UniqueConstraint(
            "asset_id", "address_id", "tx_hash", "state", name=op.f("uq_freezes_asset_id_address_id_tx_hash_state")
        ),
    )
    op.create_index(op.f("ix_freezes_address_id"), "freezes", ["address_id"], unique=False)
    op.create_table(
        "freeze_heads",
        sa.Column("asset_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.Text(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_freeze_heads_asset_id")),
        sa.PrimaryKeyConstraint("asset_id", "source", name=op.f("pk_freeze_heads")),
    )


def downgrade() -> None:
    op.drop_table("freeze_heads")
    op.drop_table("freezes")
