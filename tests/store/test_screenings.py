"""Screenings: what was answered is kept as it was answered."""

import json

from tests.makers import START, address
from tracer.store.rows import Screening
from tracer.store.store import Store

A, B = address(1), address(2)


def screen(store: Store, *given: Screening, actor: str = "desk") -> int:
    """Keep these answers in one act."""
    with store.act(actor, "screen", "file", asked=len(given)) as work:
        return work.add_screenings(given)


def test_an_answer_is_kept_with_who_asked_and_when(store: Store) -> None:
    """Oldest first, each with its own moment and actor; the answer is the same text, the question is cleaned."""
    answer = json.dumps({"answer": "unknown", "said": "\u202e\x00", "as_of": None})
    assert screen(store, Screening("ethereum:\u202eA", A, answer), Screening("b", B, "{}")) == 2
    assert screen(store, Screening("a", A, "[1]"), actor="ana") == 1
    first, second = store.screenings(A)
    assert (first.asked, first.address, first.answer) == ("ethereum:\ufffdA", A, answer)
    assert (first.actor, first.at) == ("desk", START.replace(second=1))
    assert (second.asked, second.answer, second.actor, second.at) == ("a", "[1]", "ana", START.replace(second=2))
    assert store.screenings(address(3)) == []


def test_ten_thousand_are_one_act(store: Store) -> None:
    """One line for all of them, and asking is no claim that the chain knows the address."""
    many = [Screening(f"a{n}", address(n), "{}") for n in range(10_000)]
    assert screen(store, *many) == 10_000
    assert [row.detail for row in store.audit()] == [{"asked": 10_000}]
    assert [one.asked for one in store.screenings(address(9_999))] == ["a9999"]
    assert store.status().counts["addresses"] == 0


def test_no_answer_is_no_act(store: Store) -> None:
    """An empty list of questions leaves no line."""
    assert screen(store) == 0
    assert store.audit() == []
