"""Which labelled addresses end or interrupt a trace, and which of several claims counts."""

from collections.abc import Iterable, KeysView
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from tracer.model import Address, Category, Label


class Stop(StrEnum):
    """What happens to tainted money at a labelled address."""

    ARRIVAL = "arrival"  # custody: it ends here
    MIXER = "mixer"  # the exact trace ends here
    BRIDGE = "bridge"  # it leaves the chain here
    VENUE = "venue"  # never a pot: it hands on


STOPS: dict[Category, Stop | None] = {
    Category.EXCHANGE: Stop.ARRIVAL,
    Category.PAYMENT: Stop.ARRIVAL,
    Category.GAMBLING: Stop.ARRIVAL,
    Category.SWAPPER: Stop.ARRIVAL,
    Category.MIXER: Stop.MIXER,
    Category.BRIDGE: Stop.BRIDGE,
    Category.DEX: Stop.VENUE,
    Category.LENDING: Stop.VENUE,
    Category.TOKEN: Stop.VENUE,
    Category.CONTRACT: Stop.VENUE,
    Category.OTHER: Stop.VENUE,
    Category.SCAM: None,
    Category.HACK: None,
    Category.WALLET: None,
    Category.DEPOSIT: None,  # what came there goes to the exchange's own wallet, which is a stop
}

_DAWN = datetime.min.replace(tzinfo=UTC)


def precedence(label: Label) -> tuple[Decimal, datetime, str, str, str]:
    """Which claim counts where several hold: the highest confidence, then the newest, then by text."""
    return (label.confidence, label.valid_from or _DAWN, label.category, label.entity, label.source)


def valid(label: Label, at: datetime) -> bool:
    """True if the claim holds at that moment; unknown dates count as valid."""
    return (label.valid_from is None or label.valid_from <= at) and (label.valid_to is None or at < label.valid_to)


class Labels:
    """All claims by address, asked at a moment. Claims below `min_confidence` are not heard."""

    def __init__(self, labels: Iterable[Label] = (), min_confidence: Decimal = Decimal(0)) -> None:
        self._by_address: dict[Address, list[Label]] = {}
        self._min_confidence = min_confidence
        self.version = 0  # how many claims were heard: what was worked out with fewer may be wrong
        self.add(labels)

    def add(self, labels: Iterable[Label]) -> None:
        """Hear more claims."""
        for label in labels:
            if label.confidence >= self._min_confidence:
                claims = self._by_address.setdefault(label.address, [])
                claims.append(label)
                self.version += 1
                claims.sort(key=precedence, reverse=True)

    def all(self) -> list[Label]:
        """Every claim that is heard, by address, the one that counts first."""
        return [label for address in sorted(self._by_address) for label in self._by_address[address]]

    @property
    def addresses(self) -> KeysView[Address]:
        """The addresses that a claim is heard on."""
        return self._by_address.keys()

    def of(self, address: Address) -> list[Label]:
        """Every claim on the address, the one that counts first."""
        return self._by_address.get(address, [])

    def valid(self, address: Address, at: datetime) -> tuple[Label, ...]:
        """Every claim that holds at that moment, the one that counts first."""
        return tuple(label for label in self.of(address) if valid(label, at))

    def at(self, address: Address, at: datetime) -> Label | None:
        """The claim that counts at that moment."""
        for label in self._by_address.get(address, ()):  # a loop: for nearly every address there is none
            if valid(label, at):
                return label
        return None

    def stop(self, address: Address, at: datetime) -> Stop | None:
        """What the address does to a trace at that moment; None: nothing, it is a pot."""
        label = self.at(address, at)
        return STOPS[label.category] if label else None
