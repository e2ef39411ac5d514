"""Who is behind a label, and what is known of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from tracer.errors import InputError, NotFound
from tracer.model import Entity, Fact

_NUMBER = re.compile(r"[\s#:_-]*\d+$")


class Registry:
    """Entities by id and by every name they go by. InputError if two entities share a name."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self._entities: dict[str, Entity] = {}
        self._names: dict[str, Entity] = {}
        for entity in sorted(entities, key=lambda each: each.id):
            if entity.id in self._entities:
                raise InputError(f"entity {entity.id} stands twice: join its facts")
            self._entities[entity.id] = entity
            self._add_names(entity)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """All entities, by id."""
        return tuple(self._entities.values())

    def entity_of(self, text: str) -> Entity | None:
        """The entity that a label's text names, or None: nothing is guessed.

        The text must be an entity's id, name or alias, case, blanks, punctuation and look of letters aside. Where it is
        none, a number at its end is left out and it is tried once more: name tags count an exchange's wallets
        ("Binance 14", "Huobi 3"). "HitBTC: Deposit" names nobody: whose deposit it is, is another claim.
        """
        return self._names.get(_plain(text)) or self._names.get(_plain(_NUMBER.sub("", text)))

    def named(self, text: str) -> Entity | None:
        """The entity of exactly that id, name or alias; no number is left out."""
        return self._names.get(_plain(text))

    def facts(self, entity_id: str) -> tuple[Fact, ...]:
        """What is known of an entity. NotFound for an id that no entity has."""
        if entity_id not in self._entities:
            raise NotFound(f"no entity {entity_id!r} in the registry")
        return self._entities[entity_id].facts

    def _add_names(self, entity: Entity) -> None:
        for name in {_plain(name) for name in (entity.id, entity.name, *entity.aliases)}:
            other = self._names.setdefault(name, entity)
            if not name or other is not entity:
                raise InputError(f"entities {other.id} and {entity.id} share the name {name!r}: rename one")


class Names:
    """Names that are still free for entities to come, so that no two of them share one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._taken: dict[str, str] = {}

    def take(self, text: str, entity_id: str) -> bool:
        """Take a name for an entity; False where it is another's."""
        plain, known = _plain(text), self._registry.named(text)
        mine = bool(plain) and (known is None or known.id == entity_id)
        return mine and self._taken.setdefault(plain, entity_id) == entity_id


def _plain(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).casefold() if letter.isalnum())
