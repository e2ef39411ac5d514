"""Was an entity under a sanction at a moment? The answer is yes, no or unknown, with the facts that decided."""

from __future__ import annotations

from datetime import datetime

from tracer.detect.kyc import LEVELS, Level, describe, in_force
from tracer.model import Answer, Entity, Fact, Judgement


def sanctioned(entity: Entity, at: datetime) -> Judgement:
    """Whether a known sanction on an entity was in force at an aware moment.

    Yes if one certainly was; unknown if its dates are not exact enough, if the entity disputes that it is the one
    meant, or if no sanction is known (lists may be missing); no only if all known ones had ended or not begun.
    """
    facts = [fact for fact in entity.facts if fact.kind == "sanction"]
    standing = {answer: [fact for fact in facts if in_force(fact, at) is answer] for answer in Answer}
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


def _judge(answer: Answer, reason: str, facts: list[Fact]) -> Judgement:
    return Judgement(answer, f"{reason}: {'; '.join(describe(fact) for fact in facts)}", tuple(facts))
