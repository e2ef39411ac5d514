"""OFAC's SDN list: the published XML (sdn.xml, sdn_advanced.xml), and lists of bare addresses, one file a ticker.

A digital currency address stands under its party, with a ticker: `Digital Currency Address - XBT`. A ticker is not a
chain: a token's is used on several, and a coin's is sometimes written beside another chain's address.

A label says whose address it is, and is not dated: it was theirs before it was listed. That they are sanctioned is a
fact on the party: from the listing, which only the advanced form dates, until the list of a later day leaves it out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from xml.etree import ElementTree

from tracer.chains import parse_address
from tracer.errors import BadAddress, InputError
from tracer.model import CONFIDENCE, Address, Entity, Fact, Label
from tracer.registry.registry import Names
from tracer.registry.said import About, Said, Tally, everywhere, known_place, service

SURE = CONFIDENCE["authority_data"]
PARTY = "https://sanctionssearch.ofac.treas.gov/Details.aspx?id={}"
LIST = "https://sanctionslist.ofac.treas.gov/Home/SdnList"
UNNAMED = Entity("ofac-unnamed", "OFAC SDN (party not named)", "other", note="a list of bare addresses names no party")

# Tickers that are a chain's coin. A token's (USDT, USDC) or an unknown one says nothing of the chain.
TICKERS = {
    "XBT": "bitcoin",
    "ETH": "ethereum",
    "TRX": "tron",
    "ARB": "arbitrum",
    "BSC": "bsc",
    "BNB": "bsc",
}
# Coins of chains that are not supported: an address under them is left out, even where its form is one of ours.
OTHERS = frozenset(["BCH", "BSV", "BTG", "DASH", "DOGE", "ETC", "LTC", "SOL", "XMR", "XRP", "XVG", "ZEC"])

_TYPE = "Digital Currency Address - "
_WORDS = 20  # of the list that a fact quotes
_HEAD = 1 << 16
_FILE = re.compile(r"([A-Z0-9]{2,6})(?:\.[a-z]+)?$")


@dataclass(slots=True)
class Party:
    """An entry of the list: its number, names (strong ones only), programmes, and when it was listed, if stated."""

    uid: str
    name: str = ""
    person: bool = False
    also: list[str] = field(default_factory=list)
    programmes: list[str] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)  # ticker, address
    listed: str | None = None


# --- XML --------------------------------------------------------------------------------------------------------------


def read_sdn(content: BinaryIO, about: About) -> Said:
    """The addresses of sdn.xml or sdn_advanced.xml with their parties. Raises InputError if it is neither."""
    head = content.read(_HEAD)
    content.seek(0)
    if b"<!DOCTYPE" in head or not (b"<sdnList" in head or b"<Sanctions" in head):
        raise InputError(f"{about.name} is no SDN list: give sdn.xml or sdn_advanced.xml as OFAC publishes them")
    try:
        day, parties = _simple(content) if b"<sdnList" in head else _advanced(content)
    except ElementTree.ParseError as wrong:
        raise InputError(f"{about.name} is no whole XML: {wrong}: download it again") from wrong
    if day is None:
        raise InputError(f"{about.name} does not say of which day it is: it was cut, or is no SDN list")
    return _said(parties, day, about)


def _elements(content: BinaryIO, wanted: frozenset[str]) -> Iterator[tuple[str, ElementTree.Element]]:
    """The wanted elements as they end, by name without namespace; their content is freed afterwards.

    A document type was refused before: there are no entities to grow.
    """
    for _, element in ElementTree.iterparse(content, ("end",)):  # noqa: S314
        element.tag = element.tag.rpartition("}")[2]
        if element.tag in wanted:
            yield element.tag, element
            element.clear()


def _simple(content: BinaryIO) -> tuple[str | None, list[Party]]:
    day, parties = None, []
    for tag, one in _elements(content, frozenset({"publshInformation", "sdnEntry"})):
        if tag == "publshInformation":
            month, number, year = (one.findtext("Publish_Date", "").split("/") + ["", "", ""])[:3]
            day = _day(year, month, number)
            continue
        party = Party(one.findtext("uid", ""), _name(one), one.findtext("sdnType") == "Individual")
        party.programmes = [each.text or "" for each in one.iterfind("programList/program")]
        party.also = [_name(aka) for aka in one.iterfind("akaList/aka") if aka.findtext("category") != "weak"]
        for each in one.iterfind("idList/id"):
            kind = each.findtext("idType", "")
            if kind.startswith(_TYPE):
                party.addresses.append((kind.removeprefix(_TYPE).strip(), each.findtext("idNumber", "").strip()))
        if party.addresses:
            parties.append(party)
    return day, parties


def _name(one: ElementTree.Element) -> str:
    return " ".join(part for part in (one.findtext("firstName"), one.findtext("lastName")) if part)


def _day(year: str, month: str, day: str) -> str | None:
    if not all(part.strip().isdigit() for part in (year, month, day)):
        return None
    return f"{int(year):04}-{int(month):02}-{int(day):02}"


_ADVANCED = frozenset({"DateOfIssue", "FeatureType", "PartySubType", "DistinctParty", "SanctionsEntry"})


def _advanced(content: BinaryIO) -> tuple[str | None, list[Party]]:
    """What a number means stands in the reference sets, which come first; the entries with their dates come last."""
    day, tickers, people, parties = None, dict[str, str](), set[str](), dict[str, Party]()
    for tag, one in _elements(content, _ADVANCED):
        if tag == "DateOfIssue":
            day = _date(one)
        elif tag == "FeatureType" and (one.text or "").startswith(_TYPE):
            tickers[one.get("ID", "")] = (one.text or "").removeprefix(_TYPE).strip()
        elif tag == "PartySubType" and one.text == "Individual":
            people.add(one.get("ID", ""))
        elif tag == "DistinctParty":
            _party(one, tickers, people, parties)
        elif tag == "SanctionsEntry" and one.get("ProfileID") in parties:
            party = parties[one.get("ProfileID", "")]
            party.listed = min(filter(None, map(_date, one.iterfind("EntryEvent/Date"))), default=None)
            party.programmes += [each.text for each in one.iterfind("SanctionsMeasure/Comment") if each.text]
    return day, list(parties.values())


def _party(one: ElementTree.Element, tickers: Mapping[str, str], people: set[str], parties: dict[str, Party]) -> None:
    profile = one.find("Profile")
    if profile is None:
        return
    party = Party(profile.get("ID", ""), person=profile.get("PartySubTypeID") in people)
    for alias in profile.iterfind("Identity/Alias"):
        parts = alias.iterfind("DocumentedName/DocumentedNamePart/NamePartValue")
        name = " ".join(part.text for part in parts if part.text)
        if alias.get("Primary") == "true" and not party.name:
            party.name = name
        elif alias.get("LowQuality") != "true":
            party.also.append(name)
    for feature in one.iter("Feature"):
        ticker = tickers.get(feature.get("FeatureTypeID", ""))
        details = feature.iterfind("FeatureVersion/VersionDetail") if ticker else ()
        party.addresses += [(ticker or "", detail.text.strip()) for detail in details if detail.text]
    if party.addresses:
        parties[party.uid] = party


def _date(one: ElementTree.Element) -> str | None:
    return _day(*(one.findtext(part, "") for part in ("Year", "Month", "Day")))


# --- parties ----------------------------------------------------------------------------------------------------------


def _said(parties: list[Party], day: str, about: About) -> Said:
    old_labels, old_entities = about.before()
    before: dict[str, list[Fact]] = defaultdict(list)
    for entity in old_entities:
        for fact in entity.facts:
            before[fact.source_url].append(fact)
    names, left_out, labels = Names(about.registry), Tally(), list[Label]()
    entities: dict[str, Entity] = {}
    rows = 0
    for party in parties:
        entity = _entity(party, about, names)
        old = before.pop(_url(party), [])
        facts = (*entities.get(entity.id, entity).facts, *_ended(old), _fact(entity.id, party, day, old))
        entities[entity.id] = replace(entity, facts=tuple(dict.fromkeys(facts)))
        for ticker, text in party.addresses:
            rows += 1
            labels += _labels(entity, party, ticker, text, left_out)
    for url, gone in before.items():
        for entity, closed in _delisted(gone, old_entities, day):
            entities[entity.id] = replace(entity, facts=(*entities.get(entity.id, entity).facts, *closed))
        labels += [replace(label, feed=None) for label in old_labels if label.source.endswith(url)]
    return Said(day, labels, tuple(entities.values()), left_out, rows)


def _url(party: Party) -> str:
    return PARTY.format(party.uid)


def _entity(party: Party, about: About, names: Names) -> Entity:
    """The entity that is known by one of the party's names, else a new one."""
    new = f"ofac-{party.uid}"
    known = (about.registry.named(name) for name in (party.name, *(() if party.person else party.also)))
    found = next((entity for entity in known if entity and not entity.id.startswith("ofac-")), None)
    if found is not None:
        return replace(found, facts=())
    name = party.name if names.take(party.name, new) else f"{party.name} (OFAC {party.uid})"
    also = () if party.person else tuple(each for each in party.also if names.take(each, new) and each != name)
    return Entity(new, name, "other", tuple(dict.fromkeys(also)))


