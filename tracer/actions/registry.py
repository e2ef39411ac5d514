"""Take the shipped entities, facts and service addresses into the store; who is behind a label."""

from tracer.registry.files import shipped
from tracer.registry.registry import Registry
from tracer.store.store import Store

ACTOR = "tracer"


def refresh(store: Store) -> Registry:
    """Add what this version ships and the store does not have; -> the registry as the store now knows it."""
    entities, labels = shipped()
    with store.act(ACTOR, "registry", "shipped") as work:
        work.note(entities=work.add_entities(entities), labels=work.add_labels(labels))
    return Registry(store.entities())
