"""Every table of the store, once. `migrations/` builds them; a test holds both equal.

The classes declare; the lower-case tables at the end are what statements are made of.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, MetaData, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from tracer.store.types import Digits, Exact, Json, Moment, Name, Packed, Prose, Whole

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """Metadata of our own, so that constraints have the same names on both engines."""

    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


# --- what the chains say ----------------------------------------------------------------------------------------------


class AddressRow(Base, table=True):
    """An address, interned: elsewhere it is this number."""

    __tablename__ = "addresses"
    __table_args__ = (UniqueConstraint("chain", "text"),)
    id: int | None = Field(default=None, primary_key=True)
    chain: str = Field(sa_type=Name)
    text: str = Field(sa_type=Name)


class AssetRow(Base, table=True):
    """An asset, interned. Symbol "" and decimals None: nobody has described it yet."""

    __tablename__ = "assets"
    __table_args__ = (UniqueConstraint("chain", "contract"),)
    id: int | None = Field(default=None, primary_key=True)
    chain: str = Field(sa_type=Name)
    contract: str = Field(sa_type=Name)
    symbol: str = Field(default="", sa_type=Prose)
    decimals: int | None = Field(default=None, sa_type=Whole)
    on_chain: bool = True


class PageRow(Base, table=True):
    """One raw reply or part of a file, unchanged. `sha256` (hex) and `size` (bytes) are of the raw content."""

    __tablename__ = "pages"
    __table_args__ = (UniqueConstraint("source", "sequence", "sha256"),)
    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(sa_type=Name)
    kind: str = Field(sa_type=Prose)
    name: str = Field(sa_type=Prose)
    sequence: int = Field(sa_type=Whole)
    sha256: str = Field(sa_type=Name)
    size: int = Field(sa_type=Whole)
    raw: bytes = Field(sa_type=Packed)
    recorded_at: datetime = Field(sa_type=Moment)


class TransactionRow(Base, table=True):
    """A transaction; `page_id` is the page it was first read from, since it was withdrawn last if it ever was."""

    __tablename__ = "transactions"
    __table_args__ = (UniqueConstraint("chain", "tx_hash"),)
    id: int | None = Field(default=None, primary_key=True)
    chain: str = Field(sa_type=Name)
    tx_hash: str = Field(sa_type=Name)
    at: datetime = Field(sa_type=Moment)
    block: int | None = Field(default=None, sa_type=Whole)
    tx_index: int | None = Field(default=None, sa_type=Whole)
    initiator_id: int | None = Field(default=None, foreign_key="addresses.id")
    to_id: int | None = Field(default=None, foreign_key="addresses.id")
    ok: bool
    whole: bool
    page_id: int | None = Field(default=None, foreign_key="pages.id")
    withdrawn_at: datetime | None = Field(default=None, sa_type=Moment)
    withdrawn_reason: str | None = Field(default=None, sa_type=Prose)


class TransferRow(Base, table=True):
    """A transfer. `key`: first 16 bytes of the SHA-256 of its id; `n`: the last part of the id, the rest is here.

    Withdrawn with its transaction; when that is mined again, the transfers that are seen again stand again.
    """

    __tablename__ = "transfers"
    key: bytes = Field(primary_key=True, sa_type=LargeBinary)
    transaction_id: int = Field(foreign_key="transactions.id", index=True)
    kind: str = Field(sa_type=Name)
    asset_id: int = Field(foreign_key="assets.id")
    sender_id: int | None = Field(default=None, foreign_key="addresses.id", index=True)
    recipient_id: int | None = Field(default=None, foreign_key="addresses.id", index=True)
    amount: int = Field(sa_type=Digits)
    n: int = Field(sa_type=Whole)
    index: int | None = Field(default=None, sa_type=Whole)
    outpoint: str | None = Field(default=None, sa_type=Name)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Moment)


class BlockRow(Base, table=True):
    """A block that a source has read from, with the hash that this source gave it; a reorg forgets it."""

    __tablename__ = "blocks"
    chain: str = Field(primary_key=True, sa_type=Name)
    source: str = Field(primary_key=True, sa_type=Name)
    number: int = Field(primary_key=True, sa_type=Whole)
    hash: str = Field(sa_type=Name)


class PriceRow(Base, table=True):
    """What an asset was worth in an hour, by a source; `usd` None: it knew no price when it was asked last."""

    __tablename__ = "prices"
    asset_id: int = Field(primary_key=True, foreign_key="assets.id")
    asked: datetime = Field(primary_key=True, sa_type=Moment)
    source: str = Field(primary_key=True, sa_type=Name)
    usd: Decimal | None = Field(default=None, sa_type=Exact)
    at: datetime | None = Field(default=None, sa_type=Moment)
    confidence: Decimal | None = Field(default=None, sa_type=Exact)
    recorded_at: datetime = Field(sa_type=Moment)


class CoverageRow(Base, table=True):
    """How far an address was read from a source: the present, one row each."""

    __tablename__ = "coverage"
    address_id: int = Field(primary_key=True, foreign_key="addresses.id")
    source: str = Field(primary_key=True, sa_type=Name)
    state: str = Field(sa_type=Name)
    reason: str = Field(sa_type=Prose)
    cursor: str | None = Field(default=None, sa_type=Prose)
    block: int | None = Field(default=None, sa_type=Whole)
    block_hash: str | None = Field(default=None, sa_type=Name)
    at: datetime = Field(sa_type=Moment)


class LogRow(Base, table=True):
    """What a contract said by an event; withdrawn if the chain it was read from is gone."""

    __tablename__ = "logs"
    __table_args__ = (UniqueConstraint("contract_id", "tx_hash", "position"),)
    id: int | None = Field(default=None, primary_key=True)
    contract_id: int = Field(foreign_key="addresses.id")
    tx_hash: str = Field(sa_type=Name)
    position: int = Field(sa_type=Whole)
    block: int = Field(sa_type=Whole)
    at: datetime = Field(sa_type=Moment)
    topics: str = Field(sa_type=Prose)
    data: str = Field(sa_type=Prose)
    initiator_id: int | None = Field(default=None, foreign_key="addresses.id")
    gas_price: int | None = Field(default=None, sa_type=Digits)
    source: str = Field(sa_type=Name)
    recorded_at: datetime = Field(sa_type=Moment)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Moment)


class LogHeadRow(Base, table=True):
    """How far a source read a contract's logs: the present, one row each. `since`: the first block that was read."""

    __tablename__ = "log_heads"
    contract_id: int = Field(primary_key=True, foreign_key="addresses.id")
    source: str = Field(primary_key=True, sa_type=Name)
    cursor: str | None = Field(default=None, sa_type=Prose)
    block: int | None = Field(default=None, sa_type=Whole)
    block_hash: str | None = Field(default=None, sa_type=Name)
    since: int = Field(sa_type=Whole)
    done: bool
    at: datetime = Field(sa_type=Moment)


