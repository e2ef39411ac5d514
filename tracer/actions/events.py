"""Read what contracts said by events: of every contract that is watched, from the first source that tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

from tracer.actions.probable import pools_touched
from tracer.detect import bridges, freezes, tornado
from tracer.errors import Reorg, SourceError
from tracer.model import Address
from tracer.sources import Source
from tracer.sources.events import EventSource, LogPage
from tracer.store.store import Store

PAGES = 50  # of one contract in one run; the next run goes on
Watched = Mapping[Address, Sequence[str]]  # contract to the signatures of the events that are read


def watched(store: Store) -> Watched:
    """The contracts that are read: issuers of tokens that can be frozen, pools of mixers that cases' money met, and
    bridges, on all chains, that anything was paid into which was read.
    """
    issuers: dict[Address, Sequence[str]] = {
        freezes.contract(asset): [one.signature for one in events] for asset, events in freezes.EVENTS.items()
    }
    return {**issuers, **dict.fromkeys(pools_touched(store), tuple(tornado.SIGNATURES)), **_crossed(store)}


def _crossed(store: Store) -> Watched:
    met = {bridges.HOLDS[address] for address in store.recipients(bridges.HOLDS)}
    met |= {one.protocol for one in bridges.messages(store.logs([bridges.MEMOS]))}
    spoken = ((one, place) for one in bridges.PROTOCOLS.values() if one.name in met for place in sorted(one.contracts))
    return {place: one.signatures for one, place in spoken if place != bridges.MEMOS}


@dataclass(slots=True)
class EventsRead:
    """What a run read. `new`: logs that were not known; `failed`: which contract at which source, and why."""

    pages: int = 0
    new: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def read_events(
    store: Store, sources: Iterable[Source], actor: str, contracts: Watched | None = None, stop: Event | None = None
) -> EventsRead:
    """Read the contracts' logs on every chain, up to PAGES pages each; by default those that are watched.

    A contract that fails is named and stops no other; what was read of it before is kept.
    """
    run = _Run(store, actor, stop or Event(), EventsRead())
    telling = [source for source in sources if isinstance(source, EventSource)]
    for contract, signatures in (watched(store) if contracts is None else contracts).items():
        run.contract([one for one in telling if one.chain == contract.chain], contract, signatures)
    if run.done.new:
        with store.act(actor, "events", "chain data", new=run.done.new) as work:
            work.changed = True
    return run.done


@dataclass(frozen=True, slots=True)
class _Run:
    """One reading. Page and head are one commit: killed at any moment, it repeats work and doubles nothing."""

    store: Store
    actor: str
    stop: Event
    done: EventsRead

    def contract(self, sources: Sequence[EventSource], contract: Address, signatures: Sequence[str]) -> None:
        """Read on where the last run ended, from the first source that gives it; if none does, each is named."""
        failed = []
        for source in sources:
            try:
                self._pages(source, contract, signatures)
            except SourceError as error:
                failed.append((f"events of {contract} by {source.name}", str(error)))
            else:
                return
        self.done.failed += failed

    def _pages(self, source: EventSource, contract: Address, signatures: Sequence[str]) -> None:
        heads = self.store.log_heads()
        known = next((one for one in heads if (one.contract, one.source) == (contract, source.name)), None)
        since, reached = (known.since, known.checkpoint) if known else (None, None)
        for _ in range(PAGES):
            if self.stop.is_set():
                return
            try:
                page = source.logs(contract, signatures, reached)
            except Reorg as gone:
                if reached is None:
                    raise
                self._withdraw(source, contract, str(gone))
                since, reached = None, None
                continue
            since, reached = page.start if since is None else since, page.checkpoint
            self._keep(source, contract, page, since)
            if page.done:
                return

    def _keep(self, source: EventSource, contract: Address, page: LogPage, since: int) -> None:
        with self.store.pages() as work:
            self.done.new += work.add_logs(source.name, page.logs)
            if page.logs:
                work.add_page(source.name, str(contract), page.checkpoint.block or 0, page.raw, kind="logs")
            work.set_log_head(contract, source.name, page.checkpoint, since=since, done=page.done)
        self.done.pages += 1

    def _withdraw(self, source: EventSource, contract: Address, why: str) -> None:
        """The chain they were read from is gone: all of them are read again."""
        with self.store.act(self.actor, "reorg", f"events of {contract}", source=source.name, why=why) as work:
            work.note(withdrawn=work.withdraw_logs(source.name, contract))
            work.changed = True