def _fact(entity: str, party: Party, day: str, before: Iterable[Fact]) -> Fact:
    """That the party is listed; as it was said before, where only the day of the list differs."""
    programmes = ", ".join(dict.fromkeys(party.programmes))
    fact = Fact(
        entity=entity,
        kind="sanction",
        source_url=_url(party),
        quote=" ".join(f"{party.name} {programmes}".split()[:_WORDS]),
        read_on=day,
        authority="OFAC",
        instrument=programmes or None,
        valid_from=party.listed,
        source_kind="official",
        source_date=day,
        confidence="high",
        date_basis="this_source",
    )
    same = (replace(fact, read_on=old.read_on, source_date=old.source_date) == old for old in before)
    return next((old for old, is_same in zip(before, same, strict=True) if is_same), fact)


def _ended(before: Iterable[Fact]) -> list[Fact]:
    return [fact for fact in before if fact.valid_to is not None]


def _delisted(gone: list[Fact], entities: Iterable[Entity], day: str) -> Iterator[tuple[Entity, list[Fact]]]:
    """Parties that the list of this day leaves out: their sanction ended by then."""
    note = f"left out of the list of {day}: it ended then or shortly before"
    for entity in entities:
        ours = [fact for fact in entity.facts if fact in gone]
        closed = [fact if fact.valid_to else replace(fact, valid_to=day, note=note) for fact in ours]
        if ours:
            yield replace(entity, facts=()), closed