# --- what is known of sources -----------------------------------------------------------------------------------------


class BudgetRow(Base, table=True):
    """What a provider was asked under one name: when the next call may begin, and how many were made on a day (UTC).

    `free_microseconds`: since 1970, so that one statement can reckon with it on both engines.
    """

    __tablename__ = "budgets"
    name: str = Field(primary_key=True, sa_type=Name)
    free_microseconds: int = Field(sa_type=Whole)
    day: str = Field(sa_type=Name)
    calls: int = Field(sa_type=Whole)


class FailureRow(Base, table=True):
    """What went wrong last with a source or a budget, by its name."""

    __tablename__ = "failures"
    name: str = Field(primary_key=True, sa_type=Name)
    error: str = Field(sa_type=Prose)
    at: datetime = Field(sa_type=Moment)


class LearntRow(Base, table=True):
    """How many blocks turned out to be given at once to who asks under a budget's name."""

    __tablename__ = "learnt"
    name: str = Field(primary_key=True, sa_type=Name)
    blocks: int = Field(sa_type=Whole)
    at: datetime = Field(sa_type=Moment)


class HeadRow(Base, table=True):
    """The newest block that a source called final, and the newest one that it was read to."""

    __tablename__ = "heads"
    chain: str = Field(primary_key=True, sa_type=Name)
    source: str = Field(primary_key=True, sa_type=Name)
    final: int = Field(sa_type=Whole)
    read: int = Field(sa_type=Whole)
    at: datetime = Field(sa_type=Moment)


