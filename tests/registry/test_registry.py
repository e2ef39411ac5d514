"""Who a label's text names, and whether they were sanctioned at a moment."""

from datetime import UTC, datetime

import pytest

from tracer.detect.sanctions import sanctioned
from tracer.errors import InputError, NotFound
from tracer.model import Answer, Entity, Fact
from tracer.registry import Registry, shipped

REGISTRY = Registry(shipped()[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("binance", "binance"),
        ("Binance 14", "binance"),
        ("Huobi", "htx"),
        ("HUOBI 3", "htx"),
        ("Gate.io", "gate_io"),
        ("Gate.io 2", "gate_io"),
        ("gate io", "gate_io"),
        ("OKEx", "okx"),
        ("K\uff55Coin", "kucoin"),
        ("60cek.org", "60cek"),
        ("Netex24", "netex24"),
        ("tornado.cash", "tornado_cash"),
        ("Crypto.com", "crypto_com"),
    ],
)
def test_names(text: str, expected: str) -> None:
    """An id, a name or an alias names its entity, case, punctuation and a number at the end aside."""
    entity = REGISTRY.entity_of(text)

    assert entity is not None
    assert entity.id == expected


@pytest.mark.parametrize(
    "text", ["", "14", "HitBTC: Deposit", "Binance US", "Bin", "Huobi Korea", "\u200b", "ShapeShift DAO"]
)
def test_nothing_is_guessed(text: str) -> None:
    """Any other text names nobody, however near it comes."""
    assert REGISTRY.entity_of(text) is None


def test_facts() -> None:
    """Facts are asked for by id; an id that no entity has is not found."""
    assert REGISTRY.facts("binance")
    with pytest.raises(NotFound, match="'nobody'"):
        REGISTRY.facts("nobody")


def test_shared_name() -> None:
    """Two entities that share a name, however written, are refused: nothing could tell them apart."""
    one, two = Entity("a", "Acme", "exchange"), Entity("b", "Other", "exchange", aliases=("ACME!",))

    with pytest.raises(InputError, match="a and b share the name 'acme'"):
        Registry([two, one])
    with pytest.raises(InputError, match="a stands twice"):
        Registry([one, one])


@pytest.mark.parametrize(
    ("entity", "at", "expected"),
    [
        ("tornado_cash", "2022-08-07", "no"),
        ("tornado_cash", "2022-08-08", "yes"),
        ("tornado_cash", "2024-06-01", "yes"),
        ("tornado_cash", "2025-03-21", "no"),
        ("garantex", "2022-04-05", "yes"),
        ("garantex", "2026-11-21", "yes"),
        ("sinbad", "2023-12-01", "yes"),
        ("lazarus_group", "2022-03-23", "yes"),
        ("htx", "2026-05-25", "no"),
        ("htx", "2026-11-21", "unknown"),  # whether HTX is the one listed is disputed
        ("railgun", "2026-11-21", "unknown"),  # named in context only
        ("binance", "2026-11-21", "unknown"),  # none known is not none
    ],
)
def test_shipped_sanctions(entity: str, at: str, expected: str) -> None:
    """A sanction counts between its dates; none known, or a disputed one, is unknown."""
    found = REGISTRY.entity_of(entity)
    assert found is not None
    judgement = sanctioned(found, datetime.fromisoformat(at).replace(tzinfo=UTC))

    assert judgement.answer.value == expected
    assert judgement.reason.isprintable()


@pytest.mark.parametrize(("at", "expected"), [("2023-12-31", "no"), ("2024-06-01", "unknown"), ("2025-01-01", "yes")])
def test_partial_dates(at: str, expected: str) -> None:
    """A year that cannot tell gives unknown."""
    fact = Fact("a", "sanction", "https://example.org", "words", "2026-11-21", valid_from="2024")
    entity = Entity("a", "Acme", "exchange", facts=(fact,))

    assert sanctioned(entity, datetime.fromisoformat(at).replace(tzinfo=UTC)).answer.value == expected
    assert sanctioned(Entity("a", "Acme", "exchange"), datetime(2024, 1, 1, tzinfo=UTC)).answer is Answer.UNKNOWN
