"""The store: open it, act on it, ask it. Everything it answers is sorted here, never by the database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import URL, Connection, Engine, func, select

from tracer.model import Address, Asset, AssetId, Case, Checkpoint, Entity, FlagState, Label, Report, Transaction
from tracer.store import (
    audit,
    blocks,
    cases,
    claims,
    columns,
    engine,
    flags,
    jobs,
    pages,
    screenings,
    tables,
    transfers,
)
from tracer.store.rows import Audit, Flag, Page, Read, Run, Screening, Status, Trace
from tracer.store.work import Work

if TYPE_CHECKING:
    from tracer.taint.kernel.history import History

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

    @classmethod
    def open(cls, url: str, clock: Clock = _now) -> Self:
        """Open, making or upgrading the schema where needed. Raises ConfigError with the remedy.

        `url`: sqlite:///FILE, postgres://… or postgresql://…; `clock` gives the aware time that is recorded.
        """
        parsed = engine.parse(url)
        return cls(parsed, engine.connect(parsed), clock)

    def close(self) -> None:
        """Give all connections back; the store cannot be used afterwards."""
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

    def transactions_of(self, addresses: Collection[Address]) -> list[Transaction]:
        """The transactions in which one of these sends or receives, each with all its transfers, in order.

        Here as everywhere, what a reorg withdrew is left out, except where it is asked for (`withdrawn`).
        """
        with self._read() as db:
            return transfers.touching(db, addresses)

    def weight(self, addresses: Collection[Address]) -> int:
        """How many transfers these sent and received, one between two of them counted twice."""
        with self._read() as db:
            return columns.weight(db, addresses)

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

    def blocks(self, chain: str, limit: int = 1000) -> list[tuple[int, str]]:
        """The (number, hash) of so many blocks that were read from, the highest first."""
        with self._read() as db:
            return blocks.newest(db, chain, limit)

    def assets(self, ids: Collection[AssetId] | None = None) -> list[Asset]:
        """These assets, or all, by id. `listed` is what the chain's list says today."""
        with self._read() as db:
            return pages.described(db, ids)

    def page(self, page_id: int) -> Page:
        """A page with its raw content. Raises NotFound."""
        with self._read() as db:
            return pages.page(db, page_id)

    def page_ids(self, source: str | None = None) -> list[int]:
        """The ids of all pages, or of one source's, oldest first."""
        with self._read() as db:
            return pages.page_ids(db, source)

    def coverage(self, addresses: Collection[Address] | None = None) -> list[Read]:
        """What each source has said about these addresses, or all, by address and source. None read: no row."""
        with self._read() as db:
            return pages.read(db, addresses)

    def checkpoints(self, source: str, chain: str) -> dict[Address, Checkpoint]:
        """How far a source was read for each address of a chain that it was asked for, by address."""
        with self._read() as db:
            return pages.checkpoints(db, source, chain)

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
            return claims.all_reports(db, ids)

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
