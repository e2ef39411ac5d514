"""The smallest case that raises flags: a reported address pays an exchange of an entity with facts."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.makers import label, transaction
from tracer.actions.case import open_case
from tracer.actions.trace import trace
from tracer.chains import parse_address
from tracer.model import Address, Entity, Fact
from tracer.store.rows import Flag
from tracer.store.store import Store


def place(n: int) -> Address:
    """The n-th invented address of Ethereum, with its checksum."""
    return parse_address("ethereum", f"0x{n:040x}")


VICTIM, THIEF, EXCHANGE, OTHER = map(place, (0xA1, 0xB2, 0xC3, 0xD4))
PAID = datetime(2024, 6, 1, tzinfo=UTC)
WEAK = Fact(
    "weak",
    "kyc_policy",
    "https://invented.example/kyc",
    "no documents are asked for",
    "2024-05-01",
    level="none",
    valid_from="2024-01-01",
    confidence="high",
)
LISTED = Fact(
    "weak", "sanction", "https://invented.example/list", "on the list", "2024-05-01", valid_from="2024-02-01",
    authority="OFAC", confidence="high",
)  # fmt: skip
WEAK_EXCHANGE = Entity("weak", "Weak Exchange", "exchange", facts=(WEAK, LISTED))
CLAIM = label(EXCHANGE, entity="Weak Exchange 3", source="a list")


def traced(store: Store) -> None:
    """The victim pays the thief, the thief the exchange; the case is traced."""
    with store.act("ana", "import", "story") as work:
        work.add_entities([WEAK_EXCHANGE])
        work.add_labels([CLAIM])
        work.add_transactions(
            [
                transaction((VICTIM, THIEF, 1000), tx=1, at=PAID),
                transaction((THIEF, EXCHANGE, 1000), tx=2, at=PAID.replace(day=2)),
            ]
        )
    open_case(store, "case", "ana", origins=[THIEF])
    trace(store, "case", "ana")


def flag(store: Store, rule: str) -> Flag:
    """The case's flag of a rule."""
    (found,) = [one for one in store.flags() if one.rule == rule]
    return found
