"""Follow a case's money: read round by round in order of worth, fold, find, and keep the result."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tracer.actions.deposits import learn
from tracer.actions.flag import put, withdrawing
from tracer.actions.registry import refresh
from tracer.actions.reports import free_origins, hold
from tracer.detect import bridges
from tracer.detect.coinjoin import CoinJoin, coinjoins
from tracer.detect.kyc import POLICY, Policy
from tracer.detect.poisoning import Doubt, dropped
from tracer.detect.rules import Known
from tracer.errors import Conflict, UnknownMethod
from tracer.exports.document import canonical
from tracer.exports.plain import place
from tracer.exports.tell import DISAGREEMENT, UNCONFIRMED, Work, tell
from tracer.model import (
    ENGINE,
    Address,
    AssetId,
    Case,
    CaseState,
    Coverage,
    Crossing,
    Gap,
    Limits,
    Report,
    Transaction,
)
from tracer.store.rows import Hold, Read
from tracer.store.store import Store
from tracer.taint.flow import Flow, Result
from tracer.taint.hubs import Key
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels

if TYPE_CHECKING:
    from tracer.taint.kernel.history import History

COLUMNS_FROM = 20_000  # transfers: from where the kernel folds, reading values takes five times as long as columns
FILE = Coverage("partial", "file")
READ = frozenset({"complete", "partial"})
ROUND = 16  # addresses a round reads at least where there is a budget; later rounds half as many as were read


@dataclass(frozen=True, slots=True)
class Round:
    """Progress: how many addresses were read and how many are wanted."""

    number: int
    read: int
    wanted: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Traced:
    """A trace that was run. `new`: its digest is another than the case's last one; `flags`: versions written."""

    document: Mapping[str, Any]
    new: bool
    flags: int


