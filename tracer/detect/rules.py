"""What a landing of tainted money means: one row a rule. A rule finds nothing, or one finding with its proof."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from tracer.chains import listed
from tracer.detect.coinjoin import CoinJoin
from tracer.detect.deposits import derived
from tracer.detect.kyc import POLICY, Policy, low_kyc
from tracer.detect.patterns import DETECTORS, Seen
from tracer.detect.sanctions import sanctioned
from tracer.detect.successors import low_kyc_of
from tracer.model import Address, Answer, AssetId, Entity, Finding, Judgement, Label, Landing, Severity

UNSURE = Decimal("0.5")  # a label below this confidence still stops the trace, and the flag says so


@dataclass(frozen=True, slots=True)
class Known:
    """What rules may ask: who a label names, the policy that weighs facts, CoinJoins, and patterns that were seen."""

    entity_of: Callable[[str], Entity | None]
    policy: Policy = POLICY
    coinjoins: Mapping[tuple[str, str], CoinJoin] = field(default_factory=dict)  # by chain and transaction hash
    patterns: Mapping[tuple[str, Address], Seen] = field(default_factory=dict)  # by detector and address

    def low_kyc(self, label: Label | None, at: datetime) -> Judgement:
        """Was the labelled service low-KYC at that moment?"""
        entity = self.entity_of(label.entity) if label else None
        return low_kyc_of(entity, self.entity_of, at, self.policy) if entity else low_kyc((), at, self.policy)

    def sanctioned(self, label: Label, at: datetime) -> Judgement:
        """Was the labelled entity under a sanction at that moment?"""
        entity = self.entity_of(label.entity)
        return sanctioned(entity, at) if entity else Judgement(Answer.UNKNOWN, "it is not in the registry")

    def mixes(self, landing: Landing) -> list[CoinJoin]:
        """The CoinJoins in which this money ended."""
        keys = [(arrival.chain, arrival.tx_hash) for arrival in landing.arrivals if landing.kind == "coinjoin"]
        return [self.coinjoins[key] for key in keys if key in self.coinjoins]

    def divide(self, claims: Sequence[Label], at: datetime) -> str:
        """Tells moments apart at which a rule would judge the same address differently."""
        answers = [str(self.sanctioned(claim, at).answer) for claim in claims]
        return " ".join([str(self.low_kyc(claims[0] if claims else None, at).answer), *answers])


Judge = Callable[[Landing, Known], Judgement | None]
Whose = Callable[[Landing, Known], Label | None]


def _counting(landing: Landing, _known: Known) -> Label | None:
    return landing.label


def _of_the_sanctioned(landing: Landing, known: Known) -> Label | None:
    """The claim that says it is a sanctioned one: a surer claim of another must not hide it."""
    at = landing.arrivals[0].at
    claims = landing.claims or ((landing.label,) if landing.label else ())
    return next((claim for claim in claims if known.sanctioned(claim, at).answer is Answer.YES), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of RULES. `judge` gives what decided, or None where the rule does not apply; `whose` the label it is of."""

    name: str
    version: int
    severity: Severity
    says: str
    judge: Judge
    whose: Whose = _counting


def _low_kyc_arrival(landing: Landing, known: Known) -> Judgement | None:
    if landing.kind != "arrival":
        return None
    judgement = known.low_kyc(landing.label, landing.arrivals[0].at)
    return judgement if judgement.answer is Answer.YES else None


def _exchange_arrival(landing: Landing, known: Known) -> Judgement | None:
    if landing.kind != "arrival":
        return None
    judgement = known.low_kyc(landing.label, landing.arrivals[0].at)
    return judgement if judgement.answer is not Answer.YES else None


def _mixer_entry(landing: Landing, known: Known) -> Judgement | None:
    if landing.kind == "coinjoin":
        named = "; ".join(mix.says for mix in known.mixes(landing))
        return Judgement(Answer.YES, f"the exact trace ends in a CoinJoin that took this address's coin; {named}")
    return Judgement(Answer.YES, "the exact trace ends at a mixer") if landing.kind == "mixer" else None


def _bridge_exit(landing: Landing, known: Known) -> Judgement | None:
    if landing.kind == "bridge":
        return Judgement(Answer.YES, "it left this chain through a bridge")
    if landing.kind != "redeemed":
        return None
    token = listed(AssetId(*landing.address))
    if token is not None and (token.issuer_destroys or token.wraps_native):
        return None  # its own issuer takes it back or destroys it: it goes nowhere else
    return Judgement(Answer.YES, "a bridged or wrapped coin was given back and destroyed here")


