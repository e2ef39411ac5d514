"""Every rule with a landing that it flags and one that it must not; and that no flag comes without its proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.makers import ETHEREUM, START, USDT, address, label, transaction, transfer, tx_hash
from tracer.chains import TOKENS, zero_address
from tracer.detect.patterns import DETECTORS, Seen
from tracer.detect.rules import RULES, UNSURE, Known, find
from tracer.model import (
    Address,
    Arrival,
    AssetId,
    Category,
    Entity,
    Fact,
    Finding,
    Hop,
    Label,
    Landing,
    OriginSpec,
    Path,
    Severity,
    Sum,
)
from tracer.registry.registry import Registry
from tracer.taint.flow import Flow
from tracer.taint.landings import landings
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels

THIEF, PEEL, EXCHANGE, MIXER, BRIDGE = map(address, range(1, 6))
ORIGIN = "payment:x"
DAY = timedelta(days=1)
BRIDGED = AssetId("eip155:56", "0x55d398326f99059fF775485246999027B3197955")  # USDT as another chain's bridge issues it
UNKNOWN_FORM = next(token.asset for token in TOKENS.values() if token.form is None and token.token_class != "native")


def fact(kind: str, level: str | None = None, start: str | None = None, end: str | None = None) -> Fact:
    """A fact of high confidence."""
    given: dict[str, Any] = {"level": level, "valid_from": start, "valid_to": end, "confidence": "high"}
    return Fact("example", kind, "https://example.org", "words", "2026-11-21", **given)


def known(*facts: Fact, name: str = "Example Exchange") -> Known:
    """A registry of one entity with these facts."""
    return Known(Registry([Entity("example", name, "exchange", facts=facts)]).entity_of)


NOBODY = Known(Registry([]).entity_of)
LAX = fact("kyc_policy", "none", "2023-06-01", "2024-01-09")
STRICT = fact("kyc_policy", "mandatory", "2024-01-10")
SANCTION = fact("sanction", None, "2024-01-05", "2024-02-01")


def landing(
    kind: str = "arrival",
    claim: Label | None = None,
    *,
    at: datetime = START,
    where: Address = EXCHANGE,
    amount: int = 5,
    hops: int = 1,
) -> Landing:
    """What came to an address in one transaction, by one hop of that many."""
    sums = (Sum(ORIGIN, "fifo", USDT, amount, amount),)
    hop = Hop(ETHEREUM, tx_hash(1), at, 1, THIEF, where, USDT, amount, USDT, amount, amount, "payment", ("t",))
    path = Path(ORIGIN, "fifo", (hop,))
    return Landing(kind, where, claim, (Arrival(ETHEREUM, tx_hash(1), at, 1, USDT, sums),), (path,), hops)


def claim(category: Category = Category.EXCHANGE, **more: Any) -> Label:
    """A label on the address."""
    return label(EXCHANGE, category=category, **more)


def on(text: str) -> datetime:
    """Noon of a day."""
    return datetime.fromisoformat(f"{text}T12:00:00").replace(tzinfo=UTC)


FIRES: dict[str, tuple[Landing, Known]] = {
    "low_kyc_arrival": (landing("arrival", claim()), known(LAX)),
    "exchange_arrival": (landing("arrival", claim()), known(fact("kyc_policy", "mandatory", "2023-06-01"))),
    "mixer_entry": (landing("mixer", claim(Category.MIXER)), NOBODY),
    "bridge_exit": (landing("bridge", claim(Category.BRIDGE)), NOBODY),
    "sanctioned_contact": (landing("contact", claim(Category.SCAM), at=on("2024-01-20")), known(SANCTION)),
}
QUIET: dict[str, tuple[Landing, Known]] = {
    "low_kyc_arrival": (landing("arrival", claim()), known()),
    "exchange_arrival": (landing("arrival", claim()), known(LAX)),
    "mixer_entry": (landing("contact", claim(Category.MIXER)), NOBODY),
    "bridge_exit": (landing("redeemed", where=Address(*USDT)), NOBODY),
    "sanctioned_contact": (landing("contact", claim(Category.SCAM), at=on("2024-02-02")), known(SANCTION)),
}


for _name in DETECTORS:
    FIRES[_name] = (landing(_name), Known(NOBODY.entity_of, patterns={(_name, EXCHANGE): Seen(("t",), "it was seen")}))
    QUIET[_name] = (landing(_name, where=PEEL), FIRES[_name][1])


def named(*found: Finding) -> list[str]:
    """The names of the rules that fired."""
    return [one.rule for one in found]


def test_every_rule_is_tried_both_ways() -> None:
    """A new row of RULES needs a landing that it flags and one that it leaves alone."""
    assert set(FIRES) == set(QUIET) == set(RULES)
    assert all(rule.name == name and rule.version >= 1 and rule.says for name, rule in RULES.items())


@pytest.mark.parametrize("name", RULES)
def test_a_rule_fires_with_the_proof(name: str) -> None:
    """The finding carries the rule's version and severity and the landing's arrivals, paths, label and hops."""
    came, registry = FIRES[name]
    (found,) = [one for one in find([came], registry) if one.rule == name]

    assert (found.rule_version, found.severity) == (RULES[name].version, RULES[name].severity)
    assert (found.address, found.arrivals, found.paths, found.hops) == (
        *(came.address, came.arrivals, came.paths, came.hops),
    )
    assert found.label == came.label
    assert found.evidence == (("t",) if name in DETECTORS else ())
    assert RULES[name].says in found.message


@pytest.mark.parametrize("name", RULES)
def test_a_rule_leaves_others_alone(name: str) -> None:
    """The landing that is nearest to firing and must not."""
    assert name not in named(*find([QUIET[name][0]], QUIET[name][1]))


@pytest.mark.parametrize("name", RULES)
def test_nothing_that_came_is_no_finding(name: str) -> None:
    """A flag rises when any conserving method brings more than 0, and not before."""
    came, registry = FIRES[name]
    nothing = landing(came.kind, came.label, at=came.arrivals[0].at, where=came.address, amount=0)
    assert find([nothing], registry) == ()


@pytest.mark.parametrize("paths", [(), (Path(ORIGIN, "fifo", ()),)])
def test_a_flag_without_a_path_cannot_be_made(paths: tuple[Path, ...]) -> None:
    """Neither without paths nor with one that has no transaction; not by a rule either."""
    came = FIRES["mixer_entry"][0]
    with pytest.raises(ValueError, match="needs a path"):
        Finding("r", 1, Severity.LOW, EXCHANGE, None, "m", None, (), came.arrivals, paths, 1)
    with pytest.raises(ValueError, match="needs a path"):
        find([replace(came, paths=paths)], NOBODY)


# --- who is named, and how sure ---------------------------------------------------------------------------------------


def test_customer_checks_that_nobody_knows_are_unknown_not_low() -> None:
    """An entity without facts, and a label that names nobody: an arrival that says so."""
    for registry in (known(), NOBODY):
        (found,) = find([landing("arrival", claim())], registry)
        assert found.rule == "exchange_arrival"
        assert "known" in found.message
        assert "weak" not in found.message
        assert found.severity is Severity.MEDIUM


def test_the_entity_is_named_as_the_registry_names_it() -> None:
    """By the registry's name, else by the label's own words, else by the token or the address."""
    (by_registry,) = find([landing("arrival", claim(entity="example"))], known(name="Example Ltd"))
    (by_label,) = find([landing("arrival", claim(entity="Somebody"))], NOBODY)
    (by_token,) = find([landing("redeemed", where=Address(*BRIDGED))], NOBODY)

    assert (by_registry.entity, by_label.entity) == ("Example Ltd", "Somebody")
    assert by_token.entity == BRIDGED.contract  # the landing that taint/ makes names the token: see test_landings


@pytest.mark.parametrize(("confidence", "said"), [("0.49", True), (str(UNSURE), False), ("0.9", False)])
def test_a_label_that_is_unsure_is_said_to_be(confidence: str, said: bool) -> None:
    """Below one half the flag names confidence and source; the rule fires all the same."""
    (found,) = find([landing("mixer", claim(Category.MIXER, confidence=confidence, source="a forum"))], NOBODY)
    assert (f"confidence {confidence}, by a forum" in found.message) is said


def test_facts_that_decided_are_kept() -> None:
    """The flag holds the facts and quotes them in its sentence."""
    (found,) = find([landing("arrival", claim())], known(LAX))
    assert found.facts == (LAX,)
    assert LAX.source_url in found.message


# --- at their moment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "fires"),
    [("2024-01-04", False), ("2024-01-05", True), ("2024-01-31", True), ("2024-02-01", False), ("2024-02-02", False)],
)
def test_a_sanction_counts_while_it_stands(day: str, fires: bool) -> None:
    """Not before its first day and not from its end on; also where money only passed."""
    for kind in ("arrival", "contact", "mixer"):
        found = named(*find([landing(kind, claim(), at=on(day))], known(SANCTION)))
        assert ("sanctioned_contact" in found) is fires


def test_no_label_is_under_no_sanction() -> None:
    """What was redeemed in a token names nobody."""
    assert named(*find([landing("redeemed", where=Address(*BRIDGED), at=on("2024-01-20"))], known(SANCTION))) == [
        "bridge_exit"
    ]


@pytest.mark.parametrize(
    ("asset", "rules"),
    [
        (USDT, []),  # its issuer destroys what it redeems
        (BRIDGED, ["bridge_exit"]),
        (UNKNOWN_FORM, ["bridge_exit"]),  # not read what its issuer does: say so rather than stay silent
        (AssetId(ETHEREUM, str(address(99).text)), ["bridge_exit"]),  # on nobody's list
    ],
)
def test_what_is_redeemed_is_an_exit_unless_its_issuer_destroys_it(asset: AssetId, rules: list[str]) -> None:
    """A bridged or wrapped coin given back goes on elsewhere; an issuer's own token ends."""
    assert named(*find([landing("redeemed", where=Address(*asset))], NOBODY)) == rules


