"""Take the shipped entities, facts and service addresses into the store; who is behind a label."""

from tracer.registry.files import shipped, shipped_digest
from tracer.registry.registry import Registry
from tracer.store.store import Store

ACTOR = "tracer"


def refresh(store: Store) -> Registry:
    """Add what this version ships and the store never had; -> the registry as the store now knows it.

    What a person withdrew stays withdrawn. Where the files are those that were taken in last, they are not read.
    """
    digest = shipped_digest()
    if store.last_act("registry", "shipped").get("sha256") != digest:
        entities, labels = shipped()
        with store.act(ACTOR, "registry", "shipped", sha256=digest) as work:
            work.changed = True  # that these files were taken in, though they say nothing new
            work.note(entities=work.add_entities(entities, again=False), labels=work.add_labels(labels, again=False))
    return Registry(store.entities())
