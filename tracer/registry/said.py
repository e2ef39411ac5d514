"""What a feed's file says, and what its reader may ask of what is known already."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from tracer.chains import CHAINS, is_zero, parse_address
from tracer.chains.chains import Family
from tracer.errors import BadAddress, InputError
from tracer.model import Address, Category, Entity, Label
from tracer.registry.registry import Registry

REASONS = 100  # different ones that are told apart

# What kind of service a known entity is, as a label says it.
SERVICES = {
    "exchange": Category.EXCHANGE,
    "p2p_exchange": Category.EXCHANGE,
    "instant_swapper": Category.SWAPPER,
    "payment": Category.PAYMENT,
    "gambling": Category.GAMBLING,
    "mixer": Category.MIXER,
    "bridge": Category.BRIDGE,
    "dex": Category.DEX,
    "lending": Category.LENDING,
}
_EVM = tuple(chain.id for chain in CHAINS.values() if chain.family is Family.EVM)
_DATED = re.compile(r"(20\d\d)-?([01]\d)-?([0-3]\d)")


@dataclass(slots=True)
class Tally:
    """Rows that say nothing that can be kept, counted by the reason."""

    total: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str) -> None:
        """One more row left out."""
        self.total += 1
        if reason not in self.reasons and len(self.reasons) >= REASONS:
            reason = "other reasons"
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


@dataclass(slots=True)
class Said:
    """A feed's file. `labels` can be read once; `rows` and `left_out` are right when that is done.

    `version`: the list's own date (an ISO day) where it states one, else None.
    """

    version: str | None
    labels: Iterable[Label]
    entities: Sequence[Entity] = ()
    left_out: Tally = field(default_factory=Tally)
    rows: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What a reader may ask: the file's name, the day a person says it is of, and what is known already.

    `before`: the labels and entities that the feed says as yet; `whose`: by which names addresses are labelled.
    """

    name: str
    registry: Registry
    as_of: str | None = None
    before: Callable[[], tuple[Sequence[Label], Sequence[Entity]]] = lambda: ((), ())
    whose: Callable[[Collection[Address]], Mapping[Address, Sequence[str]]] = lambda _: {}

    def day(self) -> str | None:
        """The day a person gave, else the one in the file's name."""
        return self.as_of or day_in(self.name)


def day_in(text: str) -> str | None:
    """The ISO day written in a name (20260901, 2026-09-01), if any."""
    for found in _DATED.finditer(text):
        try:
            return date(*map(int, found.groups())).isoformat()
        except ValueError:
            continue
    return None


def everywhere(text: str) -> list[Address]:
    """Where an address written without its chain may be: an EVM address on every EVM chain, as its key is the same."""
    if text[:2].lower() == "0x":
        return [parse_address(chain, text) for chain in _EVM]
    for chain in ("tron", "bitcoin"):
        try:
            return [parse_address(chain, text)]
        except BadAddress:
            continue
    raise InputError("it has the form of no supported chain's address")


def known_place(address: Address) -> Address:
    """The address itself. Raises InputError for the zero address, which takes no label."""
    if is_zero(address):
        raise InputError("the zero address takes no label")
    return address


def service(entity: Entity | None) -> Category:
    """What the address of an entity is: its kind of service, or a wallet."""
    return SERVICES.get(entity.kind, Category.WALLET) if entity else Category.WALLET