def test_a_known_entity_is_judged_at_the_moment_of_arrival() -> None:
    """The same exchange before and after it began to check its customers."""
    registry = known(LAX, STRICT)
    assert named(*find([landing("arrival", claim(), at=on("2024-01-05"))], registry)) == ["low_kyc_arrival"]
    assert named(*find([landing("arrival", claim(), at=on("2024-01-12"))], registry)) == ["exchange_arrival"]


# --- through a real flow ----------------------------------------------------------------------------------------------


def flowed(*payments: tuple[int, datetime], labels: list[Label]) -> Flow:
    """A thief who got 1000 pays the exchange these amounts at these times, straight."""
    history = [transaction((PEEL, THIEF, 1000), tx=1, at=START)]
    history += [transaction((THIEF, EXCHANGE, paid), tx=n, at=at) for n, (paid, at) in enumerate(payments, 2)]
    flow = Flow([OriginSpec(THIEF, USDT, tx_hash(1))], Labels(labels))
    flow.feed(history, [THIEF])
    return flow


def findings(flow: Flow, registry: Known) -> tuple[Finding, ...]:
    """What the rules find in it."""
    return find(landings(flow.fold(), "fifo", registry.divide), registry)


def brought(found: Finding) -> dict[str, int]:
    """What a finding states, method by method."""
    sums = dict.fromkeys(METHODS, 0)
    for one in (one for arrival in found.arrivals for one in arrival.sums):
        sums[one.method] += one.amount
    return sums


