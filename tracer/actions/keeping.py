"""What a pull writes and counts: pages in one commit each, how far it is, and what was not read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock

from tracer.model import Address, Coverage
from tracer.sources.base import Page
from tracer.store.rows import Added, Read
from tracer.store.store import Store

NOT_SINCE = "nothing since"


@dataclass(slots=True)
class Pulled:
    """What a pull did. `failed`: which address or source, and why; they stay due. `gone`: transactions withdrawn.

    `handed`: what was read from another source than the first, or not compared, and why. `differ`: where two sources
    did not say the same, in words.
    """

    pages: int = 0
    transactions: int = 0
    transfers: int = 0
    gone: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    handed: list[tuple[str, str]] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """True if the store says anything else of the chain than before."""
        return bool(self.transactions or self.transfers or self.gone)


@dataclass(frozen=True, slots=True)
class Step:
    """Progress: the page that was just kept, and how far the pull is: addresses `done` and `left`, what came so far."""

    address: Address
    page: Page
    done: int
    left: int
    pages: int
    transactions: int
    transfers: int


Progress = Callable[[Step], None]


@dataclass(slots=True)
class Run:
    """What the chains of one pull share. `left`: addresses that are not read to their end yet."""

    store: Store
    actor: str
    threads: int
    stop: Event
    progress: Progress
    left: int
    done: int = 0
    pulled: Pulled = field(default_factory=Pulled)
    lock: Lock = field(default_factory=Lock)

    def count(self, read: Sequence[tuple[Address, Page]], added: Added) -> None:
        """Pages were kept."""
        with self.lock:
            self.pulled.pages += len(read)
            self.pulled.transactions += added.transactions
            self.pulled.transfers += added.transfers
            for address, page in read:
                if page.done:
                    self.ended()
                counts = self.pulled.pages, self.pulled.transactions, self.pulled.transfers
                self.progress(Step(address, page, self.done, self.left, *counts))

    def ended(self) -> None:
        """An address is done with, for good or ill. The caller holds the lock."""
        self.done, self.left = self.done + 1, self.left - 1

    def failed(self, what: str, why: str, *, address: bool = True) -> None:
        """Something was not read."""
        with self.lock:
            self.pulled.failed.append((what, why))
            if address:
                self.ended()


def keep(store: Store, read: Iterable[tuple[Address, Page]], heads: Mapping[str, tuple[int, int]]) -> Added:
    """Keep pages, each with its transfers, coverage and checkpoint, in one commit; what was new.

    `heads`: per source its newest final block and how far it was read, where that is news. Raises Conflict, InputError;
    then none of them is kept.
    """
    added = Added()
    with store.pages() as work:
        for address, page in read:
            if page.transactions:
                last = max(page.blocks, default=0)
                page_id = work.add_page(page.source, str(address), last, page.raw, kind="reply")
                work.add_assets(page.assets)
                work.add_logs(page.source, page.logs)
                new = work.add_transactions(page.transactions, page_id)
                added = Added(added.transactions + new.transactions, added.transfers + new.transfers)
            work.add_blocks(address.chain, page.source, page.blocks)
            work.set_coverage(address, page.source, page.coverage, page.checkpoint)
            if page.source in heads:
                final, upto = heads[page.source]
                work.set_head(address.chain, page.source, final=final, read=upto)
    return added


def not_read(known: Read | None, why: str, *, refused: bool) -> Coverage:
    """What is to be said of a source that did not give an address now."""
    if known is None or known.coverage.state in ("unread", "refused"):
        return Coverage("refused" if refused else "unread", why)
    before = known.coverage.reason.partition(NOT_SINCE)[0].rstrip(", ")
    return Coverage("partial", f"{before}{', ' if before else ''}{NOT_SINCE} block {known.checkpoint.block}: {why}")


def end(page: Page) -> Iterator[tuple[int, str]]:
    """The block that a page ends at, if it names one."""
    if page.checkpoint.block is not None and page.checkpoint.block_hash is not None:
        yield page.checkpoint.block, page.checkpoint.block_hash
