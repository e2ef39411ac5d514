"""Read what a chain says of the addresses a case watches, page by page, and notice when the chain changed its mind.

Page, transfers and checkpoint are one commit: killed at any moment, a pull repeats work and never doubles or loses it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain, islice
from threading import Event
from typing import Any

from tracer.errors import Conflict, InputError, Reorg, SourceBusy, SourceError, SourceRefused, TracerError
from tracer.exports.plain import unread
from tracer.model import Address, Case
from tracer.sources.base import Page, Source
from tracer.store.rows import Added
from tracer.store.store import Store

LOG = logging.getLogger("tracer.pull")
LOOK_BACK = 10_000  # blocks whose hashes are compared after a reorg, newest first
FOLLOWED = frozenset({"origin", "transit"})


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
    sources, stop = list(sources), stop or Event()
    for source in sources:
        mine = [address for address in dict.fromkeys(addresses) if address.chain == source.chain]
        peers = [each.name for each in sources if each.chain == source.chain]
        if mine and not stop.is_set():
            _Pull(store, source, actor, pulled, stop, progress).run(mine, peers, threads)
    if pulled.changed:
        counts = {"transactions": pulled.transactions, "transfers": pulled.transfers, "withdrawn": pulled.gone}
        with store.act(actor, "pull", "chain data", **counts) as work:
            work.changed = True
    return pulled


@dataclass(slots=True)
class _Pull:
    """One source being pulled: threads ask and decode, this thread alone writes.

    The next page of an address is asked for before the one in hand is written, so that no thread waits for the disk;
    an address whose page was refused is lost, and what was asked meanwhile is not kept. What is kept is always of one
    chain, so that the newest block vouches for all of it.
    """

    store: Store
    source: Source
    actor: str
    pulled: Pulled
    stop: Event
    progress: Progress
    refused: bool = False  # this source is out for this run, the others are not
    lost: set[Address] = field(default_factory=set)
    kept: set[tuple[int, str]] = field(default_factory=set)  # the newest block, and those that pages of this run end at

    def run(self, addresses: Sequence[Address], peers: Sequence[str], threads: int) -> None:
        """Pull these addresses. `peers`: all sources of this chain."""
        try:
            self.pulled.gone += reconcile(self.store, self.source, peers, self.actor)
        except SourceError as error:
            self.pulled.failed.append((self.source.name, str(error)))
            return
        known = self.store.checkpoints(self.source.name, self.source.chain)
        self.kept.update(self.store.blocks(self.source.chain, 1))
        due = ((address, known.get(address)) for address in addresses)
        with ThreadPoolExecutor(threads, thread_name_prefix=f"pull-{self.source.name}") as pool:
            asked = {pool.submit(self.source.pull, *one): one[0] for one in islice(due, threads)}
            while asked:
                done, _ = wait(asked, return_when=FIRST_COMPLETED)
                replies = [(asked.pop(reply), reply) for reply in list(asked) if reply in done]
                read = [(address, page) for address, reply in replies if (page := self._read(address, reply))]
                on = ((address, page.checkpoint) for address, page in read if not page.done)
                free = 0 if self.refused or self.stop.is_set() else threads - len(asked)
                asked |= {pool.submit(self.source.pull, *one): one[0] for one in islice(chain(on, due), free)}
                self._keep(read)

    def _read(self, address: Address, reply: Future[Page]) -> Page | None:
        """The page that was asked for; None if there is none to keep, then the address stays due."""
        try:
            page = reply.result()
        except SourceError as error:  # where the chain changed, the next pull rewinds before it asks
            if address not in self.lost:
                self._failed(address, error)
            self.refused |= isinstance(error, SourceRefused)
            return None
        except Exception as error:  # a defect in reading one address keeps none of the others from being read
            LOG.exception("pull of %s broke", address)
            self.pulled.failed.append((str(address), f"unexpected {type(error).__name__}: see the log"))
            return None
        return None if address in self.lost else page

    def _keep(self, read: Sequence[tuple[Address, Page]]) -> None:
        """Write all pages that wait in one commit, or, if one is refused, each in its own."""
        try:
            self._check({end for _, page in read for end in _end(page)} - self.kept)
            self._kept(read)
        except (Conflict, InputError, SourceError) as error:  # the chain changed meanwhile, or says what none can
            if len(read) == 1:
                self._failed(read[0][0], error)
                self.lost.add(read[0][0])
                return
            for one in read:
                self._keep([one])

    def _check(self, ends: set[tuple[int, str]]) -> None:
        """Raise Reorg unless the pages that end at these are of one chain with what is kept, the one there is now."""
        newest = {max(self.kept)} if ends and self.kept else set()
        for number, block_hash in sorted(ends | newest):
            if self.source.block_hash(number) != block_hash:
                raise Reorg(f"block {number} is no longer {block_hash}")

    def _kept(self, read: Sequence[tuple[Address, Page]]) -> None:
        if not read:
            return
        added = keep(self.store, read)
        self.kept.update(end for _, page in read for end in _end(page))
        self.pulled.pages += len(read)
        self.pulled.transactions += added.transactions
        self.pulled.transfers += added.transfers
        for address, page in read:
            self.progress(address, page)

    def _failed(self, address: Address, error: TracerError) -> None:
        self.pulled.failed.append((str(address), str(error)))


def _end(page: Page) -> Iterator[tuple[int, str]]:
    """The block that a page ends at, if it names one."""
    if page.checkpoint.block is not None and page.checkpoint.block_hash is not None:
        yield page.checkpoint.block, page.checkpoint.block_hash


def keep(store: Store, read: Iterable[tuple[Address, Page]]) -> Added:
    """Keep pages, each with its transfers, coverage and checkpoint, in one commit; what was new.

    Raises Conflict, InputError; then none of them is kept.
    """
    added = Added()
    with store.pages() as work:
        for address, page in read:
            if page.transactions:
                last = max(page.blocks, default=0)
                page_id = work.add_page(page.source, str(address), last, page.raw, kind="reply")
                work.add_assets(page.assets)
                new = work.add_transactions(page.transactions, page_id)
                added = Added(added.transactions + new.transactions, added.transfers + new.transfers)
            work.add_blocks(address.chain, page.blocks)
            work.set_coverage(address, page.source, page.coverage, page.checkpoint)
    return added


def reconcile(store: Store, source: Source, peers: Iterable[str], actor: str) -> int:
    """Compare the blocks that were read with the chain; -> how many transactions rested on blocks that are gone.

    What rested on them is withdrawn with the reason, and checkpoints go back to the common ancestor: those of all
    sources of the chain (`peers`), for they share the blocks. Raises SourceBusy where the source only lacks the newest
    blocks: a node that is behind says nothing of what it does not have yet.
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
        withdrawn = sum(work.rewind(peer, source.chain, ancestor, reason) for peer in peers)
        work.note(withdrawn=withdrawn)
        work.changed = True
    return withdrawn


def due(store: Store, case: Case) -> list[Address]:
    """What a case watches: the frontier by worth, then what it follows already, then what was reported.

    Of the frontier, what the newest trace's limits leave out is not read, and what a source was asked for since that
    trace comes after what was not, so that an interrupted pull goes on where it was.
    """
    newest = store.latest_trace(case.id)
    reported = list(dict.fromkeys(spec.address for spec in case.origins))
    if newest is None:
        return reported
    traced = json.loads(newest.result)
    followed = [row for row in traced["addresses"] if row["role"] in FOLLOWED]
    followed.sort(key=lambda row: (-Decimal(row["worth"]), row["chain"], row["address"]))
    frontier = [row for row in unread(traced) if _within(traced["limits"], row)]
    left, known = ([Address(row["chain"], row["address"]) for row in rows] for rows in (frontier, followed))
    asked = {read.address for read in store.coverage(left)}
    left.sort(key=asked.__contains__)
    return list(dict.fromkeys([*left, *known, *reported]))


def _within(limits: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return row["hops"] < limits["hops"] and Decimal(row["worth"]) >= Decimal(limits["worth"])
