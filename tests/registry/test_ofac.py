"""OFAC's SDN list in both published forms, and lists of bare addresses: whose, under which programme, since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO

import pytest

from tracer.chains import parse_address
from tracer.detect.sanctions import sanctioned
from tracer.errors import InputError
from tracer.model import Answer, Category, Entity, Fact, Label
from tracer.registry import Registry
from tracer.registry.ofac import PARTY, read_addresses_list, read_sdn
from tracer.registry.said import About, Said

COIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
EVM = parse_address("ethereum", "0x00000000000000000000000000000000000000aa").text
TRON = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
SANCTION = Fact("garage", "sanction", "https://invented.example", "sanctioned", "2024-01-01", valid_from="2023-01-01")
GARAGE = Entity("garage", "Garage Exchange", "exchange", ("GARAGE EUROPE OU",), facts=(SANCTION,))


def entry(
    uid: int, name: str, *ids: tuple[str, str], programme: str = "CYBER2", kind: str = "Entity", aka: str = ""
) -> str:
    """An entry of sdn.xml."""
    numbers = "".join(
        f"<id><uid>1</uid><idType>Digital Currency Address - {ticker}</idType><idNumber>{text}</idNumber></id>"
        for ticker, text in ids
    )
    also = (
        f"<akaList><aka><uid>2</uid><category>strong</category><lastName>{aka}</lastName></aka></akaList>"
        if aka
        else ""
    )
    return (
        f"<sdnEntry><uid>{uid}</uid><lastName>{name}</lastName><sdnType>{kind}</sdnType>"
        f"<programList><program>{programme}</program></programList>"
        f"<idList><id><uid>3</uid><idType>Passport</idType><idNumber>X1</idNumber></id>{numbers}</idList>{also}</sdnEntry>"
    )


def simple(*entries: str, day: str = "09/30/2024") -> bytes:
    """sdn.xml as it is published."""
    head = f"<publshInformation><Publish_Date>{day}</Publish_Date><Record_Count>1</Record_Count></publshInformation>"
    name = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML"
    return f'<?xml version="1.0"?>\n<sdnList xmlns="{name}">{head}{"".join(entries)}</sdnList>'.encode()


def feature(kind: int, text: str) -> str:
    """Something stated of a party in the advanced form."""
    detail = f"<VersionDetail DetailTypeID='1432'>{text}</VersionDetail>"
    return f"<Feature ID='7' FeatureTypeID='{kind}'><FeatureVersion ID='8'>{detail}</FeatureVersion></Feature>"


def advanced(listed: str = "<Year>2022</Year><Month>8</Month><Day>8</Day>", *, gone: bool = False) -> bytes:
    """sdn_advanced.xml with one party that has two addresses."""
    party = f"""
  <DistinctParty FixedRef="40001"><Profile ID="40001" PartySubTypeID="3">
    <Identity ID="1" Primary="true"><Alias AliasTypeID="1403" Primary="true" LowQuality="false"><DocumentedName ID="1">
      <DocumentedNamePart><NamePartValue>INVENTED</NamePartValue></DocumentedNamePart>
      <DocumentedNamePart><NamePartValue>MIXER</NamePartValue></DocumentedNamePart></DocumentedName></Alias>
      <Alias AliasTypeID="1400" Primary="false" LowQuality="true"><DocumentedName ID="2">
      <DocumentedNamePart><NamePartValue>mix</NamePartValue></DocumentedNamePart></DocumentedName></Alias></Identity>
    {feature(345, EVM.lower())}</Profile>{feature(344, COIN)}{feature(25, "Kabul")}
  </DistinctParty>"""
    sanction = f"""
  <SanctionsEntry ID="1" ProfileID="40001" ListID="1550"><EntryEvent ID="1" EntryEventTypeID="1">
    <Date CalendarTypeID="1">{listed}</Date></EntryEvent>
    <SanctionsMeasure ID="1" SanctionsTypeID="1705"><DatePeriod /></SanctionsMeasure>
    <SanctionsMeasure ID="2" SanctionsTypeID="1"><Comment>CYBER2</Comment></SanctionsMeasure></SanctionsEntry>"""
    name = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/ADVANCED_XML"
    day = "<Year>2025</Year><Month>3</Month><Day>21</Day>" if gone else "<Year>2024</Year><Month>7</Month><Day>4</Day>"
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="{name}"><DateOfIssue CalendarTypeID="1">{day}</DateOfIssue>
<ReferenceValueSets><FeatureTypeValues><FeatureType ID="25">Location</FeatureType>
  <FeatureType ID="344">Digital Currency Address - XBT</FeatureType>
  <FeatureType ID="345">Digital Currency Address - ETH</FeatureType></FeatureTypeValues>
  <PartySubTypeValues><PartySubType ID="3">Entity</PartySubType><PartySubType ID="4">Individual</PartySubType>
  </PartySubTypeValues></ReferenceValueSets>
<DistinctParties>{"" if gone else party}</DistinctParties>
<SanctionsEntries>{"" if gone else sanction}</SanctionsEntries></Sanctions>""".encode()


