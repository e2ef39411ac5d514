"""Entities and addresses from YAML files: ours, which ship with the package, and yours, in the same form.

An entities file is a list of
`{id, name, kind, aliases?, jurisdictions?[{country, basis, source_url, source_kind}], successor_of?, note?,
context?[{text, source_url, source_kind?, source_date?, quote, note?}], facts?}`; a fact is
`{kind, source_url, quote, read_on, id?, level?, limit?{amount, asset, period}, authority?, instrument?, valid_from?,
valid_to?, source_kind?, source_date?, confidence?, cites_aml_kyc_failure?, date_basis?, note?}`. Context is kept for
people: it is no fact and no rule may use it.

An addresses file is a list of
`{entity, category, confidence, source, url, chain, addresses[], valid_from?, valid_to?}`: `source` is the list that was
read, `url` where that list was read or got it from, `confidence` 0 to 1 in quotes.

Whatever is unknown, missing or malformed is refused with InputError naming file, entry and remedy.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from hashlib import sha256
from importlib.resources import as_file, files
from itertools import chain
from pathlib import Path

import yaml

from tracer import __version__
from tracer.chains import parse_address
from tracer.detect.kyc import days
from tracer.errors import InputError
from tracer.model import Category, Entity, Fact, Label, Limit
from tracer.registry.entries import Entry, Keys
from tracer.registry.guarded import load

ENTITY_KINDS = (
    *("exchange", "p2p_exchange", "instant_swapper", "mixer", "bridge", "dex", "lending", "payment", "gambling"),
    *("escrow_market", "darknet_market", "legal_regime", "group", "other"),
)
FACT_KINDS = (
    *("kyc_policy", "nokyc_limit", "kyc_mandatory_since", "licence", "jurisdiction", "sanction", "delisting"),
    *("enforcement", "seizure", "shutdown", "successor", "travel_rule"),
)
SOURCE_KINDS = ("official", "own_site", "court", "press", "directory", "dataset")

_ENTITY = Keys("id name kind", "aliases jurisdictions successor_of note context facts")
_JURISDICTION = Keys("country basis source_url source_kind")
_CONTEXT = Keys("text source_url quote", "source_kind source_date note")
_FACT = Keys(
    "kind source_url quote read_on",
    "id level limit authority instrument valid_from valid_to source_kind source_date confidence cites_aml_kyc_failure "
    "date_basis note",
)
_LIMIT = Keys("amount asset period")
_ADDRESSES = Keys("entity category confidence source url chain addresses", "valid_from valid_to")

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_entities(path: Path) -> tuple[Entity, ...]:
    """The entities of a file with their facts, in file order. Raises InputError."""
    found = tuple(_entity(entry) for entry in _entries(path, _ENTITY, name="id"))
    _refuse_twice(path, [entity.id for entity in found])
    return found


def read_addresses(path: Path) -> tuple[Label, ...]:
    """The labels of a file, one an address, in file order. Raises InputError."""
    return tuple(label for entry in _entries(path, _ADDRESSES, name="entity") for label in _labels(entry))


@lru_cache(maxsize=1)
def shipped() -> tuple[tuple[Entity, ...], tuple[Label, ...]]:
    """The entities and labels that come with the package."""
    with as_file(files("tracer.registry") / "data") as folder:
        entities = [read_entities(path) for path in sorted(folder.glob("entities-*.yaml"))]
        labels = [read_addresses(path) for path in sorted(folder.glob("addresses-*.yaml"))]
    return tuple(chain.from_iterable(entities)), tuple(chain.from_iterable(labels))


@lru_cache(maxsize=1)
def shipped_digest() -> str:
    """The SHA-256 of these files and of the version that reads them: tells whether they are still what somebody took
    in, without reading their entries.
    """
    said = sha256(__version__.encode())
    for path in sorted((files("tracer.registry") / "data").iterdir(), key=lambda path: path.name):
        if path.name.endswith(".yaml"):
            said.update(path.name.encode() + path.read_bytes())
    return said.hexdigest()


def _entries(path: Path, keys: Keys, name: str) -> list[Entry]:
    try:
        with path.open("rb") as file:
            content = load(file, path.name, _Loader)
    except OSError as wrong:
        raise InputError(f"{path.name} cannot be read: {wrong.strerror}: name a YAML file") from wrong
    if not isinstance(content, list):
        raise InputError(f"{path.name} is no list: write one entry a dash")
    return [Entry.of(f"{path.name}, entry {number}", item, keys, name) for number, item in enumerate(content, 1)]


def _entity(entry: Entry) -> Entity:
    entity = entry.text("id")
    for context in entry.entries("context", _CONTEXT):
        context.url("source_url"), context.quote("quote"), context.date("source_date")
    return Entity(
        id=entity,
        name=entry.text("name"),
        kind=entry.choice("kind", ENTITY_KINDS),
        aliases=entry.texts("aliases"),
        jurisdictions=tuple(dict.fromkeys(_country(each) for each in entry.entries("jurisdictions", _JURISDICTION))),
        successor_of=entry.maybe("successor_of"),
        note=entry.maybe("note"),
        facts=tuple(_fact(entity, each) for each in entry.entries("facts", _FACT)),
    )


def read_fact(entity: str, said: dict[str, object]) -> Fact:
    """A fact on an entity from its fields (as in a file), checked like one. Raises InputError naming what is wrong."""
    return _fact(entity, Entry.of("the fact", {key: value for key, value in said.items() if value is not None}, _FACT))


def _country(entry: Entry) -> str:
    entry.url("source_url")
    return entry.text("country")


def _fact(entity: str, entry: Entry) -> Fact:
    fact = Fact(
        entity=entity,
        kind=entry.choice("kind", FACT_KINDS),
        source_url=entry.url("source_url"),
        quote=entry.quote("quote"),
        read_on=entry.day("read_on"),
        level=entry.maybe("level"),
        limit=_limit(entry.entry("limit", _LIMIT)),
        authority=entry.maybe("authority"),
        instrument=entry.maybe("instrument"),
        valid_from=entry.date("valid_from"),
        valid_to=entry.date("valid_to"),
        source_kind=entry.maybe_choice("source_kind", SOURCE_KINDS),
        source_date=entry.date("source_date"),
        confidence=entry.maybe_choice("confidence", ("high", "medium", "low")),
        cites_aml_kyc_failure=entry.yes_no("cites_aml_kyc_failure"),
        date_basis=entry.maybe_choice("date_basis", ("this_source", "other_source")),
        note=entry.maybe("note"),
    )
    if fact.valid_from and fact.valid_to and days(fact.valid_from)[0] > days(fact.valid_to)[1]:
        raise entry.wrong(f"valid_from {fact.valid_from} is after valid_to {fact.valid_to}", "exchange them")
    return fact


def _limit(entry: Entry | None) -> Limit | None:
    if entry is None:
        return None
    amount = _decimal(entry, "amount")
    if amount < 0:
        raise entry.wrong(f"amount is {amount}", "write what is let through")
    return Limit(amount, entry.text("asset"), entry.choice("period", ("day", "month", "tx")))


def _labels(entry: Entry) -> list[Label]:
    confidence = _decimal(entry, "confidence")
    if not 0 <= confidence <= 1:
        raise entry.wrong(f"confidence is {confidence}", "write 0 to 1")
    since, until = entry.date("valid_from"), entry.date("valid_to")
    chain_id = entry.text("chain")
    try:
        addresses = [parse_address(chain_id, text) for text in entry.texts("addresses")]
    except InputError as wrong:
        raise entry.wrong(str(wrong), "copy it again from its source") from wrong
    if len(set(addresses)) != len(addresses) or not addresses:
        raise entry.wrong("addresses are missing or stand twice", "write each once")
    return [
        Label(
            address=address,
            entity=entry.text("entity"),
            category=Category(entry.choice("category", list(Category))),
            confidence=confidence,
            source=f"{entry.text('source')}; {entry.url('url')}",
            valid_from=days(since)[0] if since else None,
            valid_to=days(until)[1] if until else None,
        )
        for address in addresses
    ]


def _decimal(entry: Entry, key: str) -> Decimal:
    """A number in quotes, or a whole one: YAML would make a float of the others."""
    value = entry.fields.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    try:
        number = Decimal(entry.text(key))
    except InvalidOperation:
        raise entry.wrong(f"{key} is no number", "write digits, in quotes") from None
    if not number.is_finite():
        raise entry.wrong(f"{key} is no number", "write digits, in quotes")
    return number


def _refuse_twice(path: Path, ids: list[str]) -> None:
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise InputError(f"{path.name}: {', '.join(twice)} stand twice: join their facts")
