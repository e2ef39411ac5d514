"""A rebrand does not clean a service: what a successor inherits, with the reason, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tracer.detect.sanctions import sanctioned
from tracer.detect.successors import low_kyc_of, predecessors
from tracer.model import Answer, Entity, Fact
from tracer.registry import Registry

AT = datetime(2024, 6, 1, tzinfo=UTC)
WEAK = Fact(
    "old", "kyc_policy", "https://invented.example", "no documents", "2024-01-01", level="none",
    valid_from="2024-01-01", confidence="high",
)  # fmt: skip
STRICT = replace(WEAK, level="mandatory")
SANCTION = replace(WEAK, kind="sanction", level=None)
OLD = Entity("old", "Old Exchange", "exchange", facts=(WEAK, SANCTION))
NEW = Entity("new", "New Exchange", "exchange", successor_of="old")
NEWER = Entity("newer", "Newer Exchange", "exchange", successor_of="new")


def judged(entity: Entity, *known: Entity) -> tuple[Answer, str]:
    """What is said of an entity among others."""
    made = low_kyc_of(entity, Registry([entity, *known]).entity_of, AT)
    return made.answer, made.reason


def test_a_successor_inherits_weak_checks_with_the_reason() -> None:
    """Also over two rebrands; the fact is named by its id."""
    answer, reason = judged(NEW, OLD)
    assert answer is Answer.YES
    assert reason.startswith("New Exchange is the successor of Old Exchange: its customer checks were weak")
    assert f"[{WEAK.id}] (policy 1)" in reason
    assert judged(NEWER, NEW, OLD)[0] is Answer.YES


@pytest.mark.parametrize(
    ("entity", "known", "answer"),
    [
        (replace(NEW, facts=(replace(STRICT, entity="new"),)), (OLD,), Answer.NO),
        (NEW, (replace(OLD, facts=(STRICT,)),), Answer.UNKNOWN),
        (NEW, (), Answer.UNKNOWN),
        (NEW, (replace(OLD, facts=(), successor_of="new"),), Answer.UNKNOWN),
    ],
    ids=["its own facts decide", "good checks are not inherited", "an unknown predecessor", "a ring"],
)
def test_nothing_else_is_inherited(entity: Entity, known: tuple[Entity, ...], answer: Answer) -> None:
    """Only a yes, and only where its own facts decide nothing."""
    assert judged(entity, *known)[0] is answer


def test_a_sanction_is_never_inherited() -> None:
    """A list names whom it means; who the predecessor was is told beside it."""
    assert sanctioned(OLD, AT).answer is Answer.YES
    assert sanctioned(NEW, AT).answer is Answer.UNKNOWN
    assert [one.id for one in predecessors(NEW, Registry([NEW, OLD]).entity_of)] == ["old"]
