"""Where dirty value starts: what a case reports, matched with the transfers that were read."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tracer.chains import is_listed
from tracer.model import Address, AssetId, Gap, Kind, OriginSpec, Transaction, Transfer
from tracer.taint.stops import STOPS, Labels


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin: always in one asset. `since`: from when on; None: from its first transfer."""

    id: str
    address: Address
    asset: AssetId
    tx_hash: str | None
    since: datetime | None
    report_ids: tuple[str, ...]


@dataclass(slots=True)
class Origins:
    """The origins of a case over a set of transactions. Address origins come to be as their assets turn up."""

    payments: dict[str, tuple[Origin, int]] = field(
        default_factory=dict
    )  # transfer id -> origin, the most it originates
    found: dict[str, Origin] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    _addresses: dict[Address, list[OriginSpec]] = field(default_factory=dict)
    _paid_out: Container[tuple[Address, AssetId]] = frozenset()

    @property
    def addresses(self) -> frozenset[Address]:
        """The reported addresses (not the recipients of reported payments)."""
        return frozenset(self._addresses)

    @property
    def named(self) -> frozenset[AssetId]:
        """The assets that a report names, or in which a reported payment was made."""
        said = {spec.asset for specs in self._addresses.values() for spec in specs if spec.asset is not None}
        return frozenset(said | {origin.asset for origin, _ in self.payments.values()})

    def of(self, address: Address, asset: AssetId, at: datetime) -> str | None:
        """The origin that clean money entering this pot at this moment takes, if any; it counts as found."""
        spec = self._spec(address, asset, at) if address in self._addresses else None
        if spec is None:
            return None
        name = _named(address, asset)
        if name not in self.found:
            self.found[name] = self._made(name, spec, address, asset)
        return name

    def would_be(self, address: Address, asset: AssetId, at: datetime) -> str | None:
        """The same, but it is not found by being asked for."""
        spec = self._spec(address, asset, at) if address in self._addresses else None
        return _named(address, asset) if spec else None

    def _spec(self, address: Address, asset: AssetId, at: datetime) -> OriginSpec | None:
        for spec in self._addresses[address]:
            if spec.asset is None and not is_listed(asset) and (address, asset) not in self._paid_out:
                continue
            if (spec.asset is None or spec.asset == asset) and (spec.since is None or spec.since <= at):
                return spec
        return None

    def _made(self, name: str, spec: OriginSpec, address: Address, asset: AssetId) -> Origin:
        said = [one for one in self._addresses[address] if one.asset in (None, asset)]
        report_ids = tuple(sorted({report_id for one in said for report_id in one.report_ids}))
        return Origin(name, address, asset, None, spec.since, report_ids)


def _named(address: Address, asset: AssetId) -> str:
    return f"address:{address}:{asset.contract}"


def match(
    specs: Sequence[OriginSpec],
    transactions: Mapping[tuple[str, str], Transaction],
    counted: Mapping[tuple[str, str], Sequence[Transfer]],
    labels: Labels,
    paid_out: Container[tuple[Address, AssetId]] | None = None,
) -> Origins:
    """Match what was reported with what was read. What cannot be matched, or must not count, is a gap.

    `paid_out`: which assets the reported addresses paid out, where that is known already.
    """
    origins = Origins()
    for spec in sorted(specs, key=_text):
        if spec.tx_hash is not None:
            _payment(origins, spec, transactions, counted)
        elif _is_custody(spec, labels):
            origins.gaps.append(
                Gap("origin_refused", f"{spec.address} is labelled a service: a report does not taint it", spec.address)
            )
        else:
            origins._addresses.setdefault(spec.address, []).append(spec)
    origins._paid_out = (
        paid_out
        if paid_out is not None
        else {
            (transfer.sender, transfer.asset)
            for transfers in counted.values()
            for transfer in transfers
            if transfer.sender in origins._addresses and transfer.kind is not Kind.FEE and transfer.sender
        }
    )
    return origins


def _text(spec: OriginSpec) -> tuple[str, ...]:
    return tuple(
        str(part or "") for part in (spec.address, spec.asset, spec.tx_hash, spec.amount, spec.since, spec.report_ids)
    )


def _is_custody(spec: OriginSpec, labels: Labels) -> bool:
    """A reported address at which other people's money comes in must not make all of it dirty."""
    claims = labels.of(spec.address)
    label = labels.at(spec.address, spec.since) if spec.since else (claims[0] if claims else None)
    return label is not None and STOPS[label.category] is not None


def _payment(
    origins: Origins,
    spec: OriginSpec,
    transactions: Mapping[tuple[str, str], Transaction],
    counted: Mapping[tuple[str, str], Sequence[Transfer]],
) -> None:
    key = (spec.address.chain, spec.tx_hash or "")
    if key not in transactions:
        origins.gaps.append(_gap("payment_not_read", "the reported payment's transaction was not read", spec))
        return
    found = _reported(spec, counted.get(key, ()), origins.payments)
    if not found:
        origins.gaps.append(_gap("payment_not_found", "no transfer of value to the reported address in it", spec))
    if len(found) > 1:
        text = f"no asset was named, and {len(found)} were paid to the reported address: each is an origin"
        origins.gaps.append(_gap("payment_ambiguous", text, spec))
    for transfer in found:
        _originate(origins, spec, transfer)


def _originate(origins: Origins, spec: OriginSpec, transfer: Transfer) -> None:
    if spec.amount is not None and spec.amount != transfer.amount:
        text = f"{spec.amount} was reported, {transfer.amount} was paid: the smaller is originated"
        origins.gaps.append(_gap("amount_differs", text, spec))
    most = transfer.amount if spec.amount is None else min(spec.amount, transfer.amount)
    before = origins.payments.get(transfer.id)
    report_ids = tuple(sorted({*spec.report_ids, *(before[0].report_ids if before else ())}))
    origin = Origin(f"payment:{transfer.id}", spec.address, transfer.asset, spec.tx_hash, None, report_ids)
    origins.payments[transfer.id] = (origin, max(most, before[1]) if before else most)
    origins.found[origin.id] = origin


def _reported(spec: OriginSpec, transfers: Iterable[Transfer], taken: Container[str]) -> list[Transfer]:
    """The transfer a report means, one for each asset where it names none.

    To that address, not from it; of several the one of that amount, then one that no other report means, then the
    largest: so two reports of two equal payments mean one each, and two reports of one payment mean the same.
    """
    best: dict[AssetId, Transfer] = {}
    for transfer in sorted(transfers, key=lambda t: (t.amount == spec.amount, t.id not in taken, t.amount, t.id)):
        fits = transfer.recipient == spec.address != transfer.sender and spec.asset in (None, transfer.asset)
        if fits:
            best[transfer.asset] = transfer
    exact = [transfer for transfer in best.values() if transfer.amount == spec.amount]
    return exact[:1] or [best[asset] for asset in sorted(best)]


def _gap(kind: str, text: str, spec: OriginSpec) -> Gap:
    return Gap(kind, text, spec.address, spec.tx_hash, spec.asset, spec.amount, spec.since)
