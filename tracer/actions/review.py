"""What a person makes of a flag."""

from __future__ import annotations

from tracer.errors import InputError
from tracer.model import FlagState
from tracer.store.rows import Flag
from tracer.store.store import Store

REVIEWS = (FlagState.OPEN, FlagState.CONFIRMED, FlagState.DISMISSED, FlagState.ESCALATED)


def review(store: Store, flag_id: str, state: str, note: str, actor: str) -> Flag:
    """Add a review to a flag; nothing is overwritten. Raises NotFound, InputError for another state or no note."""
    if state not in REVIEWS:
        raise InputError(f"{state!r} is no state a person can give: take one of {', '.join(REVIEWS)}")
    if not note.strip():
        raise InputError("a review needs a note: --note 'why'")
    flag = store.flag(flag_id)
    with store.act(actor, "review", flag.id, state=state) as work:
        work.review(flag.id, FlagState(state), note, actor)
    return store.flag(flag.id)
