"""Take labels and facts back, with the reason. What rested on them is named; the jobs run it again."""

from __future__ import annotations

from dataclasses import dataclass

from tracer.actions.affected import Affected, affected
from tracer.actions.registry import refresh
from tracer.errors import InputError, NotFound
from tracer.model import Address, Label
from tracer.store.store import Store


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """How many claims were taken back, and the cases and flags that met them."""

    count: int
    affected: tuple[Affected, ...]


def withdraw_labels(
    store: Store, address: Address, actor: str, reason: str, *, entity: str | None = None, source: str | None = None
) -> Withdrawn:
    """Take back the standing claims on an address, or those of one entity or source. Raises NotFound, InputError."""
    _need(reason)
    refresh(store)
    found = [label for label in _standing(store, address) if entity in (None, label.entity)]
    found = [label for label in found if source in (None, label.source)]
    if not found:
        raise NotFound(f"no such claim stands on {address}: `tracer who {address}` shows all")
    with store.act(actor, "withdraw labels", str(address), reason=reason) as work:
        count = work.withdraw_labels(found, reason)
        at = work.at
    return Withdrawn(count, affected(store, at))


def withdraw_fact(store: Store, fact_id: str, actor: str, reason: str) -> Withdrawn:
    """Take back the fact of that id. Raises NotFound where none stands, InputError without a reason."""
    _need(reason)
    refresh(store)
    found = [one.fact for one in store.facts() if one.fact.id == fact_id and one.withdrawn_at is None]
    if not found:
        raise NotFound(f"no fact {fact_id!a} stands: `tracer entities show ENTITY` names them")
    with store.act(actor, "withdraw fact", fact_id, entity=found[0].entity, reason=reason) as work:
        count = work.withdraw_facts(found, reason)
        at = work.at
    return Withdrawn(count, affected(store, at))


def _standing(store: Store, address: Address) -> list[Label]:
    """Each claim for itself, also where two say the same."""
    return [label for label in store.labels([address], history=True) if label.withdrawn_at is None]


def _need(reason: str) -> None:
    if not reason.strip():
        raise InputError("a withdrawal needs a reason: --reason 'why'")
