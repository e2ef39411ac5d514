"""Were a service's customer checks weak at a moment? The answer is yes, no or unknown, with the facts that decided.

Only dated statements decide. `Policy` says for how long each kind is believed; LEVELS says what a level's words mean.

What decides, if the fact is in force at the moment and its confidence is not low:

- yes: a `kyc_policy` of level none, or triggered (checks on suspicion only, as instant swappers do) where the policy
  counts it; a `nokyc_limit` of the policy's amount or more a day; an enforcement, sanction or seizure whose text cites
  a failure of customer checks (`cites_aml_kyc_failure`);
- no: a `kyc_policy` of level mandatory, or a moment after `kyc_mandatory_since`;
- nothing: every other kind, limits on leaving (withdrawals of the unverified), limits below the amount, context.

In force: between both dates where both are stated. Where an end is missing a fact is believed for the policy's time,
and an open fact only until a later statement of the opposite. A page that states no dates but carries one is believed
around it; a page without any date only says "so it was at some time" and decides nothing. Where yes and no are both in
force, or a finding is under appeal, the answer is unknown and both sides are named. No facts is unknown, never no.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tracer.model import Answer, Fact, Judgement, Limit


class Level(StrEnum):
    """What a level's words come to. `context` decides nothing, `disputed` keeps a fact from deciding."""

    NONE = "none"
    TRIGGERED = "triggered"
    MANDATORY = "mandatory"
    CONTEXT = "context"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts as weak, and for how long a statement is believed. Its values belong in a trace's digest.

    `version` is raised with every change of the rule or of a value, so that a decision says by which it was made.
    `usd_per_day`: a limit without checks from which on a service is low-KYC; `btc_per_day` is the same for limits
    stated in bitcoin, chosen so that no price is needed. `triggered_is_low`: checks on suspicion only count as weak
    (KYCnot.me levels up to 3). `page`: how long before and after its own date an otherwise undated page is believed.
    `state`: how long a lax rule is believed past its stated start, or before its stated end. `finding`: how long an
    enforcement act speaks for the time after it. Mandatory checks, sanctions and seizures hold until contradicted.
    """

    version: int = 1
    usd_per_day: Decimal = Decimal(10_000)
    btc_per_day: Decimal = Decimal(1)
    dollars: frozenset[str] = frozenset({"USD", "USDT", "USDC"})
    triggered_is_low: bool = True
    page: timedelta = timedelta(days=365)
    state: timedelta = timedelta(days=730)
    finding: timedelta = timedelta(days=365)
    deciding: frozenset[str] = frozenset({"high", "medium"})


POLICY = Policy()

ACTS = frozenset({"enforcement", "sanction", "seizure"})
STATES = frozenset({"kyc_policy", "nokyc_limit", "kyc_mandatory_since"})

# Every level that a shipped kyc_policy or nokyc_limit carries, and the levels that keep an act from deciding.
LEVELS: dict[str, Level] = {
    "none": Level.NONE,
    "none (e-mail only)": Level.NONE,
    "none for crypto": Level.NONE,
    "none for trading": Level.NONE,
    "accounts without KYC": Level.NONE,
    "minimal checks (prosecutors)": Level.NONE,
    "without a required AML programme (plea)": Level.NONE,
    "input blacklist, no customer checks": Level.NONE,
    "basic account verification": Level.NONE,
    "unauthenticated": Level.NONE,
    "unverified": Level.NONE,
    "without ID verification": Level.NONE,
    "KYC0 (no KYC)": Level.NONE,
    "no KYC below": Level.NONE,
    "one security item, no KYC": Level.NONE,
    "triggered": Level.TRIGGERED,
    "triggered; none by default": Level.TRIGGERED,
    "triggered (refunds of flagged deposits)": Level.TRIGGERED,
    "risk-based (KYC policy part of the terms)": Level.TRIGGERED,
    "conditional: some regions or accounts": Level.TRIGGERED,
    "KYCnot.me level 2 (older 0-3 scale, wording as quoted)": Level.TRIGGERED,
    "mandatory": Level.MANDATORY,
    "mandatory for deposits and withdrawals": Level.MANDATORY,
    "document and face check": Level.MANDATORY,
    "existing users restricted to withdrawals and closing": Level.MANDATORY,
    "no withdrawals without level 1": Level.MANDATORY,
    "stated as required for all": Level.MANDATORY,
    "stated as required before a business relationship": Level.MANDATORY,
    "older rule: deposit possible before verification, verification before withdrawal": Level.CONTEXT,
    "unverified: withdrawals only (exit limit)": Level.CONTEXT,
    "unverified: no deposits, withdrawals 20,000 USDT in 24 h": Level.CONTEXT,
    "tiers basic/advanced": Level.CONTEXT,
    "Lv 1 (personal information)": Level.CONTEXT,
    "level 1": Level.CONTEXT,
    "tier 1 needed to withdraw": Level.CONTEXT,
    "KYC 1 (name and ID number, no document photo)": Level.CONTEXT,
    "advanced KYC above": Level.CONTEXT,
    "verification of legacy accounts announced": Level.CONTEXT,
    "no account": Level.CONTEXT,
    "no screening": Level.CONTEXT,
    "phone number only (basic customers of payment institutions)": Level.CONTEXT,
    "failing checks of identified customers": Level.CONTEXT,
    "under appeal": Level.DISPUTED,
    "disputed by the exchange": Level.DISPUTED,
}

_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one fact says of the moment asked: weak checks or not, in force or not, since when."""

    fact: Fact
    low: bool
    holds: Answer
    since: datetime | None
    open: bool