@dataclass(slots=True)
class Reading:
    """What was read so far, and in which order."""

    store: Store
    flow: Flow
    live: frozenset[str]
    columns_from: int | None
    unconfirmed: Set[tuple[str, str]] = frozenset()  # what lies above the final block
    leave_out: bool = True  # it
    left_out: dict[str, Transaction] = field(default_factory=dict)
    order: list[Address] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    weight: int = 0  # transfers, about, as far as they were counted
    history: History | None = None  # what the flow holds, if that is columns
    labelled: set[Address] = field(default_factory=set)
    symbols: dict[AssetId, str] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    coverage: dict[Address, Coverage] = field(default_factory=dict)
    coinjoins: dict[Key, CoinJoin] = field(default_factory=dict)
    joins: dict[Key, list[bridges.Joined]] | None = None  # by the payment's transaction; read when one may matter
    crossings: list[Crossing] = field(default_factory=list)
    sought: set[Key] = field(default_factory=set)  # payouts' transactions that were looked for

    def readable(self, wanted: list[Address]) -> list[Address]:
        """Those that can be read: on a live chain the ones a source was pulled for, elsewhere all of them."""
        unknown = [address for address in wanted if address.chain in self.live and address not in self.coverage]
        found = [read for read in self.store.coverage(unknown) if read.coverage.state in READ] if unknown else []
        for read in sorted(found, key=_reach):  # what the source that read furthest says of it
            self.coverage[read.address] = read.coverage
        for address in wanted:
            if address.chain not in self.live:
                self.coverage[address] = FILE
        return [address for address in wanted if address in self.coverage]

    def addresses(self, addresses: list[Address]) -> None:
        """Read what these addresses moved."""
        self.order.extend(addresses)
        if not self._is_big(addresses) or not self._hold():
            self._take(self.store.transactions_of(addresses), addresses)

    def transactions(self, keys: list[Key]) -> None:
        """Read these transactions."""
        self.keys.extend(keys)
        self._take(self.store.transactions(keys), [])

    def _is_big(self, addresses: list[Address]) -> bool:
        if self.columns_from is None:
            return False
        self.weight += self.store.weight(addresses, self.columns_from - self.weight)
        return self.weight >= self.columns_from

    def _hold(self) -> bool:
        """Read all that is wanted so far as columns, where they can hold it."""
        history = self.store.history(self.order, self.keys)
        left_out = {tx_hash for _, tx_hash in self.unconfirmed} if self.leave_out else set()
        crossed = bool(self.store.logs(bridges.CONTRACTS))  # what crosses a bridge is planned by hand
        if history is None or crossed or (left_out and history.find(left_out)):
            self.columns_from = None
            return False
        self._know({*history.ends, *self.order}, set(history.assets))
        self.history = history
        self.flow.hold(history, self.order)
        return True

    def _take(self, found: list[Transaction], read: list[Address]) -> None:
        if self.unconfirmed and self.leave_out:
            self.left_out |= {one.tx_hash: one for one in found if (one.chain, one.tx_hash) in self.unconfirmed}
            found = [one for one in found if (one.chain, one.tx_hash) not in self.unconfirmed]
        ends = {end for one in found for t in one.transfers for end in (t.sender, t.recipient) if end}
        self._know(ends | set(read), {t.asset for one in found for t in one.transfers})
        self.history = None
        self.flow.feed(found, read)
        keys = {(one.chain, one.tx_hash) for one in found}
        unchanged = {key: mix for key, mix in self.coinjoins.items() if key not in keys}
        self.coinjoins = unchanged | coinjoins(self.flow.transactions[key] for key in keys)
        if self.joins is None and bridges.met(found):
            self.joins = defaultdict(list)
            for one in bridges.joins(self.store.logs(bridges.CONTRACTS)):
                self.joins[one.out.transaction].append(one)

    def _know(self, places: set[Address], assets: set[AssetId]) -> None:
        """Hear the labels of these, and learn how assets call themselves."""
        self.flow.labels.add(self.store.labels(places - self.labelled))
        self.labelled |= places
        self.symbols |= {asset.id: asset.symbol for asset in self.store.assets(assets - self.symbols.keys())}

    def fold(self) -> Result:
        """Fold what was read, without its poison."""
        self._cross()
        self.dropped = self._dropped()
        return self.flow.fold(self.dropped.keys(), self.coinjoins.keys(), self.crossings)

    def _cross(self) -> None:
        """What crossed a bridge; the payout's transaction is taken too, as far as it is stored."""
        while True:
            joins = self.joins or {}
            mine = [one for key, joined in joins.items() if key in self.flow.transactions for one in joined]
            payouts = {one.into.transaction for one in mine if one.into} - self.flow.transactions.keys() - self.sought
            if not payouts:
                break
            self.sought |= payouts
            self.transactions(sorted(payouts))
        self.crossings = bridges.crossings(sorted(mine, key=lambda one: one.out.order), self.flow.transactions)

    def _dropped(self) -> dict[str, str]:
        if self.history is None:
            return dropped(list(self.flow.transactions.values()), self.symbols, self.flow.read)
        from tracer.taint.kernel.doubt import doubtful  # noqa: PLC0415 - numba is loaded by those who need it

        doubt = Doubt.of(self.history.assets, self.history.addresses)
        rows, read = doubtful(self.history, doubt.assets, doubt.looks, doubt.dust, self.flow.read)
        return dropped([self.history.transaction(row) for row in rows], self.symbols, read)


def _reach(read: Read) -> tuple[int, bool]:
    return -1 if read.checkpoint.block is None else read.checkpoint.block, read.coverage.state == "complete"


def trace(
    store: Store,
    case_name: str,
    actor: str,
    *,
    method: str | None = None,
    limits: Limits | None = None,
    policy: Policy = POLICY,
    live: Collection[str] = (),
    include_unconfirmed: bool = False,
    flags: bool = True,
    progress: Callable[[Round], None] = lambda _round: None,
    columns_from: int | None = COLUMNS_FROM,
) -> Traced:
    """Trace a case. Writes one commit at its end: interrupted, it leaves nothing behind but deposit addresses' labels.

    On the chains in `live` an address is read if a live source was pulled for it; elsewhere what was imported is read.
    What lies above the newest final block counts only with `include_unconfirmed`, and is named as a gap and in flags.
    From `columns_from` transfers on what is read is held as columns, which changes nothing that is found; None: never.
    Without `flags` the flags are left to the action of that name. Raises NotFound for the case, UnknownMethod, Conflict
    for a closed case.
    """
    case = store.case(case_name)
    if case.state is CaseState.CLOSED:
        raise Conflict(f"case {case.name} is closed: open a new one to trace on")
    limits = limits or Limits()
    method = method or case.method
    if method not in METHODS:
        raise UnknownMethod(f"{method!r} is no method: take one of {', '.join(METHODS)}")
    registry = refresh(store)
    hold(store, _reports(store, case), actor)
    origins, held = free_origins(store, case)
    with collector_paused():
        learning = True
        while learning:  # once more where more addresses are an exchange's than were known
            flow = Flow(origins, Labels((), limits.min_confidence), limits)
            reading = Reading(store, flow, frozenset(live), columns_from)
            reading.unconfirmed, reading.leave_out = store.unconfirmed(), not include_unconfirmed
            result = _read(reading, replace(case, origins=origins), progress)
            learning = learn(store, actor, result)
        made = tell(_work(case, method, Known(registry.entity_of, policy, reading.coinjoins), reading), result)
    made["quarantined"] = [_held(one) for one in held]
    return _keep(store, case, actor, made, flags=flags)


