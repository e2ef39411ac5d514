"""What the issuers of stablecoins froze: read from their contracts' events, and told of an address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event

from tracer.chains import listed
from tracer.errors import Reorg, SourceError
from tracer.exports import plain
from tracer.exports.plain import Plain
from tracer.model import Address, AssetId, Freeze
from tracer.sources import Source
from tracer.sources.issuers import FreezePage, Issuers, issued_on
from tracer.store.store import Store

PAGES = 50  # of one token in one run; the next run goes on


@dataclass(slots=True)
class FreezesRead:
    """What a run read. `new`: events that were not known; `failed`: which token at which source, and why."""

    pages: int = 0
    new: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def read_freezes(store: Store, sources: Iterable[Source], actor: str, stop: Event | None = None) -> FreezesRead:
    """Read what issuers did, on every chain, from the first source that tells it; up to PAGES pages a token.

    A token that fails is named and stops no other; what was read of it before is kept.
    """
    run = _Run(store, actor, stop or Event(), FreezesRead())
    first: dict[str, Issuers] = {}
    for source in sources:
        if isinstance(source, Issuers):
            first.setdefault(source.chain, source)
    for issuers in first.values():
        run.all_of(issuers)
    if run.done.new:
        with store.act(actor, "freezes", "chain data", new=run.done.new) as work:
            work.changed = True
    return run.done


@dataclass(frozen=True, slots=True)
class _Run:
    """One reading. Page and head are one commit: killed at any moment, it repeats work and doubles nothing."""

    store: Store
    actor: str
    stop: Event
    done: FreezesRead

    def all_of(self, source: Issuers) -> None:
        """Every token of a source's chain."""
        for asset in issued_on(source.chain):
            try:
                self._token(source, asset)
            except SourceError as error:
                self.done.failed.append((f"{_symbol(asset)} by {source.name}", str(error)))

    def _token(self, source: Issuers, asset: AssetId) -> None:
        heads = (one for one in self.store.freeze_heads(asset.chain) if one.asset == asset)
        known = next((head for head in heads if head.source == source.name), None)
        since, reached = (known.since, known.checkpoint) if known else (None, None)
        for _ in range(PAGES):
            if self.stop.is_set():
                return
            try:
                page = source.freezes(asset, reached)
            except Reorg as gone:
                if reached is None:
                    raise
                self._withdraw(source, asset, str(gone))
                since, reached = None, None
                continue
            since, reached = page.start if since is None else since, page.checkpoint
            self._keep(source, asset, page, since)
            if page.done:
                return

    def _keep(self, source: Issuers, asset: AssetId, page: FreezePage, since: int) -> None:
        with self.store.pages() as work:
            self.done.new += work.add_freezes(source.name, page.freezes)
            if page.freezes:
                work.add_page(source.name, str(asset), page.checkpoint.block or 0, page.raw, kind="events")
            work.set_freeze_head(asset, source.name, page.checkpoint, since=since, done=page.done)
        self.done.pages += 1

    def _withdraw(self, source: Issuers, asset: AssetId, why: str) -> None:
        """The chain they were read from is gone: all of them are read again."""
        with self.store.act(self.actor, "reorg", f"freezes of {asset}", source=source.name, why=why) as work:
            work.note(withdrawn=work.withdraw_freezes(source.name, asset))
            work.changed = True


def _symbol(asset: AssetId) -> str:
    token = listed(asset)
    return token.symbol if token else asset.contract


def frozen(store: Store, addresses: Collection[Address]) -> Mapping[Address, list[Plain]]:
    """Of each address, every token whose issuer's events name it, with what the last of them says.

    `state`: frozen, unfrozen, destroyed. An address that is not named was never touched only in those of `tokens_read`.
    """
    last = {(one.address, one.asset): one for one in store.freezes(addresses)}
    found: dict[Address, list[Plain]] = defaultdict(list)
    for (address, asset), event in sorted(last.items()):
        found[address].append(_told(asset, event))
    return found


def tokens_read(store: Store) -> Mapping[AssetId, Plain]:
    """The tokens whose events were read to the newest final block: from block `since` on, `as_of` when, by `source`."""
    return {
        head.asset: {
            "asset": head.asset.contract,
            "symbol": _symbol(head.asset),
            "since": head.since,
            "as_of": plain.moment(head.at),
            "source": head.source,
        }
        for head in store.freeze_heads()
        if head.done
    }


def every_token(store: Store, address: Address) -> list[Plain]:
    """As `frozen`, with a row for each token that can be frozen on the chain: `none` was read and never touched,
    `unknown` was not read, which says nothing.
    """
    known = {row["asset"]: row for row in frozen(store, [address])[address]}
    read = tokens_read(store)
    return [
        (known.get(asset.contract) or _told(asset, None) | {"state": "none" if asset in read else "unknown"})
        | {key: read.get(asset, {}).get(key) for key in ("since", "as_of", "source")}
        for asset in issued_on(address.chain)
    ]


def _told(asset: AssetId, last: Freeze | None) -> Plain:
    return {
        "asset": asset.contract,
        "symbol": _symbol(asset),
        "state": last.state if last else "",
        "at": plain.moment(last.at) if last else None,
        "tx_hash": last.tx_hash if last else None,
        "block": last.block if last else None,
        "amount": None if last is None or last.amount is None else str(last.amount),
    }