def _labels(entity: Entity, party: Party, ticker: str, text: str, left_out: Tally) -> list[Label]:
    source = f"OFAC SDN list, {ticker}; {_url(party)}"
    places = _listed(ticker, text, left_out)
    return [Label(place, entity.name, service(entity), SURE, source) for place in places]


def _places(ticker: str, text: str) -> list[Address]:
    """A coin's ticker names the chain, unless the address has another chain's form; a token's names none."""
    if ticker in OTHERS:
        raise InputError("its chain is not supported")
    if ticker in TICKERS:
        try:
            return [parse_address(TICKERS[ticker], text)]
        except BadAddress:
            if text[:2].lower() == "0x":
                raise
    return everywhere(text)


# --- lists of bare addresses ------------------------------------------------------------------------------------------


def read_addresses_list(content: BinaryIO, about: About) -> Said:
    """One address a line; the file's name ends in the ticker (sanctioned_addresses_XBT.txt).

    Such a list names no party. Where an address is labelled as an entity's on which a sanction is known, that one is
    meant; else it is nobody known who is on the list, as of the day given.
    """
    ticker = _FILE.search(about.name)
    if ticker is None:
        raise InputError(f"{about.name}: its name must end in the ticker, as sanctioned_addresses_XBT.txt does")
    said = Said(about.day(), ())
    places: list[Address] = []
    for raw in content:
        text = raw.decode("utf-8", "replace").strip()
        if text:
            said.rows += 1
            places += _listed(ticker[1], text, said.left_out)
    whose = about.whose(places)
    source = f"OFAC SDN list, {ticker[1]}; {LIST}"
    entities = {place: _sanctioned(whose.get(place, ()), about) or UNNAMED for place in places}
    said.labels = [Label(place, one.name, service(one), SURE, source) for place, one in entities.items()]
    if said.labels:
        said.entities = [replace(UNNAMED, facts=_as_of(about))]
    return said


def _listed(ticker: str, text: str, left_out: Tally) -> list[Address]:
    try:
        return [known_place(place) for place in _places(ticker, text)]
    except InputError as wrong:
        left_out.add(f"{ticker}: {'no such address' if isinstance(wrong, BadAddress) else wrong}")
        return []


def _sanctioned(names: Iterable[str], about: About) -> Entity | None:
    found = (about.registry.entity_of(name) for name in names)
    return next((one for one in found if one and any(fact.kind == "sanction" for fact in one.facts)), None)


def _as_of(about: About) -> tuple[Fact, ...]:
    day = about.day()
    if day is None:
        return ()
    quote = "Specially Designated Nationals List: Digital Currency Address"
    head = Fact(UNNAMED.id, "sanction", LIST, quote, day, authority="OFAC")
    return (replace(head, source_kind="official", source_date=day, confidence="high", date_basis="this_source"),)