class DisagreementRow(Base, table=True):
    """Two sources that do not say the same of a final block, append-only. `claim` is the SHA-256 of the rest."""

    __tablename__ = "disagreements"
    claim: bytes = Field(primary_key=True, sa_type=LargeBinary)
    chain: str = Field(sa_type=Name)
    kind: str = Field(sa_type=Name)
    subject: str = Field(sa_type=Name)
    one: str = Field(sa_type=Name)
    one_says: str = Field(sa_type=Prose)
    other: str = Field(sa_type=Name)
    other_says: str = Field(sa_type=Prose)
    recorded_at: datetime = Field(sa_type=Moment)


# --- what people and lists say ----------------------------------------------------------------------------------------

_STANDS = text("withdrawn_at IS NULL")


class LabelRow(Base, table=True):
    """A claim about an address, append-only. `claim` is its SHA-256: at most one standing row says the same."""

    __tablename__ = "labels"
    __table_args__ = (Index("uq_labels_claim", "claim", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),)
    id: int | None = Field(default=None, primary_key=True)
    claim: bytes = Field(sa_type=LargeBinary)
    address_id: int = Field(foreign_key="addresses.id", index=True)
    entity: str = Field(sa_type=Prose)
    category: str = Field(sa_type=Name)
    confidence: Decimal = Field(sa_type=Exact)
    source: str = Field(sa_type=Prose)
    valid_from: datetime | None = Field(default=None, sa_type=Moment)
    valid_to: datetime | None = Field(default=None, sa_type=Moment)
    recorded_at: datetime = Field(sa_type=Moment)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Moment)
    withdrawn_reason: str | None = Field(default=None, sa_type=Prose)
    withdrawn_by: str | None = Field(default=None, sa_type=Prose)
    feed: str | None = Field(default=None, sa_type=Name)


class EntityRow(Base, table=True):
    """An entity as it is described now; `body` holds aliases, jurisdictions, successor_of and note.

    One that its feed no longer describes is withdrawn, unless facts on it stand.
    """

    __tablename__ = "entities"
    id: str = Field(primary_key=True, sa_type=Name)
    name: str = Field(sa_type=Prose)
    kind: str = Field(sa_type=Prose)
    body: Any = Field(sa_type=Json)
    feed: str | None = Field(default=None, sa_type=Name)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Moment)


class FactRow(Base, table=True):
    """A fact on an entity, append-only like a label; `body` is the whole fact."""

    __tablename__ = "facts"
    __table_args__ = (Index("uq_facts_claim", "claim", unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS),)
    id: int | None = Field(default=None, primary_key=True)
    claim: bytes = Field(sa_type=LargeBinary)
    entity_id: str = Field(foreign_key="entities.id", index=True, sa_type=Name)
    kind: str = Field(sa_type=Prose)
    body: Any = Field(sa_type=Json)
    recorded_at: datetime = Field(sa_type=Moment)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Moment)
    withdrawn_reason: str | None = Field(default=None, sa_type=Prose)
    withdrawn_by: str | None = Field(default=None, sa_type=Prose)
    feed: str | None = Field(default=None, sa_type=Name)


class FeedRow(Base, table=True):
    """One version of a feed that was taken in, append-only; `feed` is its name, with the file's where it has several.

    `sha256`: of the file. Counts are of what it changed here, as in the act's audit row.
    """

    __tablename__ = "feeds"
    id: int | None = Field(default=None, primary_key=True)
    feed: str = Field(index=True, sa_type=Name)
    version: str = Field(sa_type=Prose)
    sha256: str = Field(sa_type=Name)
    licence: str = Field(sa_type=Prose)
    url: str | None = Field(default=None, sa_type=Prose)
    counts: Any = Field(sa_type=Json)
    recorded_at: datetime = Field(sa_type=Moment)


