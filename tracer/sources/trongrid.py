"""TronGrid: TRX moved by transactions and by contracts, TRC-20 transfers, fees and events (tron*.py read them).

Its lists tell no position but a moment in milliseconds, which is a block. Only what is solidified is read. A wrong
address, a never used one and one of a test chain all look empty there: so addresses are checked before, and the chain.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from tracer.chains import Family, family, parse_chain, parse_tx_hash
from tracer.errors import ConfigError, InputError, RangeTooLarge, Reorg, SourceBroken, SourceBusy, SourceRefused
from tracer.model import Address, Checkpoint, Coverage, Log, Transaction
from tracer.sources import tron, tron_events
from tracer.sources.base import Page, Said, SourceSettings, envelope
from tracer.sources.blocks import Kept
from tracer.sources.budget import Budget
from tracer.sources.decode import WRONG
from tracer.sources.events import LogPage
from tracer.sources.feeds import Feeds, Row, Slice
from tracer.sources.providers import provider
from tracer.sources.reply import Empty, Rows
from tracer.sources.secrets import host
from tracer.sources.tron_answers import listed_rows, looked_up
from tracer.sources.web import Asked, Params, Web

parse = tron.parse  # what a kept page says; see Kind
MOST_REPLIES = 50  # that a single moment may fill
BLOCKS = 1_000  # that are remembered as long as the newest one is the same
CONTRACTS = 10_000  # of which it is remembered what a log of theirs looks like


Given: TypeAlias = tuple[list[Row], str | None, bytes]  # rows, what leads to the next, the reply


class Header(NamedTuple):
    """A block: its number, hash, and time in milliseconds."""

    number: int
    hash: str
    at: int


class Listing(NamedTuple):
    """A list: its path, what it is asked for by, and what it calls a moment, before `timestamp`."""

    path: str
    only: Params
    time: str = ""


class Mark(NamedTuple):
    """A checkpoint's cursor: the last moment read, in milliseconds, and in words what is missing of what was."""

    at: int
    cut: tuple[str, ...] = ()

    def __str__(self) -> str:
        return json.dumps({"ms": self.at} | ({"cut": self.cut} if self.cut else {}))


def mark(checkpoint: Checkpoint) -> Mark | None:
    """Where a checkpoint of ours ends; None where it was set back to a block."""
    said = json.loads(checkpoint.cursor or "null")
    return Mark(said["ms"], tuple(said.get("cut", ()))) if isinstance(said, dict) else None


