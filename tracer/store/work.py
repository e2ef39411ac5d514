"""One act: everything written through it is kept in one commit with one audit row, or nothing is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from tracer.model import (
    Address,
    Asset,
    Case,
    Checkpoint,
    Coverage,
    Entity,
    Fact,
    FlagState,
    Label,
    Log,
    Price,
    Report,
    Transaction,
)
from tracer.store import (
    blocks,
    cases,
    claims,
    feeds,
    flags,
    logs,
    pages,
    prices,
    reports,
    screenings,
    sources,
    transfers,
)
from tracer.store.bulk import Interner
from tracer.store.claims import Withdrawal
from tracer.store.rows import Added, Disagreement, FeedVersion, LogHead, Read, Screening
from tracer.store.types import clean


class Work:
    """What may be written. Got from `Store.act`; dead when its `with` ends. `changed`: something new was written.

    Whatever is written twice adds nothing. Every method raises StoreError if the store fails, and InputError for
    names with control characters and numbers no chain has.
    """

    def __init__(self, db: Connection, at: datetime, actor: str, detail: dict[str, Any]) -> None:
        self.at = at
        self.actor = actor
        self.detail = detail
        self.changed = False
        self._db = db
        self._intern = Interner(db)

    def note(self, **detail: Any) -> None:
        """Put more into the act's audit row: JSON values, never a reporter or a note."""
        self.detail |= detail

    # --- what the chains say

    def add_page(self, source: str, name: str, sequence: int, raw: bytes, kind: str = "file") -> int:
        """Keep raw content; the page's id. The same content at the same `sequence` of a source is one page."""
        page_id, new = pages.add_page(self._db, self.at, raw, source=source, name=name, sequence=sequence, kind=kind)
        self.changed |= new
        return page_id

    def add_assets(self, assets: Iterable[Asset]) -> int:
        """Describe assets; how many were new or got something unknown. What is known already stays."""
        return self._count(pages.add_assets(self._db, self._intern, assets))

    def add_transactions(self, transactions: Iterable[Transaction], page_id: int | None = None) -> Added:
        """Add transactions and transfers that are new; fill in what was unknown of known ones.

        A withdrawn one stands again, as it is given, with those of its transfers that are given; it counts as new.
        Raises Conflict where the stored time or block differs, InputError for an id that does not fit its transfer.
        """
        added, changed = transfers.write(self._db, self._intern, transactions, page_id)
        self.changed |= changed
        return added

    def withdraw(self, keys: Collection[tuple[str, str]], reason: str) -> int:
        """Withdraw standing transactions (chain, tx_hash) with their transfers, for a reason; how many there were."""
        return self._count(transfers.withdraw(self._db, self.at, keys, reason))

    def withdraw_transfers(self, ids: Iterable[str]) -> int:
        """Withdraw standing transfers, by id, of transactions that stand; how many. The act's audit row says why."""
        return self._count(transfers.withdraw_transfers(self._db, self.at, ids))

    def add_blocks(self, chain: str, source: str, hashes: Mapping[int, str]) -> int:
        """Keep blocks that a source was read from, {number: hash}; how many were new.

        Raises Conflict where it gave another hash for a number before: rewind first.
        """
        return self._count(blocks.add_blocks(self._db, chain, source, hashes))

    def set_head(self, chain: str, source: str, *, final: int, read: int) -> None:
        """Keep the newest block that a source calls final, and that it was read to a block; no news of its own."""
        sources.set_head(self._db, self.at, chain, source, final=final, read=read)

    def disagree(self, given: Disagreement) -> bool:
        """Keep that two sources do not say the same; whether that is new."""
        return bool(self._count(sources.disagree(self._db, replace(given, recorded_at=self.at))))

    def rewind(self, source: str, chain: str, ancestor: int, reason: str) -> int:
        """A source's chain dropped every block above `ancestor`: go back to it; how many transactions were withdrawn.

        Those in a block above it whose page is of this source are withdrawn for that reason, with their transfers;
        its blocks above it are forgotten; checkpoints of the chain's sources beyond it are set back to it, `cursor` the
        next, so that whoever is asked gives them again. `ancestor` -1: no block is left, all begins at cursor "0".
        """
        rest: dict[str, Any] = {"chain": chain, "ancestor": ancestor, "reason": reason}
        withdrawn, changed = blocks.rewind(self._db, self.at, source, **rest)
        self.changed |= changed
        return withdrawn

    def add_prices(self, given: Iterable[Price]) -> int:
        """Keep prices; how many were new. A known price is kept for ever, that none is known until one is."""
        return self._count(prices.add_prices(self._db, self._intern, self.at, given))

    def set_coverage(
        self, address: Address, source: str, coverage: Coverage, checkpoint: Checkpoint | None = None
    ) -> bool:
        """Keep how far an address was read from a source; whether that is news."""
        now = Read(address, source, coverage, checkpoint or Checkpoint(), self.at)
        return bool(self._count(pages.set_coverage(self._db, self._intern, now)))

    def add_logs(self, source: str, given: Iterable[Log]) -> int:
        """Keep what contracts said by events; how many were new. One that was withdrawn stands again."""
        return self._count(logs.add_logs(self._db, self._intern, self.at, source, given))

    def set_log_head(self, contract: Address, source: str, checkpoint: Checkpoint, *, since: int, done: bool) -> None:
        """Keep how far a source read a contract's logs, from block `since` on. Alone it is no change."""
        logs.set_head(self._db, self._intern, LogHead(contract, source, checkpoint, since, done, self.at))

    def withdraw_logs(self, source: str, contract: Address) -> int:
        """Withdraw all that a source read of a contract's logs; how many."""
        return self._count(logs.withdraw(self._db, self.at, source, contract))

    # --- what people and lists say

    def add_labels(self, labels: Iterable[Label], *, again: bool = True) -> int:
        """Add claims that nobody makes already; how many. Their `recorded_at` is now.

        Without `again` a claim that was withdrawn stays so.
        """
        return self._count(claims.add_labels(self._db, self.at, labels, by=None if again else ""))

    def withdraw_labels(self, labels: Iterable[Label], reason: str = "") -> int:
        """End the standing claims that say the same; how many. They stay in the history, with the reason."""
        return self._count(claims.withdraw_labels(self._db, labels, self._withdrawal(reason)))

    def add_entities(self, entities: Iterable[Entity], *, again: bool = True) -> int:
        """Describe entities as given and add new facts; how many entities or facts changed or came.

        Without `again` a fact that was withdrawn stays so.
        """
        return self._count(claims.add_entities(self._db, self.at, entities, by=None if again else ""))

    def add_facts(self, facts: Iterable[Fact]) -> int:
        """State facts on entities that are described already; how many were new."""
        return self._count(claims.add_facts(self._db, self.at, facts))

    def withdraw_facts(self, facts: Iterable[Fact], reason: str = "") -> int:
        """End the standing facts that say the same; how many. They stay in the history, with the reason."""
        return self._count(claims.withdraw_facts(self._db, facts, self._withdrawal(reason)))

    def _withdrawal(self, reason: str) -> Withdrawal:
        return Withdrawal(self.at, clean(reason), self.actor)

    def replace_feed(
        self, feed: str, version: str, labels: Iterable[Label], entities: Iterable[Entity], *, keeps: bool = False
    ) -> dict[str, int]:
        """Take in a version of a feed: what it says stands, what it no longer says is withdrawn and says why.

        -> how much was added, changed and withdrawn. With `keeps` its older labels stand on. What a person withdrew
        stays withdrawn.
        """
        reason = f"feed {feed}, version {version}, no longer says it"
        counts = feeds.replace_entities(self._db, self.at, feed, entities, reason)
        return counts | feeds.replace_labels(self._db, self.at, feed, labels, reason, keeps=keeps)

    def add_feed_version(self, version: FeedVersion) -> None:
        """Keep that a version was taken in, and what it changed."""
        self._count(feeds.add_version(self._db, self.at, version))

    def add_reports(self, given: Iterable[Report]) -> int:
        """Add new reports; how many. Raises Conflict where a report_id is stored with other content."""
        return self._count(reports.add_reports(self._db, self._intern, self.at, given))

    def hold_reports(self, given: Iterable[tuple[Report, bool, str]]) -> int:
        """Say of lines of reports whether they are held in quarantine, and why; how many of that is news."""
        return self._count(reports.hold(self._db, self.at, self.actor, given))

    # --- work

    def open_case(self, case: Case) -> None:
        """Keep a new case. Raises Conflict if its name or id is taken."""
        cases.open_case(self._db, self._intern, case)
        self.changed = True

    def close_case(self, name_or_id: str) -> bool:
        """Close a case; False if it was closed already. Raises NotFound."""
        return bool(self._count(cases.close_case(self._db, name_or_id)))

    def add_trace(
        self, case_id: str, digest: str, *, engine: str, method: str, settings: Any, stopped: Any, result: bytes
    ) -> bool:
        """Keep a run if the case has none with this digest; whether it was new. `settings`, `stopped`: JSON values.

        Either way it is the case's newest result from now on. Raises NotFound for an unknown case id.
        """
        rest = {"engine": engine, "method": method, "settings": settings, "stopped": stopped, "result": result}
        new, changed = cases.add_trace(self._db, self.at, case_id, digest, **rest)
        self.changed |= changed
        return new

    def put_flags(self, case_id: str, findings: flags.Findings, gone: flags.Gone = flags.GONE) -> int:
        """Make the case's flags say what its newest trace found, {(rule, address): FlagBody}; how many changed.

        New ones open; changed ones get a version that says what changed and keep their state; missing ones are
        withdrawn for the reason `gone`, a text or what it says of each Flag (also of a changed one); withdrawn ones
        found again are open again.
        """
        return self._count(flags.put(self._db, self._intern, self.at, case_id, findings, gone=gone))

    def review(self, flag_id: str, state: FlagState, note: str, actor: str | None = None) -> None:
        """Add what a person (default: the act's actor) made of a flag. Raises NotFound, InputError for `withdrawn`."""
        flags.review(self._db, self.at, flag_id, state=state, note=note, actor=actor or self.actor)
        self.changed = True

    def add_screenings(self, given: Iterable[Screening]) -> int:
        """Keep answers that were given, all at the act's time and by its actor; how many."""
        return self._count(screenings.add_screenings(self._db, self.at, self.actor, given))

    def _count(self, new: int) -> int:
        self.changed |= new > 0
        return new