class ReportRow(Base, table=True):
    """One line of a report, without who made it."""

    __tablename__ = "reports"
    line: bytes = Field(primary_key=True, sa_type=LargeBinary)
    report_id: str = Field(index=True, sa_type=Name)
    address_id: int = Field(foreign_key="addresses.id", index=True)
    tx_hash: str | None = Field(default=None, sa_type=Name)
    asset_id: int | None = Field(default=None, foreign_key="assets.id")
    amount: int | None = Field(default=None, sa_type=Digits)
    time: datetime | None = Field(default=None, sa_type=Moment)
    recorded_at: datetime = Field(sa_type=Moment)


class QuarantineRow(Base, table=True):
    """Whether a line of a report may originate taint, append-only: the newest row of a line is what holds."""

    __tablename__ = "quarantine"
    id: int | None = Field(default=None, primary_key=True)
    line: bytes = Field(foreign_key="reports.line", index=True, sa_type=LargeBinary)
    held: bool
    reason: str = Field(sa_type=Prose)
    actor: str = Field(sa_type=Prose)
    at: datetime = Field(sa_type=Moment)


class ReportPrivateRow(Base, table=True):
    """Who made a report and what they wrote; enters no view, audit row, digest or export."""

    __tablename__ = "report_private"
    line: bytes = Field(primary_key=True, foreign_key="reports.line", sa_type=LargeBinary)
    reporter: str = Field(sa_type=Prose)
    note: str = Field(sa_type=Prose)


# --- work -------------------------------------------------------------------------------------------------------------


class CaseRow(Base, table=True):
    """A piece of work."""

    __tablename__ = "cases"
    id: str = Field(primary_key=True, sa_type=Name)
    name: str = Field(unique=True, sa_type=Name)
    method: str = Field(sa_type=Name)
    state: str = Field(sa_type=Name)
    opened_at: datetime = Field(sa_type=Moment)


class CaseOriginRow(Base, table=True):
    """What a case says is dirty, in the order it was said."""

    __tablename__ = "case_origins"
    case_id: str = Field(primary_key=True, foreign_key="cases.id", sa_type=Name)
    position: int = Field(primary_key=True, sa_type=Whole)
    address_id: int = Field(foreign_key="addresses.id", index=True)
    asset_id: int | None = Field(default=None, foreign_key="assets.id")
    tx_hash: str | None = Field(default=None, sa_type=Name)
    amount: int | None = Field(default=None, sa_type=Digits)
    since: datetime | None = Field(default=None, sa_type=Moment)
    report_ids: Any = Field(sa_type=Json)


class TraceRow(Base, table=True):
    """One immutable run. The highest `turn` of a case is its newest result: an older one found again moves up."""

    __tablename__ = "traces"
    __table_args__ = (UniqueConstraint("case_id", "digest"),)
    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="cases.id", sa_type=Name)
    turn: int = Field(sa_type=Whole)
    digest: str = Field(sa_type=Name)
    engine: str = Field(sa_type=Name)
    method: str = Field(sa_type=Name)
    settings: Any = Field(sa_type=Json)
    stopped: Any = Field(sa_type=Json)
    result: bytes = Field(sa_type=Packed)
    created_at: datetime = Field(sa_type=Moment)