def low_kyc(facts: Iterable[Fact], at: datetime, policy: Policy = POLICY) -> Judgement:
    """Whether a service's customer checks were weak at an aware moment: yes, no or unknown, and why.

    `facts` are those of one entity, in any order. The judgement's facts are the ones that decided or stood in the way;
    its reason names them by id, and the policy's version.
    """
    judged = _low_kyc(facts, at, policy)
    return replace(judged, reason=f"{judged.reason} (policy {policy.version})")


def _low_kyc(facts: Iterable[Fact], at: datetime, policy: Policy) -> Judgement:
    ordered = sorted(facts, key=_by_text)
    claims = [claim for fact in ordered if (claim := _claim(fact, at, policy)) is not None]
    standing = [claim for claim in claims if not _superseded(claim, claims)]
    yes = [claim.fact for claim in standing if claim.low and claim.holds is Answer.YES]
    no = [claim.fact for claim in standing if not claim.low and claim.holds is Answer.YES]
    maybe = [claim for claim in standing if claim.holds is Answer.UNKNOWN]
    against = [claim.fact for claim in maybe if claim.low is not bool(yes)]
    if (yes and no) or ((yes or no) and against):
        return _judge(Answer.UNKNOWN, "its facts contradict each other at that moment", [*yes, *no, *against])
    if yes:
        return _judge(Answer.YES, "its customer checks were weak", yes)
    if no:
        return _judge(Answer.NO, "it checked its customers", no)
    return _nothing_decides(ordered, [claim.fact for claim in maybe])


def in_force(fact: Fact, at: datetime) -> Answer:
    """Whether a fact's own dates cover a moment, [valid_from, valid_to): no start is unknown, no end is open.

    A year or month that is not exact enough to tell gives unknown; days are UTC days.
    """
    if fact.valid_to is not None:
        first, last = days(fact.valid_to)
        if at >= last:
            return Answer.NO
        if at >= first:
            return Answer.UNKNOWN
    if fact.valid_from is None:
        return Answer.UNKNOWN
    first, last = days(fact.valid_from)
    if at < first:
        return Answer.NO
    return Answer.YES if at >= last else Answer.UNKNOWN


