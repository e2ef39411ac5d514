"""Was an entity under a sanction at a moment? The answer is yes, no or unknown, with the facts that decided."""

from __future__ import annotations

from datetime import datetime

from tracer.detect.kyc import LEVELS, Level, days, describe, in_force
from tracer.model import Answer, Entity, Fact, Judgement


def sanctioned(entity: Entity, at: datetime) -> Judgement:
    """Whether a known sanction on an entity was in force at an aware moment.

    Yes if one certainly was; unknown if its dates are not exact enough, if the entity disputes that it is the one
    meant, or if no sanction is known (lists may be missing); no only if all known ones had ended or not begun.
    """
    facts = [fact for fact in entity.facts if fact.kind == "sanction"]
    standing = {answer: [fact for fact in facts if _listed(fact, at) is answer] for answer in Answer}
    covering, unclear = standing[Answer.YES], standing[Answer.UNKNOWN]
    if any(LEVELS.get(fact.level or "") is Level.DISPUTED for fact in covering):
        return _judge(Answer.UNKNOWN, f"whether {entity.name} is the one sanctioned is disputed", covering)
    if covering:
        return _judge(Answer.YES, f"{entity.name} was sanctioned", covering)
    if unclear:
        return _judge(Answer.UNKNOWN, "the dates are not exact enough to tell", unclear)
    if facts:
        return _judge(Answer.NO, f"no known sanction on {entity.name} was in force", facts)
    return Judgement(Answer.UNKNOWN, f"no sanction on {entity.name} is known to this registry")


def _listed(fact: Fact, at: datetime) -> Answer:
    """In force by its dates; where it does not say since when, it holds from the day of the official list on."""
    answer = in_force(fact, at)
    dated = fact.valid_from is None and fact.source_kind == "official" and fact.source_date is not None
    if answer is Answer.UNKNOWN and dated and at >= days(str(fact.source_date))[1]:
        ended = fact.valid_to is not None and at >= days(fact.valid_to)[0]
        return Answer.UNKNOWN if ended else Answer.YES
    return answer


def _judge(answer: Answer, reason: str, facts: list[Fact]) -> Judgement:
    return Judgement(answer, f"{reason}: {'; '.join(describe(fact) for fact in facts)}", tuple(facts))
