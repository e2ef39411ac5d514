"""Read every kept page of the sources again, without a call: where a mended parser says otherwise, that is put right.

Pages of blocks that a reorg took away say nothing any more. What another page or an imported file says, too, stays.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from tracer.errors import SourceBroken
from tracer.model import Transaction
from tracer.sources import parse
from tracer.sources.files import RawFile, read_transfers
from tracer.store.store import Store
from tracer.store.work import Work

Key = tuple[str, str]
PIECE = 1000  # transactions compared at once
REORG = "reorg"  # how the reason begins for which a reorg withdraws
FIXED = ("at", "tx_index", "initiator", "to", "ok")  # what may have been read wrongly of a transaction


@dataclass(slots=True)
class Reparsed:
    """What it did. `unread`: pages that cannot be read again, of an older version or damaged; their words stand."""

    pages: int = 0
    unread: int = 0
    transactions_added: int = 0
    transfers_added: int = 0
    transactions_withdrawn: int = 0
    transfers_withdrawn: int = 0

    @property
    def changed(self) -> bool:
        """Whether the store says anything else than before."""
        return any(
            (self.transactions_added, self.transfers_added, self.transactions_withdrawn, self.transfers_withdrawn)
        )


@dataclass(slots=True)
class _Said:
    """What all pages together say of a transaction."""

    head: Transaction
    ids: set[str] = field(default_factory=set)
    pages: list[int] = field(default_factory=list)

    def add(self, one: Transaction, page: int) -> None:
        """One page's word more."""
        self.head = replace(self.head, ok=self.head.ok and one.ok)
        self.ids |= {transfer.id for transfer in one.transfers}
        self.pages.append(page)


@dataclass(slots=True)
class _Change:
    """What is to be put right."""

    again: set[Key] = field(default_factory=set)  # withdrawn, then given anew
    gone: set[Key] = field(default_factory=set)
    lost: dict[str, Key] = field(default_factory=dict)  # transfers that are said no more
    missing: set[Key] = field(default_factory=set)


