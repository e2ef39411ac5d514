"""Who is behind an address, asked for a moment in the world and for what was known at another; taking claims back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from jobs.tasks import Desk
from jobs.tasks import flag as flag_job
from jobs.tasks import trace as trace_job
from tests.actions.arrivals import CLAIM, EXCHANGE, LISTED, OTHER, PAID, THIEF, WEAK, WEAK_EXCHANGE, flag, traced
from tests.makers import label
from tracer.actions.affected import Affected
from tracer.actions.entities import add_fact, entities, entity
from tracer.actions.registry import refresh
from tracer.actions.who import who
from tracer.actions.withdraw import withdraw_fact, withdraw_labels
from tracer.app import App
from tracer.chains import parse_address
from tracer.errors import Conflict, InputError, NotFound
from tracer.model import Category, FlagState
from tracer.registry.files import shipped_digest
from tracer.settings import Settings
from tracer.store.store import Store

TORNADO = parse_address("ethereum", "0x910Cbd523D972eb0a6f4cAe4618aD62622b39DbF")


def day(text: str) -> datetime:
    """The first moment of a day."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def add(store: Store, *labels: object) -> datetime:
    """Claim in an act of its own; when that was recorded."""
    with store.act("ana", "label", "x") as work:
        work.add_labels(labels)  # type: ignore[arg-type]
        return work.at


@pytest.mark.parametrize(
    ("at", "answer"),
    [("2022-08-07", "no"), ("2022-08-08", "yes"), ("2025-03-20", "yes"), ("2025-03-21", "no"), ("2026-01-01", "no")],
)
def test_tornado_cash_was_sanctioned_between_two_days(store: Store, at: str, answer: str) -> None:
    """Listed on 2022-08-08, delisted on 2025-03-21: the same pool is judged by the moment asked about."""
    told = who(store, TORNADO, at=day(at))

    assert (told["winner"]["category"], told["stop"], told["sanctioned"]["answer"]) == ("mixer", "mixer", answer)
    ids = {fact["id"] for one in told["entities"] for fact in one["facts"] if fact["kind"] == "sanction"}
    assert set(told["sanctioned"]["facts"]) <= ids


def test_the_highest_confidence_counts_then_the_newest_then_the_text(store: Store) -> None:
    """The rule of a trace, in words, and every claim with whether it counts."""
    low = label(EXCHANGE, entity="B", confidence="0.5")
    add(store, label(EXCHANGE, entity="A", confidence="0.7"), low)
    told = who(store, EXCHANGE)
    assert (told["winner"]["entity"], told["why"]) == ("A", "the highest confidence of 2 claims: 0.7 before 0.5")
    assert [(one["entity"], one["counts"], one["levels"][:1]) for one in told["claims"]] == [
        ("A", True, ["service_api"]),
        ("B", False, ["trusted_provider"]),
    ]

    add(store, label(EXCHANGE, entity="C", confidence="0.7", valid_from=PAID))
    assert who(store, EXCHANGE)["winner"]["entity"] == "C"
    assert "valid since later" in who(store, EXCHANGE)["why"]
    assert who(store, EXCHANGE, at=PAID - timedelta(days=1))["winner"]["entity"] == "A"
    add(store, label(EXCHANGE, entity="D", confidence="0.7", valid_from=PAID))
    assert (who(store, EXCHANGE)["winner"]["entity"], "by text" in who(store, EXCHANGE)["why"]) == ("D", True)


def test_nobody_is_behind_an_address_that_nobody_named(store: Store) -> None:
    """No claim, no entity, and unknown is not no."""
    told = who(store, OTHER)

    assert (told["winner"], told["claims"], told["why"]) == (None, [], "no claim was ever made")
    assert told["sanctioned"]["answer"] == "unknown"


def test_what_was_known_on_a_day_can_be_asked_again(store: Store) -> None:
    """Before a claim was recorded, while it stood, and after it was withdrawn; the reason stays with it."""
    recorded = add(store, label(EXCHANGE, entity="Wrong Exchange"))
    withdraw_labels(store, EXCHANGE, "ana", "it is another's")

    assert who(store, EXCHANGE)["winner"] is None
    assert who(store, EXCHANGE, known_at=recorded - timedelta(seconds=1))["winner"] is None
    then = who(store, EXCHANGE, known_at=recorded)
    assert (then["winner"]["entity"], then["claims"][0]["stood"]) == ("Wrong Exchange", True)
    assert then["claims"][0]["withdrawn_reason"] == "it is another's"


def test_facts_are_kept_with_what_was_known_when(store: Store) -> None:
    """A fact added and taken back: low-KYC is judged by what was known, and cites the facts' ids and the policy."""
    with store.act("ana", "import", "x") as work:
        work.add_entities([replace(WEAK_EXCHANGE, facts=())])
        work.add_labels([CLAIM])
    said = {name: getattr(WEAK, name) for name in ("kind", "source_url", "quote", "read_on", "level", "valid_from")}
    fact = add_fact(store, "Weak Exchange", said | {"confidence": "high"}, "ana")
    known = store.facts(["weak"])[0].recorded_at
    withdraw_fact(store, fact.id, "ana", "the page was a copy")

    now, then = (who(store, EXCHANGE, at=PAID, known_at=at)["entities"][0] for at in (None, known))
    assert (now["low_kyc"]["answer"], then["low_kyc"]["answer"]) == ("unknown", "yes")
    assert (then["low_kyc"]["facts"], then["low_kyc"]["policy"]) == ([fact.id], 1)
    assert f"[{fact.id}] (policy 1)" in then["low_kyc"]["reason"]
    assert [one["withdrawn_reason"] for one in now["facts"]] == ["the page was a copy"]
    assert entity(store, "weak")["facts"][0]["stood"] is False


