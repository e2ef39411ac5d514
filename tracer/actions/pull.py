"""Read what a chain says of the addresses a case watches, page by page, and notice when the chain changed its mind.

Page, transfers and checkpoint are one commit: killed at any moment, a pull repeats work and never doubles or loses it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Event

from tracer.errors import Conflict, InputError, Reorg, SourceBusy, SourceError, SourceRefused
from tracer.model import Address, Case, Checkpoint
from tracer.sources.base import Page, Source
from tracer.store.store import Store

LOOK_BACK = 10_000  # blocks whose hashes are compared after a reorg, newest first
WATCHED = frozenset({"origin", "transit", "frontier"})


@dataclass(slots=True)
class Pulled:
    """What a pull did. `failed`: which address or source, and why; they stay due. `gone`: transactions withdrawn."""

    pages: int = 0
    transactions: int = 0
    transfers: int = 0
    gone: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """True if the store says anything else of the chain than before."""
        return bool(self.transactions or self.transfers or self.gone)


Progress = Callable[[Address, Page], None]


def pull(
    store: Store,
    sources: Iterable[Source],
    addresses: Sequence[Address],
    actor: str,
    *,
    threads: int = 4,
    stop: Event | None = None,
    progress: Progress = lambda _address, _page: None,
) -> Pulled:
    """Pull every address from the sources of its chain, in order. `stop`: finish the pages in hand and return.

    A source that fails is named in the result and stops none of the others.
    """
    pulled = Pulled()
    for source in sources:
        mine = [address for address in dict.fromkeys(addresses) if address.chain == source.chain]
        if mine and not (stop and stop.is_set()):
            _Pull(store, source, actor, pulled, stop or Event(), progress).run(mine, threads)
    if pulled.changed:
        counts = {"transactions": pulled.transactions, "transfers": pulled.transfers, "withdrawn": pulled.gone}
        with store.act(actor, "pull", "chain data", **counts) as work:
            work.changed = True
    return pulled


@dataclass(slots=True)
class _Pull:
    """One source being pulled: threads wait for its replies, this thread alone writes."""

    store: Store
    source: Source
    actor: str
    pulled: Pulled
    stop: Event
    progress: Progress
    refused: bool = False  # this source is out for this run, the others are not

    @property
    def _over(self) -> bool:
        return self.refused or self.stop.is_set()

    def run(self, addresses: Sequence[Address], threads: int) -> None:
        try:
            self.pulled.gone += reconcile(self.store, self.source, self.actor)
        except SourceError as error:
            self.pulled.failed.append((self.source.name, str(error)))
            return
        due = iter(addresses)
        known = self.store.checkpoints(self.source.name, self.source.chain)
        with ThreadPoolExecutor(threads, thread_name_prefix=f"pull-{self.source.name}") as pool:
            asked = {self._ask(pool, address, known.get(address)): address for address in _first(due, threads)}
            while asked:
                done, _ = wait(asked, return_when=FIRST_COMPLETED)
                for reply in done:
                    address = asked.pop(reply)
                    goes_on = self._take(address, reply)
                    if goes_on is not None:
                        asked[self._ask(pool, address, goes_on)] = address
                    elif not self._over and (after := next(due, None)) is not None:
                        asked[self._ask(pool, after, known.get(after))] = after

    def _ask(self, pool: ThreadPoolExecutor, address: Address, checkpoint: Checkpoint | None) -> Future[Page]:
        return pool.submit(self.source.pull, address, checkpoint)

    def _take(self, address: Address, reply: Future[Page]) -> Checkpoint | None:
        """Keep a page; -> where to go on, or None if this address is done for now."""
        try:
            page = reply.result()
        except Reorg as error:  # the next pull rewinds before it asks
            self.pulled.failed.append((str(address), str(error)))
            return None
        except SourceError as error:
            self.pulled.failed.append((str(address), str(error)))
            self.refused |= isinstance(error, SourceRefused)
            return None
        try:
            keep(self.store, address, page, self.pulled)
        except (Conflict, InputError) as error:  # the chain changed its mind while it was read, or says what none can
            self.pulled.failed.append((str(address), str(error)))
            return None
        self.progress(address, page)
        return None if page.done or self._over else page.checkpoint


def keep(store: Store, address: Address, page: Page, pulled: Pulled) -> None:
    """One page with its transfers, coverage and checkpoint, in one commit."""
    with store.pages() as work:
        if page.transactions:
            name = f"{address}"
            page_id = work.add_page(page.source, name, page.blocks and max(page.blocks) or 0, page.raw, kind="reply")
            work.add_assets(page.assets)
            added = work.add_transactions(page.transactions, page_id)
            pulled.transactions += added.transactions
            pulled.transfers += added.transfers
        work.add_blocks(address.chain, page.blocks)
        work.set_coverage(address, page.source, page.coverage, page.checkpoint)
    pulled.pages += 1


def reconcile(store: Store, source: Source, actor: str) -> int:
    """Compare the blocks that were read with the chain; -> how many transactions rested on blocks that are gone.

    What rested on them is withdrawn with the reason, and checkpoints go back to the common ancestor. Raises SourceBusy
    where the source only lacks the newest blocks: a node that is behind says nothing of what it does not have yet.
    """
    gone: list[tuple[int, str]] = []
    ancestor, behind = -1, True
    for number, block_hash in store.blocks(source.chain, LOOK_BACK):
        now = source.block_hash(number)
        if now == block_hash:
            ancestor = number
            break
        behind &= now is None
        gone.append((number, block_hash))
    if not gone:
        return 0
    if behind:
        raise SourceBusy(f"{source.name} is behind: it does not have block {gone[0][0]}, which was read before")
    first, was = gone[-1]
    reason = f"reorg: block {first} ({was}) of {source.chain} is gone, and {len(gone) - 1} after it"
    with store.act(actor, "reorg", source.chain, ancestor=ancestor, gone=len(gone), source=source.name) as work:
        withdrawn = work.rewind(source.name, source.chain, ancestor, reason)
        work.note(withdrawn=withdrawn)
        work.changed = True
    return withdrawn


def due(store: Store, case: Case) -> list[Address]:
    """What a case watches: the frontier by worth, then what it follows already, then what was reported."""
    newest = store.latest_trace(case.id)
    reported = list(dict.fromkeys(spec.address for spec in case.origins))
    if newest is None:
        return reported
    rows = [row for row in json.loads(newest.result)["addresses"] if row["role"] in WATCHED]
    rows.sort(key=lambda row: (row["role"] != "frontier", -float(row["worth"]), row["address"]))
    return list(dict.fromkeys([*(Address(row["chain"], row["address"]) for row in rows), *reported]))


def _first(due: Iterator[Address], count: int) -> Iterator[Address]:
    for _ in range(count):
        address = next(due, None)
        if address is None:
            return
        yield address