def read(raw: bytes, *known: Entity, before: tuple[Sequence[Label], Sequence[Entity]] = ((), ())) -> Said:
    """What a list says to a registry that knows these entities."""
    said = read_sdn(BytesIO(raw), About("sdn.xml", Registry(known), before=lambda: before))
    said.labels = list(said.labels)
    return said


def test_an_address_is_its_partys_and_the_programme_is_a_fact() -> None:
    """The simple form: whose it is, under which programme, on the list of which day; a passport is no address."""
    said = read(simple(entry(7, "DOE", ("XBT", COIN), kind="Individual")))
    (label,), (entity,) = said.labels, said.entities

    assert (label.address.chain, label.address.text, label.entity) == (
        "bip122:000000000019d6689c085ae165831e93",
        COIN,
        "DOE",
    )
    assert (label.category, str(label.confidence), label.valid_from) == (Category.WALLET, "0.6", None)
    assert (said.version, said.rows, entity.id) == ("2024-09-30", 1, "ofac-7")
    (fact,) = entity.facts
    assert (fact.kind, fact.instrument, fact.source_url) == ("sanction", "CYBER2", PARTY.format(7))
    assert (fact.valid_from, fact.source_date) == (None, "2024-09-30")


def test_the_simple_form_does_not_say_since_when() -> None:
    """On the list's day and after it is sanctioned; before, that is not known."""
    entity = read(simple(entry(7, "DOE", ("XBT", COIN)))).entities[0]

    assert sanctioned(entity, datetime(2024, 9, 30, tzinfo=UTC)).answer is Answer.YES
    assert sanctioned(entity, datetime(2024, 9, 29, tzinfo=UTC)).answer is Answer.UNKNOWN


def test_the_advanced_form_dates_the_listing() -> None:
    """Names in parts, tickers by number, the day of the listing; addresses beside the profile and in it."""
    said = read(advanced())
    (entity,) = said.entities

    assert sorted(label.address.text for label in said.labels) == [EVM, COIN]
    assert (said.version, entity.name, entity.aliases) == ("2024-07-04", "INVENTED MIXER", ())
    assert (entity.facts[0].valid_from, entity.facts[0].instrument) == ("2022-08-08", "CYBER2")
    assert sanctioned(entity, datetime(2022, 8, 7, tzinfo=UTC)).answer is Answer.NO
    assert sanctioned(entity, datetime(2022, 8, 8, tzinfo=UTC)).answer is Answer.YES


def test_who_is_left_out_was_delisted() -> None:
    """The newer list names nobody: whose the addresses were stays, the sanction ends with its day."""
    first = read(advanced())
    later = read(advanced(gone=True), *first.entities, before=(list(first.labels), first.entities))
    (entity,) = later.entities

    assert list(later.labels) == list(first.labels)
    assert [(fact.valid_from, fact.valid_to) for fact in entity.facts] == [("2022-08-08", "2025-03-21")]
    assert sanctioned(entity, datetime(2025, 3, 20, tzinfo=UTC)).answer is Answer.YES
    assert sanctioned(entity, datetime(2025, 3, 21, tzinfo=UTC)).answer is Answer.NO


def test_a_newer_list_that_says_the_same_changes_nothing() -> None:
    """The day of the list alone makes no other fact."""
    first = read(simple(entry(7, "DOE", ("XBT", COIN))))
    later = read(
        simple(entry(7, "DOE", ("XBT", COIN)), day="10/01/2024"),
        *first.entities,
        before=(list(first.labels), first.entities),
    )

    assert (list(later.labels), later.entities) == (list(first.labels), first.entities)