def test_moments_judged_apart_are_two_flags_with_their_own_proof() -> None:
    """Low-KYC until a day, then mandatory: the earlier arrivals are one flag, the later ones another."""
    early, late = on("2024-01-05"), on("2024-01-12")
    flow = flowed((100, early), (20, early + DAY), (3, late), (400, late + DAY), labels=[claim()])
    after, before = findings(flow, known(LAX, STRICT))

    assert named(before, after) == ["low_kyc_arrival", "exchange_arrival"]
    assert brought(before) == dict.fromkeys(METHODS, 120)
    assert brought(after) == dict.fromkeys(METHODS, 403)
    assert [arrival.at for arrival in before.arrivals] == [early, early + DAY]
    assert [arrival.at for arrival in after.arrivals] == [late, late + DAY]
    for found in (before, after):
        came = {(arrival.tx_hash, arrival.at) for arrival in found.arrivals}
        assert {(path.hops[-1].tx_hash, path.hops[-1].at) for path in found.paths} == came
    assert (before.facts, after.facts) == ((LAX,), (STRICT,))


def test_one_rule_at_one_address_is_one_flag() -> None:
    """Unknown, then mandatory: both are an exchange arrival, joined with all arrivals, paths and both sentences."""
    early, late = on("2024-01-05"), on("2024-01-12")
    flow = flowed((100, early), (3, late), labels=[claim()])
    (found,) = findings(flow, known(STRICT))

    assert brought(found) == dict.fromkeys(METHODS, 103)
    assert [arrival.at for arrival in found.arrivals] == [early, late]
    assert {path.hops[-1].at for path in found.paths} == {early, late}
    assert found.message.count("Tainted money") == 2
    assert found.facts == (STRICT,)


