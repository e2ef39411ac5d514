"""From a fold to its document: what came where, what the rules say of it, and what stopped the reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction

from tracer.detect.patterns import patterns
from tracer.detect.rules import Known, find
from tracer.detect.successors import predecessors
from tracer.exports.document import Told, document
from tracer.exports.plain import Plain, share
from tracer.exports.scenes import scene
from tracer.model import Address, Asset, Coverage, Crossing, Gap
from tracer.taint.exposure import exposures
from tracer.taint.flow import Result
from tracer.taint.landings import landings

UNCONFIRMED, DISAGREEMENT = "unconfirmed", "disagreement"
STATED = frozenset({UNCONFIRMED, DISAGREEMENT})  # kinds of gaps that come from the reading, not from the fold


@dataclass(frozen=True, slots=True)
class Work:
    """What is told beside the fold: the case's name and headline method, what rules may ask, how it was read.

    `gaps`: those that the reading left (STATED).
    """

    case: str
    method: str
    known: Known
    dropped: Mapping[str, str]
    read_order: Sequence[Address]
    coverage: Mapping[Address, Coverage]
    assets: Sequence[Asset]
    crossings: Sequence[Crossing] = ()
    gaps: Sequence[Gap] = ()


def told(work: Work, result: Result) -> Told:
    """Everything a fold says, before it is written down."""
    looked = scene(result, work.dropped)
    known = replace(work.known, patterns=patterns(looked))
    places = {key: looked.hashes(key[1], seen) for key, seen in known.patterns.items()}
    landed = landings(result, work.method, known.divide, places)
    texts = {label.entity for landing in landed for label in (landing.label, *landing.claims) if label}
    named = {text: entity for text in sorted(texts) if (entity := work.known.entity_of(text))}
    before = [one for entity in named.values() for one in predecessors(entity, work.known.entity_of)]
    named |= {one.id: one for one in before}
    return Told(
        case=work.case,
        method=work.method,
        limits=result.flow.limits,
        policy=asdict(work.known.policy),
        result=result,
        dropped=work.dropped,
        read_order=work.read_order,
        coverage=work.coverage,
        assets=work.assets,
        entities=sorted({entity.id: entity for entity in named.values()}.values(), key=lambda entity: entity.id),
        names={text: entity.id for text, entity in named.items()},
        exposures=exposures(result),
        findings=find(landed, known),
        stopped=_stopped(result, len(work.read_order)),
        crossings=work.crossings,
        gaps=work.gaps,
        unconfirmed=frozenset(one.tx_hash for one in work.gaps if one.kind == UNCONFIRMED and one.tx_hash),
    )


def tell(work: Work, result: Result) -> Plain:
    """The canonical document of a fold."""
    return document(told(work, result))


def _stopped(result: Result, read: int) -> Plain:
    """What stopped it, and what is left unread with what it is worth."""
    limits = result.flow.limits
    left = [address for address in result.touched if address not in result.flow.read | result.passages]
    deep = [address for address in left if result.hops[address] >= limits.hops]
    reasons = {
        "addresses": limits.addresses is not None and read >= limits.addresses and bool(result.wanted()),
        "hops": bool(deep),
        "worth_or_age": bool(set(left) - set(deep) - set(result.wanted())),
    }
    most = max((result.worth.get(address, Fraction(0)) for address in left), default=Fraction(0))
    return {
        "by": [name for name, is_so in reasons.items() if is_so] or ["nothing left to read"],
        "unread": len(left),
        "unread_most_worth": share(most),
        "unresolved": len(result.unresolved),
    }