def test_a_fact_is_checked_like_one_in_a_file(store: Store) -> None:
    """Unknown entities, unknown fields, no source, and the same fact twice are refused."""
    said = {"kind": "licence", "source_url": "https://invented.example", "quote": "licensed", "read_on": "2024-01-01"}
    with pytest.raises(NotFound, match="nobody"):
        add_fact(store, "nobody", said, "ana")
    for wrong in ({"kind": "rumour"}, {"source_url": "somewhere"}, {"said_by": "me"}, {"valid_from": "soon"}):
        with pytest.raises(InputError):
            add_fact(store, "binance", said | wrong, "ana")
    add_fact(store, "binance", said, "ana")
    with pytest.raises(Conflict, match="stands already"):
        add_fact(store, "binance", said, "ana")
    assert len([one for one in entities(store) if one["id"] == "binance"]) == 1


def test_what_a_person_took_back_is_not_shipped_again(store: Store) -> None:
    """The registry that comes with Tracer does not overrule a person."""
    refresh(store)
    (fact, *_) = [one.fact for one in store.facts(["tornado_cash"]) if one.fact.kind == "sanction"]
    withdraw_fact(store, fact.id, "ana", "read wrongly")
    withdraw_labels(store, TORNADO, "ana", "not a pool")
    refresh(store)

    assert fact not in [one for known in store.entities() for one in known.facts]
    assert store.labels([TORNADO]) == []


def test_what_is_shipped_is_taken_in_where_its_files_changed(store: Store) -> None:
    """Once of the same files, in an act that says which; where the newest act says others, what is missing is added."""
    with store.act("tracer", "registry", "shipped", sha256="of an earlier version") as work:
        work.add_labels([label(THIEF)])
    refresh(store)
    known = store.entities()
    refresh(store)
    with store.act("tracer", "registry", "shipped", sha256="of a later version") as work:
        work.changed = True
    refresh(store)

    assert known == store.entities()
    assert "tornado_cash" in {one.id for one in known}
    assert ["of an earlier version", shipped_digest(), "of a later version", shipped_digest()] == [
        one.detail["sha256"] for one in store.audit() if one.act == "registry"
    ]


def test_a_withdrawn_label_reopens_what_rested_on_it(store: Store) -> None:
    """The case and its flags are named; the jobs trace it again, and the flags say which label it was and why."""
    traced(store)
    flags = {flag(store, rule).id for rule in ("low_kyc_arrival", "sanctioned_contact")}
    done = withdraw_labels(store, EXCHANGE, "ana", "it is a merchant", entity="Weak Exchange 3")
    assert (done.count, [one.case for one in done.affected]) == (1, ["case"])
    assert set(done.affected[0].flags) >= flags

    desk = Desk(App(Settings(), store))
    assert (trace_job(desk), flag_job(desk)) == ("traced case", "flagged case")
    gone = flag(store, "low_kyc_arrival")
    assert gone.state is FlagState.WITHDRAWN
    assert gone.now.reason == "the label Weak Exchange 3, by a list, was withdrawn: it is a merchant"


def test_a_changed_flag_names_the_fact_that_was_taken_back(store: Store) -> None:
    """Without the fact the arrival is at an exchange of unknown checks; the old flag says why it went."""
    traced(store)
    before = flag(store, "low_kyc_arrival")
    assert [fact["id"] for fact in before.now.body["facts"]] == [WEAK.id]
    done = withdraw_fact(store, WEAK.id, "ana", "the page was a copy")
    assert done.affected == (Affected("case", tuple(one.id for one in store.flags())),)

    desk = Desk(App(Settings(), store))
    trace_job(desk), flag_job(desk)
    gone = flag(store, "low_kyc_arrival")
    assert gone.state is FlagState.WITHDRAWN
    assert gone.now.reason == f"the fact {WEAK.id} (kyc_policy) was withdrawn: the page was a copy"
    assert flag(store, "exchange_arrival").state is FlagState.OPEN


def test_a_flag_that_stands_on_another_label_says_what_changed(store: Store) -> None:
    """Two lists name the exchange; one takes it back: the flag changes and names the cause."""
    traced(store)
    add(store, replace(CLAIM, source="another list", confidence=CLAIM.confidence / 2))
    withdraw_labels(store, EXCHANGE, "ana", "out of date", source="a list")
    desk = Desk(App(Settings(), store))
    trace_job(desk), flag_job(desk)
    now = flag(store, "low_kyc_arrival")

    assert (now.state, now.now.version) == (FlagState.OPEN, 2)
    assert "the label Weak Exchange 3, by a list, was withdrawn: out of date" in now.now.reason


def test_a_withdrawal_needs_a_reason_and_something_to_withdraw(store: Store) -> None:
    """Nothing is taken back in silence."""
    add(store, label(EXCHANGE, category=Category.WALLET))
    with pytest.raises(InputError, match="reason"):
        withdraw_labels(store, EXCHANGE, "ana", " ")
    with pytest.raises(NotFound, match="no such claim"):
        withdraw_labels(store, EXCHANGE, "ana", "x", entity="somebody else")
    with pytest.raises(NotFound, match="no fact"):
        withdraw_fact(store, LISTED.id, "ana", "x")
    assert THIEF not in {one.address for one in store.labels()}