def test_an_address_that_changed_hands_names_both() -> None:
    """Each arrival is judged by whose address it was then; the flag names both, in that order."""
    change = on("2024-01-08")
    labels = [claim(entity="Zed Exchange", valid_to=change), claim(entity="Abe Exchange", valid_from=change)]
    flow = flowed((100, change - DAY), (3, change + DAY), labels=labels)
    (found,) = findings(flow, NOBODY)

    assert found.entity == "Zed Exchange / Abe Exchange"
    assert found.label is not None
    assert found.label.entity == "Abe Exchange"
    assert [brought(found)["fifo"], len(found.arrivals)] == [103, 2]


def test_two_rules_may_fire_at_one_address() -> None:
    """A sanctioned exchange is both; findings come sorted by rule and address."""
    flow = flowed((100, on("2024-01-20")), labels=[claim()])
    found = findings(flow, known(SANCTION))
    assert named(*found) == ["exchange_arrival", "sanctioned_contact"]
    assert len({(one.rule, one.address) for one in found}) == 2


@pytest.mark.parametrize(("asset", "entities"), [(BRIDGED, ["USDT"]), (USDT, [])])
def test_a_token_given_back_is_flagged_at_its_contract(asset: AssetId, entities: list[str]) -> None:
    """Burned twice: one flag at the token, named by its verified symbol; none where the issuer destroys it."""
    chain, zero = asset.chain, zero_address(asset.chain)
    payer, thief = address(2, chain), address(1, chain)
    moves = [(payer, thief, 100), (thief, zero, 7), (thief, zero, 8)]
    history = [transaction(transfer(*move, tx=n, asset=asset), tx=n, chain=chain) for n, move in enumerate(moves, 1)]
    flow = Flow([OriginSpec(thief, asset, tx_hash(1))], Labels())
    flow.feed(history, [thief])
    found = findings(flow, NOBODY)

    assert [one.entity for one in found] == entities
    assert [(one.address, brought(one)["fifo"]) for one in found] == [(Address(*asset), 15) for _ in entities]


def test_a_surer_claim_does_not_hide_a_sanction() -> None:
    """Anybody may list another owner with more confidence; the sanctioned claim is flagged all the same."""
    sure = label(EXCHANGE, entity="Somebody Else", confidence="0.95")
    both = (sure, claim())
    found = find([replace(landing("arrival", sure, at=on("2024-01-20")), claims=both)], known(SANCTION))

    assert named(*found) == ["exchange_arrival", "sanctioned_contact"]
    assert [finding.entity for finding in found] == ["Somebody Else", "Example Exchange"]