def _sanctioned_contact(landing: Landing, known: Known) -> Judgement | None:
    claim = _of_the_sanctioned(landing, known)
    return known.sanctioned(claim, landing.arrivals[0].at) if claim else None


def _pattern(name: str) -> Judge:
    def judge(landing: Landing, known: Known) -> Judgement | None:
        seen = known.patterns.get((name, landing.address)) if landing.kind == name else None
        return Judgement(Answer.YES, seen.says) if seen else None

    return judge


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule("low_kyc_arrival", 1, Severity.HIGH, "arrived at a service that was low-KYC then", _low_kyc_arrival),
        Rule("exchange_arrival", 1, Severity.MEDIUM, "arrived at a custodial service", _exchange_arrival),
        Rule("mixer_entry", 2, Severity.HIGH, "entered a mixer", _mixer_entry),
        Rule("bridge_exit", 1, Severity.MEDIUM, "left the chain", _bridge_exit),
        Rule(
            "sanctioned_contact",
            1,
            Severity.SEVERE,
            "reached an address sanctioned then",
            _sanctioned_contact,
            _of_the_sanctioned,
        ),
        *(Rule(row.name, row.version, row.severity, row.says, _pattern(row.name)) for row in DETECTORS.values()),
    )
}


def find(landings: Iterable[Landing], known: Known) -> tuple[Finding, ...]:
    """All findings, one for each rule and address, sorted by both."""
    found: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for landing in landings:
        for rule in RULES.values():
            judgement = rule.judge(landing, known) if _brings(landing) else None
            if judgement is not None:
                of = replace(landing, label=rule.whose(landing, known))
                found[(rule.name, *landing.address)].append(_finding(rule, of, judgement, known))
    return tuple(_joined(found[key]) for key in sorted(found))


def _brings(landing: Landing) -> bool:
    """A flag rises when any conserving method brings more than nothing."""
    return any(one.amount for arrival in landing.arrivals for one in arrival.sums)


def _finding(rule: Rule, landing: Landing, judgement: Judgement, known: Known) -> Finding:
    seen = known.patterns.get((rule.name, landing.address))
    return Finding(
        rule=rule.name,
        rule_version=rule.version,
        severity=rule.severity,
        address=landing.address,
        entity=_name(landing, known),
        message=f"Tainted money {rule.says}: {judgement.reason}.{_doubt(landing.label)}",
        label=landing.label,
        facts=judgement.facts,
        arrivals=landing.arrivals,
        paths=landing.paths,
        hops=landing.hops,
        evidence=seen.evidence if seen else (),
    )


def _name(landing: Landing, known: Known) -> str | None:
    if landing.kind == "coinjoin":
        return " / ".join(dict.fromkeys(mix.name for mix in known.mixes(landing))) or "CoinJoin"
    if landing.label is None:
        return landing.token.symbol if landing.token else landing.address.text
    entity = known.entity_of(landing.label.entity)
    return entity.name if entity else landing.label.entity


def _doubt(label: Label | None) -> str:
    if label is None:
        return ""
    by_rule = f" No list names this address: the {label.source} tells it by what it did (`tracer deposits`)."
    unsure = f" The label is unsure: confidence {label.confidence}, by {label.source}."
    return (by_rule if derived(label) else "") + (unsure if label.confidence < UNSURE else "")


def _joined(findings: Sequence[Finding]) -> Finding:
    """One rule at one address, at moments that were judged apart or at which it belonged to somebody else."""
    in_turn = sorted(findings, key=lambda finding: finding.arrivals[0].at)
    arrivals = {arrival for finding in in_turn for arrival in finding.arrivals}
    return replace(
        in_turn[-1],
        entity=" / ".join(dict.fromkeys(finding.entity for finding in in_turn if finding.entity)) or None,
        message=" ".join(dict.fromkeys(finding.message for finding in in_turn)),
        facts=tuple(dict.fromkeys(fact for finding in in_turn for fact in finding.facts)),
        arrivals=tuple(sorted(arrivals, key=lambda arrival: (arrival.at, arrival.tx_hash, arrival.asset))),
        paths=tuple(path for finding in in_turn for path in finding.paths),
        hops=min(finding.hops for finding in in_turn),
    )
