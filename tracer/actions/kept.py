"""What was traced against what is kept: every page against its SHA-256, pages read again, transfers as stored."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import zip_longest
from typing import BinaryIO

from tracer.errors import InputError, SourceBroken, StoreError
from tracer.exports import plain
from tracer.exports.plain import Plain
from tracer.exports.recheck import Difference, differing
from tracer.model import Address, Label, Transaction, Transfer
from tracer.registry.tagpacks import read_tagpack
from tracer.sources import parse
from tracer.sources.files import RawFile, read_labels, read_transfers
from tracer.store.rows import Page
from tracer.store.store import Store

Key = tuple[str, str]
FILE = "file:"
OPEN = ("tx_index", "initiator", "block", "whole", "ok")  # what may become known after the trace


@dataclass(slots=True)
class Kept:
    """What was traced, and what was found of it so far. `at`: when it was traced."""

    store: Store
    traced: Mapping[Key, Transaction]
    read: Set[Address]
    at: datetime
    progress: Callable[[str, int], None]
    left_out: Set[Key] = frozenset()  # what was known and not final when it was traced
    counts: dict[str, int] = field(default_factory=lambda: {"pages": 0, "pages_read_again": 0, "newer": 0})
    newer: bool = False  # a page was kept after the trace: what it brought is no difference
    unread: set[str] = field(default_factory=set)  # sources whose pages cannot be read again
    extra: dict[Key, dict[str, Transfer]] = field(default_factory=lambda: defaultdict(dict))
    proven: set[str] = field(default_factory=set)

    # --- pages

    def pages(self) -> Iterator[Difference]:
        """Every page against its hash; then what the pages that can be read again say against what was traced."""
        file: _File | None = None
        for number, page_id in enumerate(self.store.page_ids(), 1):
            try:
                page = self.store.page(page_id)
            except StoreError as wrong:
                yield Difference("page", f"page {page_id}", "a page as it came", str(wrong))
                continue
            found = sha256(page.raw).hexdigest()
            if found != page.sha256:
                yield Difference("page", f"page {page.id} ({page.name}, part {page.sequence + 1})", page.sha256, found)
            self.newer |= page.recorded_at > self.at
            self.counts["pages"] = number
            self.progress("pages checked", number)
            if file is not None and file.source != page.source:
                yield from self._read(file)
                file = None
            if page.source.startswith(FILE):
                file = file or _File(page)
                file.content.write(page.raw)
            else:
                yield from self._reply(page)
        if file is not None:
            yield from self._read(file)
        yield from self._unproven()

    def _read(self, file: _File) -> Iterator[Difference]:
        """A file put together again from its pages."""
        with closing(file.content):
            raw = RawFile(file.page.name, file.content)
            found = FILE + raw.digest()
            if found != file.source:
                yield Difference("page", f"all pages of {raw.name}", file.source, found)
            try:
                yield from self._said(raw, file.page)
            except InputError as wrong:
                yield Difference("page", f"all pages of {raw.name}", "a file that was read", str(wrong))
            self.counts["pages_read_again"] += 1

    def _reply(self, page: Page) -> Iterator[Difference]:
        """A page of a node, where it can be read again."""
        try:
            said = parse(page.raw).transactions
        except (InputError, SourceBroken):
            self.unread.add(page.source)
            return
        self.counts["pages_read_again"] += 1
        for one in said:
            traced = self.traced.get((one.chain, one.tx_hash))
            if traced is None or traced.block == one.block:  # else a reorg moved it: another page proves it
                yield from self._transaction(one, page)

    def _said(self, raw: RawFile, page: Page) -> Iterator[Difference]:
        if page.kind == "transfers":
            for one in read_transfers(raw).transactions():
                yield from self._transaction(one, page)
        elif not page.kind.startswith("feed "):  # what a feed says depends on what was known when it was taken in
            raw.content.seek(0)
            tagpack = page.kind == "tagpack"
            labels = read_tagpack(raw.content, raw.name).labels if tagpack else read_labels(raw).labels
            yield from self._labels(labels, page)

    def _transaction(self, said: Transaction, page: Page) -> Iterator[Difference]:
        key = (said.chain, said.tx_hash)
        traced = self.traced.get(key)
        if traced is None:
            due = page.recorded_at <= self.at and not self.read.isdisjoint(_ends(said)) and key not in self.left_out
            if due and not self.store.withdrawn([key]):
                yield Difference("transaction", f"transactions[{' '.join(key)}]", None, f"as in {page.name}")
            return
        yield from _heads(plain.transaction(traced), plain.transaction(said), said_only=True)
        known = {transfer.id for transfer in traced.transfers}
        for transfer in said.transfers:
            if transfer.id in known:
                self.proven.add(transfer.id)
            elif page.recorded_at <= self.at:
                self.extra[key][transfer.id] = transfer

    def _labels(self, said: Iterable[Label], page: Page) -> Iterator[Difference]:
        rows = {_claim(label): label for label in said}
        stored = self.store.labels(sorted({label.address for label in rows.values()}), history=True)
        known = {_claim(label): label for label in stored}
        for label in (label for claim, label in rows.items() if claim not in known):
            others = (one for claim, one in known.items() if claim not in rows and one.address == label.address)
            other = next(others, None)
            where = f"labels[{label.address} in {page.name}]"
            yield from differing(where, plain.label(label), plain.label(other) if other else None)

    def _unproven(self) -> Iterator[Difference]:
        """What was traced and is on no page, beside what the pages say in its place."""
        whole = not self.unread and self.proven
        left = 0
        for key, one in self.traced.items():
            missing = {t.id: t for t in one.transfers if t.id not in self.proven}
            left += len(missing)
            if whole or self.extra.get(key):
                yield from _transfers(one, missing, self.extra.get(key, {}))
        self.counts["transfers_on_a_page"] = len(self.proven)
        self.counts["transfers_on_none"] = left

    # --- what is stored

    def stored(self) -> Iterator[Difference]:
        """Transactions and transfers as the store has them now."""
        found = self.store.transactions_of(sorted(self.read)) + self.store.transactions(self.traced.keys())
        stored = {(one.chain, one.tx_hash): one for one in found}
        missing = self.traced.keys() - stored.keys()
        gone = self.store.withdrawn(missing) if missing else {}
        self.counts["withdrawn_since"] = sum(when > self.at for _, _, when in gone.values())
        for key, one in self.traced.items():
            if key in stored:
                yield from self._same(one, stored[key])
            elif key not in gone or gone[key][2] <= self.at:
                yield Difference("transaction", f"transactions[{' '.join(key)}]", plain.transaction(one), None)
        for key in sorted(stored.keys() - self.traced.keys() - self.left_out):
            if self.newer:
                self.counts["newer"] += 1
            else:
                yield Difference("transaction", f"transactions[{' '.join(key)}]", None, plain.transaction(stored[key]))

    def _same(self, traced: Transaction, stored: Transaction) -> Iterator[Difference]:
        yield from _heads(plain.transaction(traced), plain.transaction(stored), said_only=self.newer)
        before, now = ({t.id: t for t in one.transfers} for one in (traced, stored))
        missing = {key: t for key, t in before.items() if key not in now}
        extra = {key: t for key, t in now.items() if key not in before}
        if self.newer and not missing:
            self.counts["newer"] += len(extra)
            extra = {}
        yield from _transfers(traced, missing, extra)
        for key in before.keys() & now.keys():
            yield from differing(f"transfers[{key}].outpoint", before[key].outpoint, now[key].outpoint)


@dataclass(slots=True)
class _File:
    """A file that is put together again; `page` is its first one."""

    page: Page
    content: BinaryIO = field(default_factory=tempfile.TemporaryFile)

    @property
    def source(self) -> str:
        return self.page.source


def _ends(one: Transaction) -> set[Address]:
    return {end for t in one.transfers for end in (t.sender, t.recipient) if end}


def _claim(label: Label) -> str:
    return str(plain.label(label))


def _heads(traced: Plain, other: Plain, *, said_only: bool) -> Iterator[Difference]:
    """`said_only`: the other may know less, or has learned more since: only what both say must agree."""
    where = f"transactions[{traced['chain']} {traced['tx_hash']}]"
    for name, value in traced.items():
        unknown = (None, False, True) if name in ("ok", "whole") else (None,)
        if said_only and name in OPEN and (value in unknown or other[name] in unknown):
            continue
        yield from differing(f"{where}.{name}", value, other[name])


def _transfers(
    one: Transaction, missing: Mapping[str, Transfer], extra: Mapping[str, Transfer]
) -> Iterator[Difference]:
    """What was traced and is not there, beside what is there and was not traced."""
    traced, found = ([ours[key] for key in sorted(ours)] for ours in (missing, extra))
    for before, now in zip_longest(traced, found):
        if before is not None and now is not None:
            rows = (plain.transfer(each, one, None) for each in (before, now))
            old, new = ({name: value for name, value in row.items() if name != "id"} for row in rows)
            yield from differing(f"transfers[{before.id}]", old, new)
        else:
            of = before or now
            assert of is not None  # noqa: S101 - one of them is there
            yield Difference("transfer", f"transfers[{of.id}]", _row(before, one), _row(now, one))


def _row(transfer: Transfer | None, within: Transaction) -> Plain | None:
    return plain.transfer(transfer, within, None) if transfer else None
