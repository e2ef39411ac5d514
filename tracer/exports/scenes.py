"""From a fold to the scene that detectors of patterns look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable

from tracer.chains import Family, family
from tracer.detect.patterns import Brought, Move, Scene
from tracer.model import Address, Category, Kind
from tracer.taint.flow import Result
from tracer.taint.methods import NO_STEP

OPEN = frozenset({Category.SCAM, Category.HACK})  # labels that say what was done with an address, not whose it is


def scene(result: Result, dropped: Container[str]) -> Scene:
    """The tainted addresses that were read and are nobody known: no victim, no hub. On bitcoin coins have no payers."""
    victims = _victims(result)
    paying = set().union(*victims.values())
    judged = {
        address
        for address in {*result.touched, *result.origins.addresses} & result.flow.read - result.hubs.keys() - paying
        if family(address.chain) is not Family.BITCOIN and _nobodys(result, address)
    }
    return Scene(_moves(result, judged, dropped), _brought(result, judged), victims)


def _nobodys(result: Result, address: Address) -> bool:
    return all(label.category in OPEN for label in result.flow.labels.of(address))


def _moves(result: Result, judged: Container[Address], dropped: Container[str]) -> dict[Address, list[Move]]:
    found: dict[Address, list[Move]] = defaultdict(list)
    for one in sorted(result.flow.transactions.values(), key=lambda one: one.order):
        for transfer in sorted(one.transfers, key=lambda transfer: transfer.id):
            if transfer.kind is not Kind.FEE and transfer.id not in dropped and transfer.sender != transfer.recipient:
                for end in (transfer.sender, transfer.recipient):
                    if end in judged and end is not None:
                        found[end].append(Move(one.at, one.tx_hash, transfer))
    return dict(found)


def _brought(result: Result, judged: Container[Address]) -> dict[Address, frozenset[Brought]]:
    found: dict[Address, set[Brought]] = defaultdict(set)
    reports = _reports((origin.id, origin.report_ids) for origin in result.origins.found.values())
    for book in result.books.values():
        for step in book.steps:
            if step.recipient in judged and step.sender != step.recipient:
                by = step.origin if step.parent == NO_STEP else str(step.sender)
                found[step.recipient].add(Brought(by, step.transaction.tx_hash, reports[step.origin]))
    return {address: frozenset(brought) for address, brought in found.items()}


def _reports(origins: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Origin -> one name for all reports that name the same money, directly or by way of others; else its own id."""
    first: dict[str, str] = {}
    named = [(origin, sorted(ids) or [origin]) for origin, ids in origins]
    for _ in named:
        before = dict(first)
        for _, ids in named:
            least = min(first.get(name, name) for name in ids)
            first |= dict.fromkeys(ids, least)
        if first == before:
            break
    return {origin: first[ids[0]] for origin, ids in named}


def _victims(result: Result) -> dict[Address, frozenset[Address]]:
    """Who made the reported payments to whom, beside services that paid for others."""
    found: dict[Address, set[Address]] = defaultdict(set)
    for one in result.flow.transactions.values():
        for transfer in one.transfers:
            payer, payee = transfer.sender, transfer.recipient
            if transfer.id in result.origins.payments and payer and payee and _nobodys(result, payer):
                found[payee].add(payer)
    return {address: frozenset(payers) for address, payers in found.items()}
