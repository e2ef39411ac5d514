"""The store: open it, act on it, ask it. Everything it answers is sorted here, never by the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import URL, Connection, Engine, func, select

from tracer.errors import StoreError
from tracer.model import (
    Address,
    Asset,
    AssetId,
    Case,
    Checkpoint,
    Entity,
    FlagState,
    Label,
    Log,
    Price,
    Report,
    Transaction,
)
from tracer.store import (
    audit,
    blocks,
    cases,
    claims,
    columns,
    engine,
    feeds,
    flags,
    jobs,
    logs,
    pages,
    prices,
    reports,
    screenings,
    sources,
    tables,
    transfers,
)
from tracer.store.rows import (
    Audit,
    Disagreement,
    Failure,
    FeedVersion,
    Flag,
    Head,
    Hold,
    LogHead,
    Page,
    Read,
    Run,
    Screening,
    Spent,
    Stated,
    Status,
    Trace,
)
from tracer.store.work import Work

if TYPE_CHECKING:
    from tracer.taint.kernel.history import History

LOG = logging.getLogger("tracer.store")
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Everything Tracer keeps. Safe to share between threads. Every method raises StoreError if the database fails."""

    def __init__(self, url: URL, opened: Engine, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._engine = opened
        # a read made of several queries must see one moment; a writer must see what the one before it wrote
        snapshot = {"isolation_level": "REPEATABLE READ"} if opened.dialect.name == "postgresql" else {}
        self._reader = opened.execution_options(**snapshot)
        self._writer = opened.execution_options(**engine.WRITES)
        self._uncounted = sources.Uncounted()

    @classmethod
    def open(cls, url: str, clock: Clock = _now) -> Self:
        """Open, making or upgrading the schema where needed. Raises ConfigError with the remedy.

        `url`: sqlite:///FILE, postgres://… or postgresql://…; `clock` gives the aware time that is recorded.
        """
        parsed = engine.parse(url)
        return cls(parsed, engine.connect(parsed), clock)

    def close(self) -> None:
        """Give all connections back; the store cannot be used afterwards."""
        try:
            for name, calls in self._uncounted.rest().items():
                self._counted(name, self._clock(), calls)
        except StoreError as error:  # who closes has nothing left to do about a count
            LOG.warning("the last calls were not counted: %s", error)
        finally:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({engine.shown(self._url)})"

    @contextmanager
    def act(self, actor: str, act: str, subject: str, **detail: Any) -> Iterator[Work]:
        """One act by one actor: what is written through the Work is kept with one audit row, or nothing is.

        An exception inside keeps nothing; neither does an act that wrote nothing new. Writers wait for each other.
        `detail`: JSON values for the audit row, never a reporter or a note.
        """
        with self._write() as db:
            engine.lock(db)
            work = Work(db, self._clock(), actor, detail)
            yield work
            if work.changed:
                audit.append(db, work.at, actor=actor, act=act, subject=subject, detail=work.detail)
            else:
                db.rollback()

    @contextmanager
    def pages(self) -> Iterator[Work]:
        """What a source said, kept in one commit. Pages are no acts: the pull that read them leaves the audit row."""
        with self._write() as db:
            engine.lock(db)
            yield Work(db, self._clock(), "", {})

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with engine.speaking(self._url), self._writer.begin() as db:
            yield db

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with engine.speaking(self._url), self._reader.begin() as db:
            yield db

    # --- the store itself

    def status(self) -> Status:
        """The schema's revision, the newest one known, and rows per table."""
        with self._read() as db:
            counts = {
                name: db.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in sorted(tables.METADATA.tables.items())
            }
            return Status(engine.revision(db), engine.head(), counts)

    def audit(self) -> list[Audit]:
        """Every act, oldest first."""
        with self._read() as db:
            return audit.rows(db)

    def last_act(self, act: str, subject: str) -> Mapping[str, Any]:
        """What the newest such act's audit row says beside; nothing if there was none."""
        with self._read() as db:
            return audit.detail(db, act, subject)

    def verify_audit(self) -> int | None:
        """The number of the first act that was changed or is missing; None if the chain of hashes holds.

        Acts cut off at the end cannot be seen: compare the last hash with one kept elsewhere.
        """
        with self._read() as db:
            return audit.first_bad(db)

    def inputs_version(self) -> str:
        """A text that changes whenever something a trace reads was added, withdrawn or read further."""
        with self._read() as db:
            return pages.inputs_version(db)

    # --- what the chains say

    def recipients(self, addresses: Collection[Address]) -> list[Address]:
        """Which of these addresses anything was paid to."""
        with self._read() as db:
            return transfers.recipients(db, addresses)

    def transactions_of(self, addresses: Collection[Address]) -> list[Transaction]:
        """The transactions in which one of these sends or receives, each with all its transfers, in order.

        Here as everywhere, what a reorg withdrew is left out, except where it is asked for (`withdrawn`).
        """
        with self._read() as db:
            return transfers.touching(db, addresses)

    def weight(self, addresses: Collection[Address], enough: int) -> int:
        """How many transfers these sent and received, one between two of them counted twice.

        Not counted further where that is known to be `enough`.
        """
        with self._read() as db:
            return columns.weight(db, addresses, enough)

    def history(self, addresses: Collection[Address], hashes: Collection[tuple[str, str]]) -> History | None:
        """The same transactions as of `transactions_of` and `transactions`, as columns, each value made when it is
        asked for. None where columns cannot hold them: on bitcoin, or where an amount is 2**127 or more.
        """
        with self._read() as db:
            return columns.columns(db, addresses, hashes)

    def transactions(self, hashes: Collection[tuple[str, str]]) -> list[Transaction]:
        """Those of these (chain, tx_hash) that are stored, each with all its transfers, in order."""
        with self._read() as db:
            return transfers.named(db, hashes)

    def withdrawn(self, hashes: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[int | None, str, datetime]]:
        """Those of these (chain, tx_hash) that a reorg withdrew: the block each was in, the reason, and when."""
        with self._read() as db:
            return transfers.withdrawn(db, hashes)

    def blocks(self, chain: str, source: str, limit: int = 1000, upto: int | None = None) -> list[tuple[int, str]]:
        """The (number, hash) of so many blocks that a source was read from, the highest first; `upto`: none above."""
        with self._read() as db:
            return blocks.newest(db, chain, source, limit, upto)

    def blocks_by_source(self, chain: str, numbers: Collection[int]) -> list[tuple[str, int, str]]:
        """Which source gave which hash to each of these blocks, (source, number, hash)."""
        with self._read() as db:
            return blocks.by_source(db, chain, numbers)

    def block_sources(self, chain: str) -> list[str]:
        """The names of the sources that blocks of a chain were read from."""
        with self._read() as db:
            return blocks.sources(db, chain)

    def heads(self, chain: str | None = None) -> list[Head]:
        """How far each source is final and was read, by chain and source."""
        with self._read() as db:
            return sources.all_heads(db, chain)

    def unconfirmed(self) -> set[tuple[str, str]]:
        """The standing (chain, tx_hash) that lie above what the source they were read from calls final."""
        with self._read() as db:
            return sources.unconfirmed(db)

    def assets(self, ids: Collection[AssetId] | None = None) -> list[Asset]:
        """These assets, or all, by id. `listed` is what the chain's list says today."""
        with self._read() as db:
            return pages.described(db, ids)

    def prices(self, assets: Collection[AssetId]) -> list[Price]:
        """All that is kept of what these assets were worth, by asset, hour and source."""
        with self._read() as db:
            return prices.known(db, assets)

    def prices_to_ask(
        self, source: str, wanted: Collection[tuple[AssetId, datetime]]
    ) -> list[tuple[AssetId, datetime]]:
        """Those of these (asset, hour) that a source has to be asked for: never asked, or without a price a day ago."""
        with self._read() as db:
            return prices.to_ask(db, self._clock(), source, wanted)

    def page(self, page_id: int) -> Page:
        """A page with its raw content. Raises NotFound."""
        with self._read() as db:
            return pages.page(db, page_id)

    def page_ids(self, source: str | None = None, name: str | None = None, kind: str | None = None) -> list[int]:
        """The ids of all pages, or of one source's, of that name, of that kind, oldest first."""
        with self._read() as db:
            return pages.page_ids(db, source, name, kind)

    def transactions_from(self, source: str | None = None) -> list[tuple[str, str]]:
        """The standing transactions, (chain, tx_hash), that rest on a reply of a source, or of any."""
        with self._read() as db:
            return transfers.read_from(db, source)

    def coverage(self, addresses: Collection[Address] | None = None) -> list[Read]:
        """What each source has said about these addresses, or all, by address and source. None read: no row."""
        with self._read() as db:
            return pages.read(db, addresses)

    def checkpoints(self, source: str, chain: str) -> dict[Address, Checkpoint]:
        """How far a source was read for each address of a chain that it was asked for, by address."""
        with self._read() as db:
            return pages.checkpoints(db, source, chain)

    def logs(self, contracts: Collection[Address] | None = None) -> list[Log]:
        """What these contracts, or all, said by events, in the order of the chain."""
        with self._read() as db:
            return logs.of_contracts(db, contracts)

    def log_heads(self) -> list[LogHead]:
        """How far the logs of each contract were read, by contract and source; what is not named was not read."""
        with self._read() as db:
            return logs.heads(db)

    # --- what people and lists say

    def labels(self, addresses: Collection[Address] | None = None, history: bool = False) -> list[Label]:
        """The standing labels of these addresses, or all, by address; with `history` the withdrawn ones too."""
        with self._read() as db:
            return claims.standing_labels(db, addresses, history)

    def entities(self, at: datetime | None = None) -> list[Entity]:
        """Every entity by id, each with the facts that stand, or that stood at a moment."""
        with self._read() as db:
            return claims.all_entities(db, at)

    def reports(self, ids: Collection[str] | None = None) -> list[Report]:
        """These reports, or all, by id."""
        with self._read() as db:
            return reports.all_reports(db, ids)

    def facts(self, entities: Collection[str] | None = None) -> list[Stated]:
        """Every fact on these entities (ids), or on all, the withdrawn ones too, with their history."""
        with self._read() as db:
            return claims.stated(db, entities)

    def feed_claims(self, feed: str) -> tuple[list[Label], list[Entity]]:
        """What a feed says now: its labels, and the entities that it describes or says facts on, with its facts."""
        with self._read() as db:
            return feeds.claims_of(db, feed)

    def feeds(self) -> list[FeedVersion]:
        """Every version of every feed that was taken in, oldest first."""
        with self._read() as db:
            return feeds.versions(db)

    def holds(self, ids: Collection[str] | None = None) -> list[Hold]:
        """What was said last of each line of these reports, or of all, that was ever held in quarantine."""
        with self._read() as db:
            return reports.holds(db, ids)

    def dealings(self, address: Address) -> tuple[int, bool]:
        """How many others an address dealt with in what is stored, and whether it is an asset's contract there."""
        with self._read() as db:
            return reports.dealings(db, address)

    # --- work

    def cases(self) -> list[Case]:
        """Every case, by name."""
        with self._read() as db:
            return cases.all_cases(db)

    def case(self, name_or_id: str) -> Case:
        """The case of that name or id. Raises NotFound."""
        with self._read() as db:
            return cases.one_case(db, name_or_id)

    def traces(self, case_id: str) -> list[Trace]:
        """The runs of a case, the newest result last."""
        with self._read() as db:
            return cases.all_traces(db, case_id)

    def latest_trace(self, case_id: str) -> Trace | None:
        """The newest result of a case; None if it was never traced."""
        with self._read() as db:
            return cases.latest_trace(db, case_id)

    def flags(self, case_id: str | None = None, state: FlagState | None = None) -> list[Flag]:
        """The flags of a case, or all, by case, rule and address; `state`: only those that are in it now."""
        with self._read() as db:
            found = flags.select_flags(db, None if case_id is None else tables.flags.c.case_id == case_id)
        return [flag for flag in found if state in (None, flag.state)]

    def flag(self, flag_id: str) -> Flag:
        """A flag with all its versions and reviews. Raises NotFound."""
        with self._read() as db:
            return flags.one_flag(db, flag_id)

    def screenings(self, address: Address) -> list[Screening]:
        """Every answer that was given about an address, oldest first."""
        with self._read() as db:
            return screenings.of_address(db, address)

    # --- sources: what they were asked, what failed, where they differ; this is sources.budget.Bank; no act

    def take_turn(
        self, name: str, now: datetime, *, seconds_apart: float, per_day: int | None, calls: int
    ) -> datetime | None:
        """When so many calls may begin, each `seconds_apart` from the one before; None if the day (UTC) has none left.

        All processes on one database share the turns. What has no limit is counted in memory and written once a second.
        """
        if seconds_apart == 0 and per_day is None:
            turn, due = self._uncounted.count(name, now, calls)
            if due:
                self._counted(name, now, due)
            return turn
        with self._write() as db:
            return sources.take_turn(db, name, now, seconds_apart, per_day, calls)

    def _counted(self, name: str, now: datetime, calls: int) -> None:
        with self._write() as db:
            sources.take_turn(db, name, now, 0.0, None, calls)

    def pause(self, name: str, until: datetime) -> None:
        """Give out no turn of this name before this moment."""
        self._uncounted.pause(name, until)
        with self._write() as db:
            sources.pause(db, name, until)

    def spent(self) -> dict[str, Spent]:
        """What was asked under each budget's name, on the day it was asked last."""
        for name, calls in self._uncounted.rest().items():
            self._counted(name, self._clock(), calls)
        with self._read() as db:
            return sources.spent(db)

    def failed(self, name: str, now: datetime, error: str) -> None:
        """Keep the last error of a source or budget, without secrets, to be shown."""
        with self._write() as db:
            sources.failed(db, name, now, error)

    def failures(self) -> dict[str, Failure]:
        """The last error of each source or budget that ever failed."""
        with self._read() as db:
            return sources.last_failures(db)

    def learn(self, name: str, blocks: int) -> None:
        """Keep how many blocks turned out to be given at once to who asks under a budget's name."""
        with self._write() as db:
            sources.learn(db, self._clock(), name, blocks)

    def learnt(self, name: str) -> int | None:
        """How many blocks turned out to be given at once under a budget's name; None: nothing was learnt."""
        with self._read() as db:
            return sources.known_range(db, name)

    def disagreements(self) -> list[Disagreement]:
        """Where two sources did not say the same, oldest first."""
        with self._read() as db:
            return sources.all_disagreements(db)

    # --- jobs: what only one process may do at a time, and what was run; no act, no audit row

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease for so many seconds; False while it is another holder's, also for one who lost it.

        `holder`: a name no other process has. Times are the store's clock's: hosts that share a Postgres must agree on
        the time to well within `seconds`. On SQLite it waits for an act under way: take it for longer than acts last.
        """
        with self._write() as db:
            return jobs.take(db, self._clock(), name, holder=holder, seconds=seconds)

    def release(self, name: str, holder: str) -> None:
        """Give a lease back, so that another may have it at once; nothing happens where it is another's."""
        with self._write() as db:
            jobs.release(db, name, holder)

    def lease_of(self, name: str) -> tuple[str, datetime] | None:
        """Who took a lease last and until when, which may be over; None: nobody, or it was given back."""
        with self._read() as db:
            return jobs.holder_of(db, name)

    def start_run(self, job: str, holder: str) -> int:
        """Record that a run of a job begins now; its id."""
        with self._write() as db:
            return jobs.start(db, self._clock(), job, holder)

    def end_run(self, run_id: int, result: str, error: str | None = None) -> None:
        """Record that a run ended now, and how. Raises NotFound where none is under way by that id."""
        with self._write() as db:
            jobs.end(db, self._clock(), run_id, result=result, error=error)

    def abandon_runs(self, holder: str, job: str | None = None) -> int:
        """Say of every other holder's runs (of one job) that never ended that they are abandoned; how many.

        For the holder who has just taken the lease under which they ran. Their `ended_at` stays None: nobody knows it.
        """
        with self._write() as db:
            return jobs.abandon(db, holder, job)

    def runs(self, job: str | None = None, limit: int = 50) -> list[Run]:
        """So many runs of a job, or of all, the newest first."""
        with self._read() as db:
            return jobs.latest(db, job, limit)