def reparse(
    store: Store,
    actor: str,
    *,
    source: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Reparsed:
    """Read the kept pages (of one source) again and add or withdraw what differs, in one commit with one audit row."""
    done = Reparsed()
    said = _said(store, _replies(store, source), done, progress)
    change = _compared(store, said, store.transactions_from(source))
    _excuse(store, change, source)
    if change.again or change.gone or change.lost or change.missing:
        with store.act(actor, "reparse", source or "all sources") as work:
            _write(store, work, change, said, done)
    return done


def _replies(store: Store, source: str | None) -> list[int]:
    return store.page_ids(source, kind="reply")


def _said(store: Store, pages: list[int], done: Reparsed, progress: Callable[[int, int], None]) -> dict[Key, _Said]:
    found: dict[Key, _Said] = {}
    for number, page_id in enumerate(pages, 1):
        done.pages += 1
        progress(number, len(pages))
        try:
            transactions = parse(store.page(page_id).raw).transactions
        except SourceBroken:
            done.unread += 1
            continue
        for one in _standing(store, transactions):
            head = replace(one, transfers=())
            found.setdefault((one.chain, one.tx_hash), _Said(head)).add(one, page_id)
    return found


def _standing(store: Store, said: Iterable[Transaction]) -> Iterator[Transaction]:
    """Those of a page whose block is still there, as far as the store knows."""
    given = {(one.chain, one.tx_hash): one for one in said}
    withdrawn = {key: why for key, why in store.withdrawn(given).items() if why[1].startswith(REORG)}
    dropped = {given[key].block for key, (block, _, _) in withdrawn.items() if block == given[key].block}
    stored = {(one.chain, one.tx_hash): one.block for one in store.transactions(given)}
    for key, one in given.items():
        moved = stored.get(key, one.block) != one.block  # mined again elsewhere: another page says so
        if key not in withdrawn and not moved and (one.block is None or one.block not in dropped):
            yield one


def _compared(store: Store, said: Mapping[Key, _Said], kept: Iterable[Key]) -> _Change:
    """What is stored against what the pages say now. `kept`: the transactions that rest on these pages."""
    change = _Change()
    rest = set(kept)
    keys = sorted(rest | said.keys())
    for start in range(0, len(keys), PIECE):
        stored = {(one.chain, one.tx_hash): one for one in store.transactions(keys[start : start + PIECE])}
        for key in keys[start : start + PIECE]:
            _compare(change, key, said.get(key), stored.get(key), resting=key in rest)
    return change


def _compare(change: _Change, key: Key, now: _Said | None, stored: Transaction | None, *, resting: bool) -> None:
    if now is None:
        change.gone.add(key)
        change.lost |= {t.id: key for t in stored.transfers} if stored else {}
    elif stored is None:
        change.missing.add(key)
    else:
        if _differs(stored, now.head):
            change.again.add(key)
        ids = {transfer.id for transfer in stored.transfers}
        if now.ids - ids:
            change.missing.add(key)
        if resting:
            change.lost |= dict.fromkeys(ids - now.ids, key)


def _differs(stored: Transaction, now: Transaction) -> bool:
    pairs = ((getattr(stored, name), getattr(now, name)) for name in FIXED)
    return any(None not in pair and pair[0] != pair[1] for pair in pairs)


def _excuse(store: Store, change: _Change, source: str | None) -> None:
    """Nothing goes that somebody else says: another source's pages, or a file."""
    if not change.lost and not change.gone:
        return
    others = [page for page in _replies(store, None) if source is not None and page not in {*_replies(store, source)}]
    for page_id in others:
        try:
            _spare(change, parse(store.page(page_id).raw).transactions)
        except SourceBroken:
            continue
    for file in _files(store):
        _spare(change, read_transfers(file).transactions())


def _spare(change: _Change, said: Iterable[Transaction]) -> None:
    for one in said:
        change.gone.discard((one.chain, one.tx_hash))
        for transfer in one.transfers:
            change.lost.pop(transfer.id, None)


def _files(store: Store) -> Iterator[RawFile]:
    """Every imported file of transfers, put together again from its pages; each is gone when the next is asked for."""
    pages = (store.page(number) for number in store.page_ids(kind="transfers"))
    for _, parts in groupby(pages, lambda page: page.source):
        with tempfile.TemporaryFile() as content:
            name = ""
            for page in parts:
                name = page.name
                content.write(page.raw)
            yield RawFile(name, content)


def _write(store: Store, work: Work, change: _Change, said: Mapping[Key, _Said], done: Reparsed) -> None:
    lost = {transfer: key for transfer, key in change.lost.items() if key not in change.gone}
    done.transactions_withdrawn = work.withdraw(change.gone, "reparse: no kept page says it any more")
    work.withdraw(change.again, "reparse: it was read otherwise")
    done.transfers_withdrawn = work.withdraw_transfers(lost)
    fresh = change.again | change.missing
    by_page: dict[int, set[Key]] = defaultdict(set)
    for key in fresh:
        for page_id in said[key].pages:
            by_page[page_id].add(key)
    for page_id, keys in sorted(by_page.items()):
        read = parse(store.page(page_id).raw)
        work.add_assets(read.assets)
        new = work.add_transactions([one for one in read.transactions if (one.chain, one.tx_hash) in keys], page_id)
        done.transactions_added += new.transactions
        done.transfers_added += new.transfers
    done.transactions_added -= len(change.again)  # they were there before
    work.note(
        transactions_added=done.transactions_added,
        transfers_added=done.transfers_added,
        corrected=sorted(f"{chain}:{tx_hash}" for chain, tx_hash in change.again),
        withdrawn=sorted(f"{chain}:{tx_hash}" for chain, tx_hash in change.gone),
        transfers_withdrawn=sorted(lost),
    )