def days(text: str) -> tuple[datetime, datetime]:
    """The first and the last day, at 0:00 UTC, that an ISO day, month or year may mean. ValueError if it is none."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no date: write YYYY-MM-DD, YYYY-MM or YYYY")
    year, month, day = (int(part) if part else None for part in found.groups())
    first = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    last_month = month or 12
    last = datetime(first.year, last_month, day or calendar.monthrange(first.year, last_month)[1], tzinfo=UTC)
    return first, last


def _claim(fact: Fact, at: datetime, policy: Policy) -> _Claim | None:
    """The claim of a fact that may decide; None for one that cannot."""
    low = _says_low(fact, policy)
    if low is None or fact.confidence not in policy.deciding:
        return None
    dated = fact.valid_from or (None if fact.valid_to else fact.source_date)
    since = days(dated)[0] if dated else None
    holds = _holds(fact, at, policy)
    if holds is Answer.YES and LEVELS.get(fact.level or "") is Level.DISPUTED:
        holds = Answer.UNKNOWN
    return _Claim(fact, low, holds, since, open=fact.valid_to is None)


def _says_low(fact: Fact, policy: Policy) -> bool | None:
    """True: weak checks; False: checks; None: the fact says neither."""
    if fact.kind in ACTS:
        cited = fact.cites_aml_kyc_failure is True and LEVELS.get(fact.level or "") is not Level.CONTEXT
        return True if cited else None
    if fact.kind == "kyc_mandatory_since":
        return False
    if fact.kind == "nokyc_limit":
        return True if fact.limit is not None and _is_large(fact.limit, policy) else None
    if fact.kind == "kyc_policy":
        low = {Level.NONE: True, Level.TRIGGERED: True if policy.triggered_is_low else None, Level.MANDATORY: False}
        return low.get(LEVELS.get(fact.level or "", Level.CONTEXT))
    return None


def _is_large(limit: Limit, policy: Policy) -> bool:
    """A limit of one payment lets through at least as much in a day; one of a month a thirtieth of it on each."""
    a_day = limit.amount / 30 if limit.period == "month" else limit.amount
    if limit.asset.upper() in policy.dollars:
        return a_day >= policy.usd_per_day
    return limit.asset.upper() == "BTC" and a_day >= policy.btc_per_day


def _holds(fact: Fact, at: datetime, policy: Policy) -> Answer:
    """In force by its own dates and, where one is missing, by the policy's time for such a fact."""
    if fact.valid_from and fact.valid_to:
        return in_force(fact, at)
    if fact.valid_from:
        return _no_later(in_force(fact, at), days(fact.valid_from)[1], at, _lasting(fact, policy))
    if fact.valid_to:
        return _before_end(fact.valid_to, at, policy.state)
    if fact.source_date is None:
        return Answer.NO
    first, last = days(fact.source_date)
    before = timedelta(0) if fact.kind in ACTS else policy.page
    return Answer.YES if first - before <= at <= last + policy.page else Answer.NO


def _lasting(fact: Fact, policy: Policy) -> timedelta | None:
    """How long past its start an open fact is believed; None: until contradicted."""
    if fact.kind == "enforcement":
        return policy.finding
    if fact.kind in ACTS or _says_low(fact, policy) is False:
        return None
    return policy.state


def _no_later(answer: Answer, start: datetime, at: datetime, lasting: timedelta | None) -> Answer:
    return Answer.NO if lasting is not None and at > start + lasting else answer


def _before_end(end: str, at: datetime, believed: timedelta) -> Answer:
    """In force for the time believed before an end that alone is stated."""
    first, last = days(end)
    if first <= at < last:
        return Answer.UNKNOWN
    return Answer.YES if first - believed <= at < first else Answer.NO


def _superseded(claim: _Claim, claims: list[_Claim]) -> bool:
    """An open claim ends where a rule of the opposite, stated to hold since later, is in force."""
    return claim.open and any(
        other.low is not claim.low
        and other.fact.kind in STATES
        and other.holds is Answer.YES
        and claim.since is not None
        and other.since is not None
        and other.since > claim.since
        for other in claims
    )


def _nothing_decides(facts: list[Fact], maybe: list[Fact]) -> Judgement:
    """Unknown, with the nearest thing to an answer and what is missing."""
    if maybe:
        return _judge(
            Answer.UNKNOWN, "its only fact is disputed, or a year or month is not exact enough to tell", maybe
        )
    near = [fact for fact in facts if fact.kind in STATES]
    if near:
        reason = "what is known of its checks is undated, of another time, of low confidence or not about deposits"
        return _judge(Answer.UNKNOWN, reason, near)
    return Judgement(Answer.UNKNOWN, "nothing is known of its customer checks at that moment")


def _judge(answer: Answer, reason: str, facts: list[Fact]) -> Judgement:
    return Judgement(answer, f"{reason}: {'; '.join(describe(fact) for fact in facts)}", tuple(facts))


def describe(fact: Fact) -> str:
    """A fact in a few words: its id, what, since and until when, who says so."""
    what = f"{fact.kind} {fact.level}" if fact.level else fact.kind
    amount = f" {fact.limit.amount:f} {fact.limit.asset} a {fact.limit.period}" if fact.limit else ""
    start, end = (
        f" from {fact.valid_from}" if fact.valid_from else "",
        f" until {fact.valid_to}" if fact.valid_to else "",
    )
    page = "" if start or end else f" (page of {fact.source_date})" if fact.source_date else " (undated page)"
    return f"{what}{amount}{start}{end}{page}, {fact.source_url} [{fact.id}]"


def _by_text(fact: Fact) -> tuple[str, ...]:
    return (fact.valid_from or "", fact.valid_to or "", fact.kind, fact.level or "", fact.source_url, fact.quote)
