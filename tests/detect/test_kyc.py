"""When customer checks count as weak: what decides, at which moment, and what never does."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tracer.detect.kyc import LEVELS, Level, Policy, days, in_force, low_kyc
from tracer.model import Answer, Fact, Limit
from tracer.registry import Registry, shipped

ENTITIES, _ = shipped()
FACTS = [fact for entity in ENTITIES for fact in entity.facts]


def moment(text: str) -> datetime:
    """Noon of a day."""
    return datetime.fromisoformat(f"{text}T12:00:00+00:00")


def fact(kind: str, level: str | None = None, start: str | None = None, end: str | None = None, **more: object) -> Fact:
    """A fact of medium confidence."""
    given: dict[str, object] = {"confidence": "medium", "valid_from": start, "valid_to": end, "level": level, **more}
    return Fact("x", kind, "https://example.org", "words", "2026-11-21", **given)  # type: ignore[arg-type]


def answer(*facts: Fact, at: str) -> str:
    """The answer alone."""
    return low_kyc(facts, moment(at)).answer.value


NONE = fact("kyc_policy", "none", "2022-03-01")
MANDATORY = fact("kyc_mandatory_since", "mandatory for new users", "2023-05-08")
FINED = fact("enforcement", start="2023-11-21", cites_aml_kyc_failure=True)


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        ([NONE], "2022-02-27", "unknown"),  # before it began
        ([NONE], "2022-03-01", "yes"),  # from its first day
        ([NONE], "2024-02-28", "yes"),  # believed for two years
        ([NONE], "2024-03-02", "unknown"),  # and no longer
        ([NONE, MANDATORY], "2023-05-07", "yes"),  # the older rule until the newer
        ([NONE, MANDATORY], "2023-05-08", "no"),  # the newer contradicts it
        ([MANDATORY], "2023-05-07", "unknown"),  # before it nothing is known
        ([MANDATORY], "2026-11-21", "no"),  # mandatory checks hold until contradicted
        ([MANDATORY, fact("kyc_policy", "none", "2025-01-01")], "2025-06-01", "yes"),  # contradicted
        ([fact("kyc_policy", "none", "2020", "2024-06-01"), MANDATORY], "2023-06-01", "unknown"),  # both stated
        ([fact("kyc_policy", "none", None, "2022-11")], "2022-10-31", "yes"),  # an end alone
        ([fact("kyc_policy", "none", None, "2022-11")], "2022-11-15", "unknown"),  # a month cannot tell
        ([fact("kyc_policy", "none", None, "2022-11")], "2022-12-01", "unknown"),
        ([fact("kyc_policy", "none", None, "2022-11")], "2020-10-01", "unknown"),  # too long before
        ([fact("kyc_policy", "none", "2022")], "2022-06-01", "unknown"),
        ([fact("kyc_policy", "none", "2022")], "2023-01-01", "yes"),
        ([fact("kyc_policy", "none", None, "2023-08"), fact("kyc_mandatory_since", None, "2023-07-15")],
         "2023-08-10", "unknown"),
    ],
)  # fmt: skip
def test_times(facts: list[Fact], at: str, expected: str) -> None:
    """A fact decides inside its dates only; an open one until contradicted or for as long as the policy says."""
    assert answer(*facts, at=at) == expected
    assert answer(*reversed(facts), at=at) == expected


@pytest.mark.parametrize(
    ("source_date", "at", "expected"),
    [
        (None, "2023-06-01", "unknown"),
        ("2023-06-01", "2022-06-02", "yes"),
        ("2023-06-01", "2022-05-31", "unknown"),
        ("2023-06-01", "2024-05-30", "yes"),
        ("2023-06-01", "2024-06-02", "unknown"),
    ],
)
def test_pages(source_date: str | None, at: str, expected: str) -> None:
    """A page that carries a date is believed a year around it; one without any never decides."""
    assert answer(fact("kyc_policy", "triggered", source_date=source_date), at=at) == expected


def test_undated_own_site_says_why() -> None:
    """An undated page leaves the answer unknown, and is named with the reason."""
    judgement = low_kyc([fact("kyc_policy", "none", source_kind="own_site")], moment("2023-06-01"))

    assert judgement.answer is Answer.UNKNOWN
    assert "undated" in judgement.reason
    assert len(judgement.facts) == 1


@pytest.mark.parametrize(
    ("amount", "asset", "period", "expected"),
    [
        ("10000", "USDT", "day", "yes"),
        ("9999.99", "USD", "day", "unknown"),
        ("30000", "usdc", "tx", "yes"),
        ("50000", "USD", "month", "unknown"),
        ("300000", "USD", "month", "yes"),
        ("1", "BTC", "day", "yes"),
        ("0.06", "BTC", "day", "unknown"),
        ("1000000", "XYZ", "day", "unknown"),
    ],
)
def test_limits(amount: str, asset: str, period: str, expected: str) -> None:
    """A limit without checks of 10,000 dollars or one bitcoin a day is weak; no other asset has a price."""
    limit = Limit(Decimal(amount), asset, period)

    assert answer(fact("nokyc_limit", "unverified", "2023-01-01", limit=limit), at="2023-06-01") == expected


def test_exit_limits_are_no_tiers() -> None:
    """What the unverified may take out says nothing of what they may bring in."""
    limit = Limit(Decimal(20_000), "USDT", "day")
    exit_only = fact("kyc_policy", "unverified: withdrawals only (exit limit)", "2023-05-08", limit=limit)

    assert answer(exit_only, at="2023-06-01") == "unknown"
    assert answer(exit_only, MANDATORY, at="2023-06-01") == "no"


@pytest.mark.parametrize("kind", ["enforcement", "sanction", "seizure"])
@pytest.mark.parametrize(("cites", "expected"), [(True, "yes"), (False, "unknown"), (None, "unknown")])
def test_acts(kind: str, cites: bool | None, expected: str) -> None:
    """An act of an authority decides only if its text cites a failure of customer checks."""
    act = fact(kind, start="2023-11-21", cites_aml_kyc_failure=cites)

    assert answer(act, at="2024-01-01") == expected
    assert answer(act, at="2023-11-20") == "unknown"


def test_finding_ends_and_orders_stay() -> None:
    """An enforcement speaks for a year after it; a seizure or sanction until it is lifted."""
    seized = fact("seizure", start="2023-11-21", cites_aml_kyc_failure=True)

    assert answer(FINED, at="2025-01-01") == "unknown"
    assert answer(seized, at="2026-01-01") == "yes"


def test_contradiction_names_both() -> None:
    """Mandatory checks and a later finding that they failed: unknown, with both sides named."""
    judgement = low_kyc([MANDATORY, FINED], moment("2024-01-01"))

    assert judgement.answer is Answer.UNKNOWN
    assert set(judgement.facts) == {MANDATORY, FINED}


@pytest.mark.parametrize(
    ("level", "expected"), [("under appeal", "unknown"), ("failing checks of identified customers", "unknown")]
)
def test_findings_that_do_not_decide(level: str, expected: str) -> None:
    """A finding under appeal, or on the quality of checks that were made, is no weak check."""
    assert answer(fact("enforcement", level, "2023-11-21", cites_aml_kyc_failure=True), at="2024-01-01") == expected


def test_appeal_against_mandatory() -> None:
    """A finding under appeal stands in the way of a no, and is named."""
    appealed = fact("enforcement", "under appeal", "2023-11-21", cites_aml_kyc_failure=True)

    assert set(low_kyc([MANDATORY, appealed], moment("2024-01-01")).facts) == {MANDATORY, appealed}


def test_low_confidence_and_other_kinds_decide_nothing() -> None:
    """Directories, licences, jurisdictions and shutdowns never decide."""
    others = [fact(kind, "none", "2022-03-01") for kind in ("licence", "jurisdiction", "shutdown", "travel_rule")]

    assert answer(fact("kyc_policy", "none", "2022-03-01", confidence="low"), at="2023-01-01") == "unknown"
    assert answer(*others, at="2023-01-01") == "unknown"
    assert low_kyc([], moment("2023-01-01")).answer is Answer.UNKNOWN


def test_policy_on_triggered() -> None:
    """Whether checks on suspicion count is the policy's choice; by default they do."""
    triggered = [fact("kyc_policy", "triggered", "2023-02-17")]

    assert low_kyc(triggered, moment("2023-06-01")).answer is Answer.YES
    assert low_kyc(triggered, moment("2023-06-01"), Policy(triggered_is_low=False)).answer is Answer.UNKNOWN


