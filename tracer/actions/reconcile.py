"""What a source says against what was read: from itself before (a reorg), and from the other sources of its chain.

A source that takes back what it said is rewound. Two that say different things of a final block are a disagreement: it
is recorded with both sides and shown, and neither is rewound because of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracer.errors import Reorg, SourceBroken, SourceBusy, SourceError
from tracer.model import Address, Transaction
from tracer.sources import parse
from tracer.sources.base import Page, Source
from tracer.store.rows import Disagreement, Read
from tracer.store.store import Store

LOOK_BACK = 10_000  # blocks whose hashes are compared after a reorg, newest first
SHOWN = 5  # ids of transfers that are named


def reconcile(store: Store, source: Source, actor: str, *, of: str | None = None) -> int:
    """Compare the blocks that were read from a source with its chain now; -> how many transactions are withdrawn.

    Those that rested on blocks that are gone, with the reason; checkpoints go back to the common ancestor. `of`: the
    blocks of this source, which is not set any more and can no longer speak for itself. Raises SourceBusy where the
    source only lacks the newest blocks: a node that is behind says nothing of what it does not have yet.
    """
    name = of or source.name
    gone: list[tuple[int, str]] = []
    ancestor, behind = -1, True
    for number, block_hash in store.blocks(source.chain, name, LOOK_BACK):
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
    with store.act(actor, "reorg", source.chain, ancestor=ancestor, gone=len(gone), source=name) as work:
        withdrawn = work.rewind(name, source.chain, ancestor, reason)
        work.note(withdrawn=withdrawn)
        work.changed = True
    return withdrawn


# --- two sources of one chain -----------------------------------------------------------------------------------------


def other_blocks(store: Store, source: Source, head: int, others: Mapping[str, Source]) -> Iterator[Disagreement]:
    """Where a source gives another hash to the newest block that is final for it and for one that was read before.

    `head`: the newest block that is final for it; `others`: those that can be asked what they say now, by name. Raises
    Reorg where the other one has changed its mind meanwhile.
    """
    final = {one.source: one.final for one in store.heads(source.chain)}
    for name in store.block_sources(source.chain):
        newest = store.blocks(source.chain, name, 1, upto=min(head, final.get(name, -1)))
        if name == source.name or not newest:
            continue
        ((number, before),) = newest
        now = source.block_hash(number)
        if now in (None, before):
            continue
        says = f"{before}{_still(others.get(name), number, before)}"
        yield Disagreement(source.chain, "block", str(number), name, says, source.name, str(now))


def _still(source: Source | None, number: int, before: str) -> str:
    """What to add to what a source said of a block. Raises Reorg if it says another thing now."""
    try:
        now = source.block_hash(number) if source else None
    except SourceError:
        now = None
    if now is None:
        return " (read before; it cannot be asked now)"
    if now != before:
        raise Reorg(f"block {number} is no longer {before}")
    return ""


def other_transfers(
    store: Store, address: Address, page: Page, since: int, reads: list[Read]
) -> Iterator[Disagreement]:
    """Where a page has not the transfers that another source gave of the same address in the same blocks.

    `since`: the page's first block. `reads`: what each source has said of the address. Compared are sources that say
    to read the same (coverage), as far as both have read, from the pages that were kept of the other.
    """
    mine = _ids(page.transactions)
    for read in reads:
        upto = min(read.checkpoint.block or -1, page.checkpoint.block or -1)
        if read.source == page.source or read.coverage != page.coverage or upto < since:
            continue
        theirs = _said(store, read)
        if theirs is None:
            continue
        one, two = ({name for name, block in said.items() if since <= block <= upto} for said in (theirs, mine))
        if one != two:
            where, sides = f"{address} in blocks {since} to {upto}", (_only(one - two), _only(two - one))
            yield Disagreement(address.chain, "transfers", where, read.source, sides[0], page.source, sides[1])


def _said(store: Store, read: Read) -> dict[str, int] | None:
    """The transfers that a source gave of an address, with their block, as far as they stand; None: it is not known."""
    said: dict[str, Transaction] = {}
    for number in store.page_ids(read.source, str(read.address)):
        try:
            said |= {one.tx_hash: one for one in parse(store.page(number).raw).transactions}
        except SourceBroken:
            return None
    standing = {one.tx_hash: one for one in store.transactions([(one.chain, one.tx_hash) for one in said.values()])}
    return _ids([one for name, one in said.items() if name in standing and standing[name].block == one.block])


def _ids(transactions: list[Transaction] | tuple[Transaction, ...]) -> dict[str, int]:
    return {t.id: one.block for one in transactions if one.block is not None for t in one.transfers}


def _only(ids: set[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{len(ids)} that the other has not{': ' if ids else ''}{', '.join(sorted(ids)[:SHOWN])}{more}"
