"""GraphSense's actor pack: who the `actor` of a TagPack's tag is, with countries. It states no dates and no facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import yaml

from tracer.errors import InputError
from tracer.model import Entity
from tracer.registry.guarded import load
from tracer.registry.registry import Names
from tracer.registry.said import About, Said

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # all text: an id such as 01 stays what it is

KINDS = {
    "exchange": "exchange",
    "atm": "exchange",
    "mixing_service": "mixer",
    "payment_processor": "payment",
    "wallet_service": "payment",
    "gambling": "gambling",
    "defi_bridge": "bridge",
    "defi_dex": "dex",
    "defi_lending": "lending",
    "dark_web": "darknet_market",
}


def read_actors(content: BinaryIO, about: About) -> Said:
    """The actors as entities. One that is known already, by id, name or alias, is left as it is known.

    Where two share a name the first has it, and the other is shown with its id. Raises InputError if it is no pack.
    """
    pack = load(content, about.name, _Loader)
    actors = pack.get("actors") if isinstance(pack, dict) else None
    if not isinstance(actors, list) or not all(isinstance(actor, dict) and actor.get("id") for actor in actors):
        raise InputError(f"{about.name} is no actor pack: it must be a mapping with a list of actors, each with an id")
    said = Said(about.as_of or _text(pack, "lastmod"), (), rows=len(actors))
    ours = {entity.id for entity in about.before()[1]}
    names = Names(about.registry)
    said.entities = tuple(_entities(actors, about, ours, names, said))
    return said


def _entities(
    actors: list[Mapping[str, Any]], about: About, ours: set[str], names: Names, said: Said
) -> Iterator[Entity]:
    for actor in actors:
        key, label = _text(actor, "id") or "", _text(actor, "label") or _text(actor, "id") or ""
        known = about.registry.named(key) or about.registry.named(label)
        if known is not None and known.id not in ours:
            said.left_out.add("known already under that name")
            continue
        if not names.take(key, key):
            said.left_out.add("its id is another entity's name")
            continue
        name = label if names.take(label, key) else f"{label} ({key})"
        also = tuple(each for each in _texts(actor, "aliases") if each != name and names.take(each, key))
        yield Entity(key, name, _kind(actor), tuple(dict.fromkeys(also)), tuple(_texts(actor, "jurisdictions")))


def _kind(actor: Mapping[str, Any]) -> str:
    return next((KINDS[each] for each in _texts(actor, "categories") if each in KINDS), "other")


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key)
    return value.strip() or None if isinstance(value, str) else None


def _texts(item: Mapping[str, Any], key: str) -> Iterator[str]:
    values = item.get(key)
    yield from (each.strip() for each in (values if isinstance(values, list) else ()) if isinstance(each, str) and each)