def _reports(store: Store, case: Case) -> list[Report]:
    """The reports that name the case's origins."""
    ids = sorted({name for spec in case.origins for name in spec.report_ids})
    return store.reports(ids) if ids else []


def _held(one: Hold) -> dict[str, Any]:
    """What a report would originate, were it not held in quarantine."""
    said = {"report_id": one.report.report_id, **place(one.report.address), "tx_hash": one.report.tx_hash}
    return said | {"reason": one.reason}


def _read(reading: Reading, case: Case, progress: Callable[[Round], None]) -> Result:
    """Read the reported addresses and payments, then round by round what is wanted, until the limits."""
    limits = reading.flow.limits
    ranked = limits.addresses is not None  # else all that is wanted is read in the end
    reading.labelled |= {spec.address for spec in case.origins}
    reading.flow.labels.add(reading.store.labels(sorted(reading.labelled)))
    result = reading.fold()
    reading.transactions(result.wanted_transactions())
    result = reading.fold()
    number, wanted = 0, result.wanted(ranked=ranked)
    while batch := _round(reading.readable(wanted), len(reading.order), limits):
        number += 1
        reading.addresses(batch)
        result = reading.fold()
        wanted = result.wanted(ranked=ranked)
        progress(Round(number, len(reading.order), len(wanted), len(reading.flow.transactions)))
    return result


def _round(wanted: list[Address], read: int, limits: Limits) -> list[Address]:
    """Without a budget all that is wanted, since all of it is read in the end; with one the worthiest, fold by fold."""
    if limits.addresses is None:
        return wanted
    return wanted[: min(max(ROUND, read // 2), max(0, limits.addresses - read))]


@contextmanager
def collector_paused() -> Iterator[None]:
    """A fold makes millions of small values and no cycles: pausing the cycle collector halves its time (measured)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _work(case: Case, method: str, known: Known, reading: Reading) -> Work:
    assets = reading.store.assets(sorted(reading.symbols))
    coverage = {address: reading.coverage[address] for address in reading.order}  # known but not read is unread
    gaps = [*_unconfirmed(reading), *_disagreements(reading)]
    return Work(case.name, method, known, reading.dropped, reading.order, coverage, assets, reading.crossings, gaps)


def _unconfirmed(reading: Reading) -> Iterator[Gap]:
    """What may still be gone tomorrow: what counted though it is not final, or was left out for that."""
    known = reading.flow.transactions
    counted = [known[key] for key in sorted(reading.unconfirmed) if key in known]
    for some, text in ((counted, "it counts, though"), (reading.left_out.values(), "left out:")):
        for one in some:
            ends = sorted({end for t in one.transfers for end in (t.sender, t.recipient) if end})
            yield Gap(UNCONFIRMED, f"{text} its block is not final", ends[0] if ends else None, one.tx_hash, at=one.at)


def _disagreements(reading: Reading) -> Iterator[Gap]:
    """Where two sources of what was read do not say the same."""
    read = {str(address): address for address in reading.order}
    first = {address.chain: address for address in reversed(reading.order)}
    for one in reading.store.disagreements():
        named = read.get(one.subject.partition(" ")[0])
        where = first.get(one.chain) if one.kind == "block" else named
        if where is not None:
            sides = f"{one.one} says {one.one_says}; {one.other} says {one.other_says}"
            yield Gap(DISAGREEMENT, f"sources differ on {one.kind} {one.subject}: {sides}", where, at=one.recorded_at)


def _keep(store: Store, case: Case, actor: str, made: dict[str, Any], *, flags: bool) -> Traced:
    gone = withdrawing(store, case.id)
    with store.act(actor, "trace", case.name, digest=made["digest"], method=made["method"]) as work:
        new = work.add_trace(
            case_id=case.id,
            digest=made["digest"],
            engine=ENGINE,
            method=made["method"],
            settings={"limits": made["limits"], "policy": made["policy"]},
            stopped=made["stopped"],
            result=canonical(made),
        )
        written = put(work, case.id, made["flags"], gone) if flags else 0
    return Traced(made, new, written)
