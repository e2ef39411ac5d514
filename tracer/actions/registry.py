"""Take the shipped entities, facts and service addresses into the store; who is behind a label."""

from tracer.registry.files import shipped
from tracer.registry.registry import Registry
from tracer.store.store import Store

ACTOR = "tracer"


def refresh(store: Store) -> Registry:
    """Add what this version ships and the store never had; -> the registry as the store now knows it.

    What a person withdrew stays withdrawn.
    """
    entities, labels = shipped()
    with store.act(ACTOR, "registry", "shipped") as work:
        work.note(entities=work.add_entities(entities, again=False), labels=work.add_labels(labels, again=False))
    return Registry(store.entities())
