"""Is a reported address somebody else's place? Then the report waits for a person: it would taint others' money."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tracer.chains import listed
from tracer.model import Address, AssetId, Label

BUSY = 1000  # others that an address dealt with, from which on it is nobody's own

SERVICES = frozenset({"exchange", "payment", "gambling", "swapper", "mixer", "bridge"})
CONTRACTS = frozenset({"dex", "lending", "token", "contract", "other"})


@dataclass(frozen=True, slots=True)
class Reported:
    """What is known of a reported address: the claims that hold then, how many others it dealt with in what is stored,
    whether it is an asset's contract there.
    """

    address: Address
    claims: tuple[Label, ...]
    others: int
    contract: bool


def _service(known: Reported) -> str | None:
    found = next((claim for claim in known.claims if claim.category in SERVICES), None)
    return f"it is labelled {found.entity} ({found.category}) by {found.source}" if found else None


def _contract(known: Reported) -> str | None:
    found = next((claim for claim in known.claims if claim.category in CONTRACTS), None)
    if found:
        return f"it is labelled a contract, {found.entity} ({found.category}), by {found.source}"
    return "it is a token's contract" if known.contract or listed(AssetId(*known.address)) else None


def _busy(known: Reported) -> str | None:
    return f"it dealt with {known.others} others, more than {BUSY}" if known.others > BUSY else None


# Why a reported address is held until a person has looked: each gives its reason in words, or None.
QUARANTINE: dict[str, Callable[[Reported], str | None]] = {"service": _service, "contract": _contract, "busy": _busy}


def suspicion(known: Reported) -> str | None:
    """The first reason to hold a report on this address, named, or None."""
    found: Iterable[tuple[str, str | None]] = ((name, rule(known)) for name, rule in QUARANTINE.items())
    return next((f"{name}: {why}" for name, why in found if why), None)