class TronGrid:
    """A Source (see there): TronGrid, or a server that speaks like it. Raises ConfigError for another chain."""

    def __init__(self, settings: SourceSettings, budget: Budget | None = None) -> None:
        self.chain = parse_chain(settings.chain)
        if family(self.chain) is not Family.TRON:
            raise ConfigError(f"source {settings.name or settings.kind}: {self.chain} is not TRON")
        self.name = settings.name or f"{settings.kind}@{host(settings.url).partition('://')[2]}"
        public = provider("trongrid")
        deep = public.support(self.chain).confirmations
        self._rows, self._start = public.page_rows, settings.start_block
        self._confirmations = deep if settings.confirmations is None else settings.confirmations
        headers = {"TRON-PRO-API-KEY": settings.key} if settings.key else {}
        budget = budget or Budget(self.name)
        self._web = Web(settings.url.rstrip("/"), budget, looked_up, settings.timeout_seconds, settings.key, headers)
        inside = {"search_internal": "false"}  # calls inside have a list of their own
        self._feeds = self._lists({name: Listing(path, inside) for name, path in tron.LISTS.items()})
        self._events: dict[tuple[str, ...], Feeds] = {}  # by names
        self._told: Kept[str, bytes] = Kept(CONTRACTS)
        self._blocks: Kept[tuple[str, int], Header] = Kept(BLOCKS)
        self._newest = ""  # its hash, which stands for all blocks below
        self._right_chain = False  # not asked yet

    def __repr__(self) -> str:
        return f"TronGrid({self.name})"

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """The next page of an address; see Source. The checkpoint's cursor is a Mark."""
        checkpoint, start, head = self._going_on(address, checkpoint)
        if start > head.at:
            return self._page(head, checkpoint, Said((), ()), b"", done=True)
        together = self._feeds.read(address, start, head.at)
        infos = self._infos(row.says for row in together.rows["token"])
        about = {"chain": self.chain, "address": address.text, "start": start, "upto": together.upto}
        raw = envelope("trongrid", {**together.raw, "infos": infos}, **about)
        said = tron.parse(raw)
        before = mark(checkpoint)
        cut = dict.fromkeys((*(before.cut if before else ()), *filter(None, [together.cut])))
        end = self._end(Mark(together.upto, tuple(cut)), checkpoint, said.transactions, head)
        return self._page(head, end, said, raw, done=together.upto >= head.at)

    def logs(self, contract: Address, signatures: Sequence[str], checkpoint: Checkpoint | None) -> LogPage:
        """The next logs of a contract; see EventSource. The checkpoint's cursor is a Mark."""
        before, start, head = self._going_on(contract, checkpoint)
        since = self._start if before.block is None else before.block + 1
        if start > head.at:
            return LogPage(since, (), before, b"", done=True)
        names = tuple(dict.fromkeys(map(tron_events.named, signatures)))
        lists = {name: Listing(tron_events.LIST, {"event_name": name}, "block_") for name in names}
        got = self._events.setdefault(names, self._lists(lists)).read(contract, start, head.at)
        if got.cut:
            raise RangeTooLarge(f"{self._web.host}: {got.cut}")
        rows = (row.says for name in names for row in got.rows[name])
        found = self._promised("an event", lambda: tron_events.logs(contract, signatures, rows))
        raw = envelope("logs", got.raw, chain=self.chain, contract=contract.text)
        end = self._end(Mark(got.upto), before, found, head)
        return LogPage(since, found, end, raw, done=got.upto >= head.at)

    def transaction(self, tx_hash: str) -> Page:
        """The whole transaction; see Source. Of a token that no list describes only the contract is known."""
        tx_hash = parse_tx_hash(self.chain, tx_hash)
        head = self._head()
        info = self._one("/wallet/gettransactioninfobyid", {"value": tx_hash})
        if info is None:
            return self._page(head, Checkpoint(), Said((), ()), b"", done=True)
        tx = self._one("/wallet/gettransactionbyid", {"value": tx_hash})
        if tx is None:
            raise SourceBusy(f"{self._web.host} knows how {tx_hash} ended, but not the transaction yet")
        about = {"chain": self.chain, "tx_hash": tx_hash}
        raw = envelope("trongrid", {"transaction": [tx.raw], "info": [info.raw]}, **about)
        said = tron.parse(raw)
        number = said.transactions[0].block or 0
        if number > head.number:
            return self._page(head, Checkpoint(), Said((), ()), b"", done=False)
        return self._page(head, Checkpoint(), said, raw, done=True, block=self._block(number))

    def block_hash(self, number: int) -> str | None:
        """The hash that a block has now; see Source."""
        found = self._header("/wallet/getblock", {"id_or_num": str(number), "detail": False})
        return None if found is None else found.hash

    # --- blocks -------------------------------------------------------------------------------------------------------

    def _head(self) -> Header:
        """The block up to which is read: solidified, and so deep that the lists hold it."""
        self._check_chain()
        newest = self._header("/walletsolidity/getblock", {"detail": False})
        if newest is None:
            raise SourceBusy(f"{self._web.host} has no solidified block")
        self._newest = newest.hash
        return newest if not self._confirmations else self._block(max(0, newest.number - self._confirmations))

    def _check_chain(self) -> None:
        """Refuse another chain, on which every address looks empty; asked once. CAIP-2: the end of the first hash."""
        if not self._right_chain:
            found = f"tron:{int(self._block(0).hash[-8:], 16)}"
            if found != self.chain:
                raise SourceRefused(f"{self._web.host} serves {found}, not {self.chain}: write the url of that one")
            self._right_chain = True

    def _block(self, number: int) -> Header:
        """A block that must be there."""
        key = self._newest, number
        kept = self._blocks.get(key)
        if kept is None:
            kept = self._header("/wallet/getblock", {"id_or_num": str(number), "detail": False})
            if kept is None:
                raise SourceBusy(f"{self._web.host} does not have block {number} yet")
            if kept.number != number:
                raise SourceBroken(f"{self._web.host} gave block {kept.number} for block {number}")
            self._blocks.put(key, kept)
        return kept

    def _header(self, path: str, body: Mapping[str, Any]) -> Header | None:
        asked = self._one(path, body)
        if asked is None:
            return None
        found: Header = self._promised("a block", lambda: _header(json.loads(asked.raw)))
        return found

    # --- where to go on -----------------------------------------------------------------------------------------------

    def _going_on(self, address: Address, checkpoint: Checkpoint | None) -> tuple[Checkpoint, int, Header]:
        """Where reading goes on: the checkpoint, the first moment to read, the newest block. Raises Reorg."""
        if address.chain != self.chain:
            raise InputError(f"{address} is not of {self.chain}, which {self.name} reads")
        checkpoint = checkpoint or Checkpoint()
        head = self._head()
        return checkpoint, self._first(checkpoint, head), head

    def _first(self, checkpoint: Checkpoint, head: Header) -> int:
        """The first moment to read. Raises Reorg if the checkpoint's block is not what it was."""
        block = None
        if checkpoint.block is not None:
            block = head if checkpoint.block == head.number else self._block(checkpoint.block)
            if checkpoint.block_hash not in (None, block.hash):
                self._feeds.forget()
                self._events.clear()
                raise Reorg(f"block {checkpoint.block} is no longer {checkpoint.block_hash}")
        before = mark(checkpoint)
        if before is not None:
            return before.at + 1
        if block is not None:  # went back to it after a reorg
            return block.at + 1
        return self._block(self._start).at if self._start else 0

    def _end(self, upto: Mark, before: Checkpoint, found: Sequence[Transaction | Log], head: Header) -> Checkpoint:
        """Where a page ends. Its block never lies beyond the cursor, so that going back to it leaves out nothing."""
        if upto.at >= head.at:
            return Checkpoint(str(upto), head.number, head.hash)
        last = next((one for one in reversed(found) if one.block is not None), None)
        if last is None or last.block is None:
            return Checkpoint(str(upto), before.block, before.block_hash)
        block = self._block(last.block)
        if tron.moment(block.at) != last.at:
            raise Reorg(f"block {block.number} changed while it was read")
        return Checkpoint(str(upto), block.number, block.hash)

    # --- requests -----------------------------------------------------------------------------------------------------

    def _one(self, path: str, body: Mapping[str, Any]) -> Asked | None:
        """What a node knows by number or hash; None if it does not know it."""
        asked = self._web.post(path, dict(body))
        return None if isinstance(asked.reply, Empty) else asked

    def _infos(self, rows: Iterable[Mapping[str, Any]]) -> list[bytes]:
        """How transactions ended whose rows leave doubts. One of a contract tells how all its logs look."""
        doubts: dict[str, str] = self._promised("a row", lambda: tron.doubts(rows))
        return [self._info(tx_hash, contract) for tx_hash, contract in doubts.items()]

    def _info(self, tx_hash: str, contract: str) -> bytes:
        kept = self._told.get(contract) if contract else None
        if kept is None:
            asked = self._one("/wallet/gettransactioninfobyid", {"value": tx_hash})
            if asked is None:
                raise SourceBusy(f"{self._web.host} lists {tx_hash}, but does not know how it ended yet")
            kept = asked.raw
            if contract:
                self._told.put(contract, kept)
        return kept

    def _promised(self, what: str, decoded: Callable[[], Any]) -> Any:
        """What a reply says. Raises SourceBroken if it is not as documented."""
        try:
            return decoded()
        except WRONG as wrong:
            text = f"{self._web.host}: {what} is not as documented: {type(wrong).__name__} {wrong}"
            raise SourceBroken(text) from None

    def _lists(self, listings: Mapping[str, Listing]) -> Feeds:
        return Feeds({name: partial(self._list, listing) for name, listing in listings.items()})

    def _list(self, listing: Listing, address: Address, start: int, end: int) -> Slice:
        """A Feed: one reply of a list, without the last moment of a full one, for that may go on in the next."""
        params: Params = {
            "limit": self._rows,
            "order_by": "block_timestamp,asc",
            f"min_{listing.time}timestamp": start,
            f"max_{listing.time}timestamp": end,
            "only_confirmed": "true",
            **listing.only,
        }
        ask = partial(self._reply, listing.path.format(address.text), params, end=end)
        rows, more, raw = ask(start)
        if not rows or (more is None and len(rows) < self._rows):
            return Slice(rows, end, [raw])
        last = rows[-1].position
        if rows[0].position < last:
            return Slice([row for row in rows if row.position < last], last - 1, [raw])
        return _crowded(ask, rows, more, [raw], end, self._rows)

    def _reply(self, path: str, params: Params, least: int, fingerprint: str | None = None, *, end: int) -> Given:
        """Rows of a list from a moment on, what leads to those that follow, and the reply. All else stays as it is."""
        params = params if fingerprint is None else {**params, "fingerprint": fingerprint}
        reply, raw = self._web.get(path, params, partial(listed_rows, least, end))
        found, more = (reply.rows, reply.more) if isinstance(reply, Rows) else ([], None)
        return [Row(row["block_timestamp"], row) for row in found], more, raw

    def _page(  # noqa: PLR0917 - the parts of a page
        self,
        head: Header,
        checkpoint: Checkpoint,
        said: Said,
        raw: bytes,
        *,
        done: bool,
        block: Header | None = None,
    ) -> Page:
        hashes = {} if block is None else {block.number: block.hash}
        if checkpoint.block is not None and checkpoint.block_hash is not None:
            hashes[checkpoint.block] = checkpoint.block_hash
        since = f"from block {self._start}" if self._start and block is None else ""
        before = mark(checkpoint)
        reason = "; ".join(filter(None, (*(before.cut if before else ()), since)))
        coverage = Coverage("partial", reason) if reason else Coverage("complete")
        raw = raw or envelope("trongrid", {})
        return Page(self.name, raw, *said[:2], checkpoint, head.number, hashes, coverage, done)


def _header(said: Any) -> Header:
    raw = said["block_header"]["raw_data"]
    return Header(raw.get("number", 0), said["blockID"], raw.get("timestamp", 0))  # zeros are left out


def _crowded(  # noqa: PLR0917 - what a list goes on with
    ask: Callable[[int, str], Given], rows: list[Row], more: str | None, raws: list[bytes], end: int, full: int
) -> Slice:
    """A moment that one reply does not hold: read on by fingerprint, and marked if it does not end.

    A full reply without a fingerprint may be the last, or have lost it: github.com/TRON-US/trongrid/issues/23.
    """
    at, got = rows[0].position, len(rows)
    while more is not None and rows[-1].position == at:
        if len(raws) == MOST_REPLIES:
            return Slice(rows, at, raws, f"more than {len(rows)} rows at {tron.moment(at).isoformat()}")
        new, more, raw = ask(at, more)
        got = len(new)
        rows, raws, more = rows + new, [*raws, raw], more if new else None
    if rows[-1].position == at:
        lost = f"perhaps more than {len(rows)} rows at {tron.moment(at).isoformat()}" if got >= full else ""
        return Slice(rows, at if lost else end, raws, lost)
    return Slice([row for row in rows if row.position == at], at, raws)