def test_a_party_that_is_known_keeps_its_name_and_kind() -> None:
    """An exchange of the registry, by an alias: the label names it, and its address is an exchange's."""
    said = read(simple(entry(8, "GARAGE EUROPE OU", ("ETH", EVM))), GARAGE)

    assert [(label.entity, label.category) for label in said.labels] == [("Garage Exchange", Category.EXCHANGE)]
    assert [(entity.id, len(entity.facts)) for entity in said.entities] == [("garage", 1)]


def test_two_parties_of_one_name_stay_two() -> None:
    """The second is shown with its number, and a registry of both can be made."""
    said = read(simple(entry(1, "DOE", ("XBT", COIN)), entry(2, "DOE", ("ETH", EVM), aka="Doe")))

    assert [entity.name for entity in said.entities] == ["DOE", "DOE (OFAC 2)"]
    assert len(Registry(said.entities).entities) == 2


@pytest.mark.parametrize(
    ("ticker", "text", "chains"),
    [
        ("ETH", EVM, ["eip155:1"]),
        ("BSC", EVM, ["eip155:56"]),
        ("TRX", TRON, ["tron:728126428"]),
        ("XBT", TRON, ["tron:728126428"]),
        ("USDT", TRON, ["tron:728126428"]),
        ("USDT", COIN, ["bip122:000000000019d6689c085ae165831e93"]),
        ("ETC", EVM, []),
        ("LTC", COIN, []),
        ("XMR", "4" * 95, []),
    ],
)
def test_a_ticker_is_not_a_chain(ticker: str, text: str, chains: list[str]) -> None:
    """A coin's ticker names its chain, a token's leaves it to the form; what is of no supported chain is counted."""
    said = read(simple(entry(7, "DOE", (ticker, text))))

    assert [label.address.chain for label in said.labels] == chains
    assert (said.left_out.total == 0) is bool(chains)


def test_a_tokens_evm_address_is_one_on_every_evm_chain() -> None:
    """The same key holds it everywhere, and the list does not say where."""
    said = read(simple(entry(7, "DOE", ("USDC", EVM))))

    assert {label.address.text for label in said.labels} == {EVM}
    assert {"eip155:1", "eip155:56", "eip155:137"} <= {label.address.chain for label in said.labels}


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"{}", "is no SDN list"),
        (simple()[:-9], "is no whole XML"),
        (b'<!DOCTYPE sdnList [<!ENTITY x "y">]>' + simple(), "is no SDN list"),
        (b"<sdnList></sdnList>", "does not say of which day"),
    ],
)
def test_what_is_no_list_is_refused(raw: bytes, what: str) -> None:
    """Another file, a cut one, one with a document type, one without its day."""
    with pytest.raises(InputError, match=what):
        read(raw)


def test_a_list_of_bare_addresses_names_nobody() -> None:
    """Who is labelled as a sanctioned entity is meant by it; the others are somebody on the list."""
    known = {EVM: ["Garage Exchange 3"]}
    about = About(
        "sanctioned_addresses_ETH.txt",
        Registry([GARAGE]),
        "2024-09-27",
        whose=lambda places: {place: known.get(place.text, []) for place in places},
    )
    other = "0x00000000000000000000000000000000000000bb"
    said = read_addresses_list(BytesIO(f"{EVM}\n{other}\n\nnonsense\n".encode()), about)
    (unnamed,) = said.entities

    assert [label.entity for label in said.labels] == ["Garage Exchange", "OFAC SDN (party not named)"]
    assert (said.rows, said.left_out.reasons) == (3, {"ETH: it has the form of no supported chain's address": 1})
    assert sanctioned(unnamed, datetime(2024, 9, 27, tzinfo=UTC)).answer is Answer.YES
    assert sanctioned(unnamed, datetime(2024, 9, 26, tzinfo=UTC)).answer is Answer.UNKNOWN


def test_a_list_whose_name_holds_no_ticker_is_refused() -> None:
    """Nothing says which chain the addresses are of."""
    with pytest.raises(InputError, match="must end in the ticker"):
        read_addresses_list(BytesIO(b""), About("addresses", Registry([])))
