"""Cases, traces and flags."""

from datetime import timedelta
from typing import Any

import pytest

from tests.makers import START, USDT, address
from tracer.errors import Conflict, InputError, NotFound
from tracer.model import Case, CaseState, FlagState, OriginSpec, Severity
from tracer.store.rows import Flag, FlagBody
from tracer.store.store import Store

A, B = address(1), address(2)
ORIGINS = (OriginSpec(B), OriginSpec(A, USDT, "0xabc", 2**90, START + timedelta(microseconds=1), ("r2", "r1")))
CASE = Case("c-1", "harbour", ORIGINS, START, "haircut")


@pytest.fixture
def opened(store: Store) -> Store:
    """A store with one case."""
    with store.act("ana", "case open", "harbour") as work:
        work.open_case(CASE)
    return store


def test_a_case_comes_back_by_name_and_id(opened: Store) -> None:
    """Origins keep their order and every field; an unknown name says what to do."""
    assert opened.case("harbour") == opened.case("c-1") == CASE
    assert opened.cases() == [CASE]
    with pytest.raises(NotFound, match="tracer case list"):
        opened.case("nowhere")


@pytest.mark.parametrize(("number", "name"), [("c-2", "harbour"), ("c-1", "pier"), ("harbour", "pier"), ("c-2", "c-1")])
def test_names_and_ids_are_taken_once(opened: Store, number: str, name: str) -> None:
    """A name may be no other case's name or id, so that one text always means one case."""
    with pytest.raises(Conflict), opened.act("ana", "case open", name) as work:
        work.open_case(Case(number, name, (), START))
    assert opened.cases() == [CASE]


def test_closing_twice_is_one_act(opened: Store) -> None:
    """The second closing changes nothing and leaves no line."""
    for first in (True, False):
        with opened.act("ana", "case close", "harbour") as work:
            assert work.close_case("harbour") is first
    assert opened.case("harbour").state is CaseState.CLOSED
    assert [row.act for row in opened.audit()] == ["case open", "case close"]


def trace(store: Store, digest: str) -> bool:
    """Keep a run with this digest."""
    with store.act("ana", "trace", "harbour") as work:
        rest: dict[str, Any] = {"engine": "e/1", "method": "fifo", "settings": {"hops": 20}, "stopped": ["hops"]}
        return work.add_trace("c-1", digest, **rest, result=digest.encode() * 100)


def test_a_trace_is_kept_once_and_the_newest_result_is_known(opened: Store) -> None:
    """A digest seen before is no new trace, but when the result returns to it, it is the newest again."""
    assert opened.latest_trace("c-1") is None
    assert [trace(opened, digest) for digest in ("a", "a", "b", "a")] == [True, False, True, False]
    assert [found.digest for found in opened.traces("c-1")] == ["b", "a"]
    newest = opened.latest_trace("c-1")
    assert newest is not None
    assert (newest.result, newest.settings, newest.stopped) == (b"a" * 100, {"hops": 20}, ["hops"])
    assert [row.act for row in opened.audit()].count("trace") == 3
    with pytest.raises(NotFound), opened.act("ana", "trace", "x") as work:
        work.add_trace("x", "d", engine="e", method="m", settings={}, stopped=[], result=b"")


def put(store: Store, **found: FlagBody) -> int:
    """Say what the newest trace found: rule name = body, all at address A."""
    with store.act("job", "trace", "harbour") as work:
        return work.put_flags("c-1", {(rule, A): body for rule, body in found.items()})


def test_each_flag_that_is_gone_may_have_its_own_reason(opened: Store) -> None:
    """The reason is asked for the flags that are withdrawn now, each as it was, and for no other."""
    put(opened, low_kyc=body(), mixer=body("6"), stays=body())
    put(opened, low_kyc=body(), stays=body())
    asked: list[str] = []

    def why(flag: Flag) -> str:
        asked.append(flag.rule)
        return f"{flag.rule} of {flag.now.body['amounts'][0]}: block 7 is gone"

    with opened.act("job", "trace", "harbour") as work:
        assert work.put_flags("c-1", {("stays", A): body()}, gone=why) == 1
    assert asked == ["low_kyc"]
    reasons = {flag.rule: flag.now.reason for flag in opened.flags("c-1")}
    assert reasons["low_kyc"] == "low_kyc of 5: block 7 is gone"
    assert reasons["mixer"] == "the newest trace no longer finds it"


def body(amount: str = "5", severity: Severity = Severity.HIGH) -> FlagBody:
    """What a rule found."""
    return FlagBody({"amounts": [amount], "paths": ["p"]}, severity, 1, "Exa")


def only(store: Store) -> Flag:
    """The one flag there is."""
    (flag,) = store.flags("c-1")
    return flag


def test_the_life_of_a_flag(opened: Store) -> None:
    """New, unchanged, changed, confirmed, changed again, gone, gone still, found again: every step is kept."""
    assert put(opened, low_kyc=body()) == 1
    assert put(opened, low_kyc=body()) == 0
    assert put(opened, low_kyc=body("6")) == 1
    name = only(opened).id
    with opened.act("ben", "review", name) as work:
        work.review(name, FlagState.CONFIRMED, "seen \u202e it")
    assert put(opened, low_kyc=body("7", Severity.SEVERE)) == 1
    assert only(opened).state is FlagState.CONFIRMED
    assert put(opened) == 1
    assert put(opened) == 0
    assert only(opened).state is FlagState.WITHDRAWN
    assert put(opened, low_kyc=body("7", Severity.SEVERE)) == 1
    flag = opened.flag(name)
    assert [(v.version, v.state.value, v.reason) for v in flag.versions] == [
        (1, "open", "found"),
        (2, "open", "changed: amounts"),
        (3, "confirmed", "severity from high to severe; changed: amounts"),
        (4, "withdrawn", "the newest trace no longer finds it"),
        (5, "open", "found again"),
    ]
    assert [(r.version, r.note, r.actor) for r in flag.reviews] == [(2, "seen \ufffd it", "ben")]
    assert (flag.state, flag.address, flag.now.body) == (FlagState.OPEN, A, {"amounts": ["7"], "paths": ["p"]})


def test_flags_are_found_by_their_present_state(opened: Store) -> None:
    """The filter looks at the newest review, not at what the rule said first."""
    put(opened, low_kyc=body(), mixer=body())
    mixer = next(flag for flag in opened.flags() if flag.rule == "mixer")
    with opened.act("ben", "review", mixer.id) as work:
        work.review(mixer.id, FlagState.DISMISSED, "known", actor="cyd")
    assert [flag.rule for flag in opened.flags(state=FlagState.OPEN)] == ["low_kyc"]
    assert [flag.rule for flag in opened.flags("c-1", FlagState.DISMISSED)] == ["mixer"]
    assert opened.flags("c-2") == []
    assert opened.flag(mixer.id).reviews[0].actor == "cyd"


def test_reviews_need_a_flag_and_a_state_people_may_give(opened: Store) -> None:
    """An unknown flag is not found; only a trace withdraws."""
    put(opened, low_kyc=body())
    with pytest.raises(NotFound, match="tracer flags"), opened.act("ben", "review", "x") as work:
        work.review("x", FlagState.CONFIRMED, "")
    with pytest.raises(InputError, match="dismissed"), opened.act("ben", "review", "x") as work:
        work.review(only(opened).id, FlagState.WITHDRAWN, "")