def test_every_shipped_level_is_in_the_table() -> None:
    """Every level of a shipped policy or limit has a meaning, and every row of the table is shipped."""
    shipped_levels = {each.level for each in FACTS if each.kind in {"kyc_policy", "nokyc_limit"}}
    others = {each.level for each in FACTS}

    assert shipped_levels <= LEVELS.keys()
    assert set(LEVELS) <= others
    assert set(LEVELS.values()) == set(Level)


@pytest.mark.parametrize("at", ["2017-01-01", "2020-06-01", "2023-06-01", "2025-05-01", "2026-11-21"])
def test_every_shipped_entity_gets_a_reasoned_answer(at: str) -> None:
    """Every entity gets an answer with a printable reason; a yes or no names facts that are in its own set."""
    for entity in ENTITIES:
        judgement = low_kyc(entity.facts, moment(at))

        assert judgement.reason.isprintable()
        assert set(judgement.facts) <= set(entity.facts)
        assert judgement.facts or judgement.answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("entity", "at", "expected"),
    [
        ("exch", "2024-05-01", "yes"),  # no checks, by the police's own text
        ("binance", "2021-08-19", "unknown"),  # 0.06 BTC a day is below the limit
        ("binance", "2022-01-01", "no"),
        ("kucoin", "2023-06-01", "yes"),  # admitted: no identifying information until August 2023
        ("kucoin", "2025-02-01", "unknown"),  # mandatory, and found wanting
        ("htx", "2023-06-01", "yes"),  # 5 BTC a day
        ("htx", "2026-11-21", "unknown"),
        ("bybit", "2025-01-01", "no"),  # its 20,000 USDT are for leaving
        ("upbit", "2026-01-01", "unknown"),
        ("kraken", "2023-06-01", "unknown"),
        ("changenow", "2024-01-01", "unknown"),  # undated pages only
    ],
)
def test_shipped_answers(entity: str, at: str, expected: str) -> None:
    """What the shipped facts say of well-known services."""
    assert low_kyc(Registry(ENTITIES).facts(entity), moment(at)).answer.value == expected