class FlagRow(Base, table=True):
    """One version of a flag, append-only. The newest version and its newest review say what it is now."""

    __tablename__ = "flags"
    __table_args__ = (UniqueConstraint("case_id", "rule", "address_id", "version"),)
    flag_id: str = Field(primary_key=True, sa_type=Name)
    version: int = Field(primary_key=True, sa_type=Whole)
    case_id: str = Field(foreign_key="cases.id", sa_type=Name)
    rule: str = Field(sa_type=Name)
    rule_version: int = Field(sa_type=Whole)
    address_id: int = Field(foreign_key="addresses.id", index=True)
    entity: str | None = Field(default=None, sa_type=Prose)
    severity: str = Field(sa_type=Name)
    state: str = Field(sa_type=Name)
    body: Any = Field(sa_type=Json)
    reason: str = Field(sa_type=Prose)
    recorded_at: datetime = Field(sa_type=Moment)


class ReviewRow(Base, table=True):
    """What a person made of a flag, append-only; `version` is the one they looked at."""

    __tablename__ = "reviews"
    __table_args__ = (ForeignKeyConstraint(["flag_id", "version"], ["flags.flag_id", "flags.version"]),)
    id: int | None = Field(default=None, primary_key=True)
    flag_id: str = Field(index=True, sa_type=Name)
    version: int = Field(sa_type=Whole)
    state: str = Field(sa_type=Name)
    note: str = Field(sa_type=Prose)
    actor: str = Field(sa_type=Prose)
    at: datetime = Field(sa_type=Moment)


class ScreeningRow(Base, table=True):
    """One answered question about an address, append-only; `asked` is how it was written, `answer` JSON."""

    __tablename__ = "screenings"
    __table_args__ = (Index("ix_screenings_chain_address", "chain", "address"),)
    id: int | None = Field(default=None, primary_key=True)
    asked: str = Field(sa_type=Prose)
    chain: str = Field(sa_type=Name)
    address: str = Field(sa_type=Name)
    at: datetime = Field(sa_type=Moment)
    actor: str = Field(sa_type=Prose)
    answer: str = Field(sa_type=Prose)


class AuditRow(Base, table=True):
    """One act. `hash` covers the row and `previous`, the hash of the row before."""

    __tablename__ = "audit"
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Moment)
    actor: str = Field(sa_type=Prose)
    act: str = Field(sa_type=Prose)
    subject: str = Field(sa_type=Prose)
    detail: Any = Field(sa_type=Json)
    previous: str = Field(sa_type=Name)
    hash: str = Field(sa_type=Name)


# --- jobs -------------------------------------------------------------------------------------------------------------


class LeaseRow(Base, table=True):
    """Who may do what only one may do at a time, and until when."""

    __tablename__ = "leases"
    name: str = Field(primary_key=True, sa_type=Name)
    holder: str = Field(sa_type=Name)
    until: datetime = Field(sa_type=Moment)


class RunRow(Base, table=True):
    """One run of a job. Without `ended_at` and `result` it is under way, or its process is gone."""

    __tablename__ = "runs"
    id: int | None = Field(default=None, primary_key=True)
    job: str = Field(index=True, sa_type=Name)
    holder: str = Field(sa_type=Name)
    started_at: datetime = Field(sa_type=Moment)
    ended_at: datetime | None = Field(default=None, sa_type=Moment)
    result: str | None = Field(default=None, sa_type=Prose)
    error: str | None = Field(default=None, sa_type=Prose)


METADATA = Base.metadata


def _table(name: str) -> Table:
    return METADATA.tables[name]


addresses = _table("addresses")
assets = _table("assets")
pages = _table("pages")
transactions = _table("transactions")
transfers = _table("transfers")
blocks = _table("blocks")
prices = _table("prices")
budgets = _table("budgets")
failures = _table("failures")
learnt = _table("learnt")
heads = _table("heads")
disagreements = _table("disagreements")
coverage = _table("coverage")
logs = _table("logs")
log_heads = _table("log_heads")
labels = _table("labels")
entities = _table("entities")
facts = _table("facts")
feeds = _table("feeds")
reports = _table("reports")
quarantine = _table("quarantine")
report_private = _table("report_private")
cases = _table("cases")
case_origins = _table("case_origins")
traces = _table("traces")
flags = _table("flags")
reviews = _table("reviews")
screenings = _table("screenings")
audit = _table("audit")
leases = _table("leases")
runs = _table("runs")
