"""Reading entities and addresses: what is taken, and how everything else is refused."""

from copy import deepcopy
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from tracer.errors import InputError
from tracer.model import Category
from tracer.registry import read_addresses, read_entities

FACT = {
    "kind": "nokyc_limit",
    "source_url": "https://example.org/limits",
    "quote": "10,000 USDT a day without verification",
    "read_on": "2026-11-21",
    "limit": {"amount": "10000.5", "asset": "USDT", "period": "day"},
    "valid_from": "2024-02",
    "confidence": "high",
    "cites_aml_kyc_failure": "yes",
}
ENTITY = {
    "id": "acme",
    "name": "Acme",
    "kind": "exchange",
    "aliases": ["Acme Ltd"],
    "jurisdictions": [
        {"country": "SC", "basis": "own terms", "source_url": "https://example.org", "source_kind": "own_site"}
    ],
    "facts": [FACT],
}
GROUP = {
    "entity": "Acme",
    "category": "exchange",
    "confidence": "0.9",
    "source": "a list",
    "url": "https://example.org/list",
    "chain": "ethereum",
    "addresses": ["0xdac17f958d2ee523a2206206994597c13d831ec7"],
    "valid_from": "2024-02",
    "valid_to": "2025",
}


def write(folder: Path, content: object) -> Path:
    """A YAML file of anything."""
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def test_entities(tmp_path: Path) -> None:
    """An entity keeps its names, its countries and every field of its facts."""
    (entity,) = read_entities(write(tmp_path, [ENTITY]))
    (fact,) = entity.facts

    assert (entity.id, entity.aliases, entity.jurisdictions) == ("acme", ("Acme Ltd",), ("SC",))
    assert fact.entity == "acme"
    assert fact.limit is not None
    assert (fact.limit.amount, fact.limit.period) == (Decimal("10000.5"), "day")
    assert fact.cites_aml_kyc_failure is True
    assert (fact.valid_from, fact.valid_to) == ("2024-02", None)


def test_addresses(tmp_path: Path) -> None:
    """An address is normalised and carries its claim, its time and both ends of its provenance."""
    (label,) = read_addresses(write(tmp_path, [GROUP]))

    assert label.address.text == "0xdAC17F958D2ee523a2206206994597C13D831ec7"
    assert (label.category, label.confidence) == (Category.EXCHANGE, Decimal("0.9"))
    assert label.source == "a list; https://example.org/list"
    assert label.valid_from is not None
    assert label.valid_from.isoformat() == "2024-02-01T00:00:00+00:00"
    assert label.valid_to is not None
    assert label.valid_to.isoformat() == "2025-12-31T00:00:00+00:00"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"kind": "bank"}, "kind 'bank' is unknown"),
        ({"kind": None}, "kind missing"),
        ({"name": 7}, "name is no text"),
        ({"name": "a\x1b[31m"}, "control characters"),
        ({"aliases": "Acme"}, "aliases is no list"),
        ({"facts": FACT}, "facts is no list"),
        ({"facts": ["words"]}, "no mapping"),
        ({"context": [{"text": "seen", "source_url": "https://example.org"}]}, "quote missing"),
    ],
)
def test_bad_entities(tmp_path: Path, change: dict[str, object], why: str) -> None:
    """A wrong entity is refused, naming the file, the entry and what to do."""
    with pytest.raises(InputError, match=why) as refused:
        read_entities(write(tmp_path, [{**ENTITY, **change}]))

    assert str(refused.value).startswith("mine.yaml, entry 1")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"quote": None}, "quote missing"),
        ({"quote": "word " * 21}, "21 words"),
        ({"source_url": "ftp://example.org"}, "no web address"),
        ({"source_url": "javascript:alert(1)"}, "no web address"),
        ({"read_on": "2026-11"}, "no day"),
        ({"valid_from": "2024-02-30"}, "valid_from"),
        ({"valid_from": "soon"}, "YYYY-MM-DD"),
        ({"valid_from": 2024}, "in quotes"),
        ({"valid_from": "2024-02", "valid_to": "2023"}, "after valid_to"),
        ({"kind": "rumour"}, "kind 'rumour' is unknown"),
        ({"confidence": "sure"}, "confidence 'sure'"),
        ({"cites_aml_kyc_failure": "perhaps"}, "write one of no, yes"),
        ({"limit": {"amount": "ten", "asset": "USDT", "period": "day"}}, "amount is no number"),
        ({"limit": {"amount": "-1", "asset": "USDT", "period": "day"}}, "amount is -1"),
        ({"limit": {"amount": "NaN", "asset": "USDT", "period": "day"}}, "amount is no number"),
        ({"limit": {"amount": "1", "asset": "USDT", "period": "week"}}, "period 'week'"),
        ({"limit": [1]}, "no mapping"),
    ],
)
def test_bad_facts(tmp_path: Path, change: dict[str, object], why: str) -> None:
    """A fact without source, words, day of reading or real dates is refused."""
    with pytest.raises(InputError, match=why) as refused:
        read_entities(write(tmp_path, [{**ENTITY, "facts": [{**FACT, **change}]}]))

    assert "(acme), facts 1" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"addresses": []}, "missing or stand twice"),
        ({"addresses": GROUP["addresses"] * 2}, "missing or stand twice"),
        ({"addresses": ["0xdac17f958d2ee523a2206206994597c13d831eC7"]}, "EIP-55"),
        ({"chain": "etherium"}, "unknown chain"),
        ({"category": "bank"}, "write one of bridge"),
        ({"confidence": 0.9}, "in quotes"),
        ({"confidence": "1.1"}, "write 0 to 1"),
        ({"confidence": "Infinity"}, "no number"),
        ({"source": None}, "source missing"),
        ({"url": "example.org"}, "no web address"),
    ],
)
def test_bad_addresses(tmp_path: Path, change: dict[str, object], why: str) -> None:
    """A wrong address, claim or provenance is refused with its entry named."""
    with pytest.raises(InputError, match=why) as refused:
        read_addresses(write(tmp_path, [{**GROUP, **change}]))

    assert "mine.yaml, entry 1" in str(refused.value)


@pytest.mark.parametrize("content", ["a: [", "a: 1", "", "- !!python/object/apply:os.system [true]"])
def test_bad_files(tmp_path: Path, content: str) -> None:
    """What is no YAML list of plain values is refused, and nothing in it is run."""
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=r"mine\.yaml"):
        read_entities(path)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is an input error."""
    with pytest.raises(InputError, match=r"none\.yaml cannot be read"):
        read_addresses(tmp_path / "none.yaml")


def test_entity_twice(tmp_path: Path) -> None:
    """An entity stands once in a file."""
    with pytest.raises(InputError, match="acme stand twice"):
        read_entities(write(tmp_path, [ENTITY, deepcopy(ENTITY)]))
