"""Etherscan's API V2: the lists of an address and of a contract's events, by block, oldest first.

A full reply is complete up to the block before its last one; a block that fills it is read page by page, and one that
holds more than can be read at all is named in the coverage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tracer.chains import event_topic
from tracer.errors import RangeTooLarge, SourceBusy
from tracer.model import Address, Checkpoint
from tracer.sources.base import Said, SourceSettings, envelope
from tracer.sources.budget import Budget
from tracer.sources.etherscan_rows import LISTS, account_reply, full, list_reply, log, number, parse, proxy_reply, said
from tracer.sources.events import LogPage
from tracer.sources.explorer import Explorer, Head, Part
from tracer.sources.feeds import Feeds, Row, Slice
from tracer.sources.reply import Empty, Good, Partial, Rows
from tracer.sources.web import Asked, Params

_PROXY = {"eth_getBlockByNumber": ("tag", "boolean"), "eth_blockNumber": ()}


class Etherscan(Explorer):
    """A Source (see there): Etherscan's API V2, or one that speaks like it."""

    path = ""

    def __init__(self, settings: SourceSettings, budget: Budget, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(settings, budget, read=account_reply, headers=headers or {})
        self._feeds = self._lists(LISTS)
        self._events: dict[tuple[str, ...], Feeds] = {}  # by first topics

    def own(self) -> dict[str, str | int]:
        """What is added to every request."""
        return {"chainid": self.chain.removeprefix("eip155:"), "apikey": self.key}

    def node(self, method: str, *params: Any) -> Asked:
        """See Explorer."""
        values = (str(value).lower() for value in params)
        named = dict(zip(_PROXY.get(method, ("txhash",)), values, strict=True))
        return self.web.get(self.path, {"module": "proxy", "action": method, **named, **self.own()}, proxy_reply)

    def parse(self, raw: bytes) -> tuple[Said, dict[int, str]]:
        """See Explorer."""
        return said(raw)

    def forget(self) -> None:
        """See Explorer."""
        self._feeds.forget()
        self._events.clear()

    def beside(self, tx_hash: str) -> tuple[dict[str, list[bytes]], str]:
        """See Explorer."""
        asked = self.web.get(self.path, self._account("txlistinternal", {"txhash": tx_hash}))
        most, reply = self.provider.page_rows, asked.reply
        lacks = reply.reason if isinstance(reply, Partial) else ""
        if isinstance(reply, Rows) and full(reply.rows, most):
            lacks = f"only {len(reply.rows):,} inner calls are shown"
        return {"inner": [asked.raw]}, lacks

    def lasting(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """The blocks that hold more than can be read, kept in the cursor."""
        try:
            kept = json.loads(checkpoint.cursor or "{}")
        except ValueError:
            return ()
        return tuple(kept.get("cut", ())) if isinstance(kept, dict) else ()

    def read(self, address: Address, checkpoint: Checkpoint, start: int, head: Head) -> Part:
        """See Explorer."""
        got = self._feeds.read(address, start, head.number)
        about = {"chain": self.chain, "address": address.text, "from": start, "upto": got.upto}
        raw = envelope(self.kind, got.raw, **about)
        found, blocks = self.parse(raw)
        cut = (*self.lasting(checkpoint), *((got.cut,) if got.cut else ()))
        if got.partial:
            return Part(raw, found, checkpoint, blocks, (*cut, got.partial))
        cursor = json.dumps({"cut": cut}) if cut else None
        end = Checkpoint(cursor, got.upto, self.hash_now(got.upto, head))
        return Part(raw, found, end, blocks, cut, got.upto >= head.number)

    def logs(self, contract: Address, signatures: Sequence[str], checkpoint: Checkpoint | None) -> LogPage:
        """The next logs of a contract; see EventSource. Each event has a list of its own."""
        before, start, head = self.going_on(contract, checkpoint)
        if start > head.number:
            return LogPage(start, (), before, b"", done=True)
        topics = tuple(map(event_topic, signatures))
        got = self._events.setdefault(topics, self._lists(topics)).read(contract, start, head.number)
        if got.partial:
            raise SourceBusy(f"{self.web.host}: {got.partial}")
        if got.cut:
            raise RangeTooLarge(f"{self.web.host}: {got.cut}")
        rows = ((topic, row.says) for topic in topics for row in got.rows[topic])
        found = self.promised(lambda: [log(contract, topic, row) for topic, row in rows])
        found.sort(key=lambda one: (one.block, one.index))
        raw = envelope("logs", got.raw, chain=self.chain, contract=contract.text)
        end = Checkpoint(block=got.upto, block_hash=self.hash_now(got.upto, head))
        return LogPage(start, tuple(found), end, raw, done=got.upto >= head.number)

    # --- one list -----------------------------------------------------------------------------------------------------

    def _lists(self, names: Sequence[str]) -> Feeds:
        """Lists of an account by their action, of a contract's events by their first topic."""
        return Feeds({name: partial(self._feed, name) for name in names})

    def _feed(self, name: str, address: Address, start: int, end: int) -> Slice:
        while True:
            try:
                asked = self._ask(name, address, start, end)
                break
            except RangeTooLarge:
                if start == end:
                    raise
                end = start + (end - start) // 2
        rows, partial_ = _sorted(asked.reply)
        if not full(list(rows), self.provider.page_rows):
            return Slice(rows, end, [asked.raw], partial=partial_)
        last = rows[-1].position
        if last == start:
            return self._inside(name, address, start)
        return Slice([row for row in rows if row.position < last], last - 1, [asked.raw], partial=partial_)

    def _inside(self, name: str, address: Address, block: int) -> Slice:
        """The rows of a block that fills a whole reply."""
        most, window = self.provider.page_rows, self.provider.window_rows
        rows: list[Row] = []
        raw, reasons = [], []
        for page in range(1, (window or most) // most + 1):
            try:
                asked = self._ask(name, address, block, block, page)
            except RangeTooLarge:  # the window is smaller than it was
                break
            more, reason = _sorted(asked.reply)
            rows += more
            raw.append(asked.raw)
            reasons.append(reason)
            if not full(list(more), most):
                return Slice(rows, block, raw, partial="; ".join(filter(None, reasons)))
        cut = f"block {block} holds more rows of {name} than the {len(rows):,} that can be read"
        return Slice(rows, block, raw, cut, "; ".join(filter(None, reasons)))

    def _ask(self, name: str, address: Address, start: int, end: int, page: int = 1) -> Asked:
        most = self.provider.page_rows
        asked: dict[str, str | int] = {"address": address.text, "page": page, "offset": most}
        if name in LISTS:
            params = self._account(name, {**asked, "startblock": start, "endblock": end, "sort": "asc"})
        else:
            asked |= {"module": "logs", "action": "getLogs", "topic0": name, "fromBlock": start, "toBlock": end}
            params = {**asked, **self.own()}
        return self.web.get(self.path, params, partial(list_reply, start=start, end=end, most=most))

    def _account(self, name: str, asked: Mapping[str, str | int]) -> Params:
        return {"module": "account", "action": name, **asked, **self.own()}


def _sorted(reply: Good) -> tuple[list[Row], str]:
    if isinstance(reply, Empty):
        return [], ""
    rows = sorted((Row(number(row["blockNumber"]), row) for row in reply.rows), key=lambda row: row.position)
    return rows, reply.reason if isinstance(reply, Partial) else ""


__all__ = ["Etherscan", "parse"]