@pytest.mark.parametrize(("text", "first", "last"), [("2024", 1, 31), ("2024-02", 1, 29), ("2024-02-11", 11, 11)])
def test_days(text: str, first: int, last: int) -> None:
    """A partial date is its first and its last day."""
    start, end = days(text)

    assert (start.day, end.day) == (first, last)
    assert start.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "24-01-01", "2024-13", "2023-02-29", "2024-1-1", "2024-01-01T00:00", "0000"])
def test_no_days(text: str) -> None:
    """Anything but a real day, month or year is refused."""
    with pytest.raises(ValueError, match=r"date|month|year|day"):
        days(text)


@pytest.mark.parametrize(
    ("start", "end", "at", "expected"),
    [
        (None, None, "2023-01-01", "unknown"),
        ("2023-01-02", None, "2023-01-01", "no"),
        ("2023-01-01", None, "2023-01-01", "yes"),
        ("2023-01", None, "2023-01-15", "unknown"),
        ("2022", "2024", "2023-01-15", "yes"),
        ("2022", "2024", "2024-01-15", "unknown"),
        ("2022-08-08", "2025-03-21", "2025-03-20", "yes"),
        ("2022-08-08", "2025-03-21", "2025-03-21", "no"),
        (None, "2025-03-21", "2025-03-21", "no"),
    ],
)
def test_in_force(start: str | None, end: str | None, at: str, expected: str) -> None:
    """[valid_from, valid_to), unknown wherever a partial date cannot tell."""
    assert in_force(fact("sanction", None, start, end), moment(at)).value == expected
