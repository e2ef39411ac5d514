"""Every row of the facts and addresses that ship."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tracer.chains import parse_address, parse_chain
from tracer.detect import bridges
from tracer.detect.kyc import days, low_kyc
from tracer.model import Address, Category, Entity, Label
from tracer.registry import Registry, shipped
from tracer.taint.stops import STOPS, Stop

ENTITIES, LABELS = shipped()
REGISTRY = Registry(ENTITIES)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.id)
def test_facts_are_sourced(entity: Entity) -> None:
    """Every fact says where it was read, in which words, when, and how sure that is; its dates are dates."""
    for fact in entity.facts:
        assert fact.entity == entity.id
        assert fact.source_url.startswith(("https://", "http://"))
        assert 0 < len(fact.quote.split()) <= 20
        assert len(fact.read_on) == 10
        assert fact.confidence in {"high", "medium", "low"}
        assert all(days(text) for text in (fact.valid_from, fact.valid_to, fact.source_date) if text)


def test_all_facts_are_there() -> None:
    """Nothing was lost on the way into the files: 91 entities, 202 facts, each kind as counted when read."""
    kinds = Counter(fact.kind for entity in ENTITIES for fact in entity.facts)

    assert len(ENTITIES) == 91
    assert kinds == {
        "kyc_policy": 54,
        "sanction": 37,
        "enforcement": 31,
        "seizure": 17,
        "licence": 16,
        "nokyc_limit": 12,
        "shutdown": 12,
        "kyc_mandatory_since": 8,
        "jurisdiction": 7,
        "successor": 3,
        "travel_rule": 3,
        "delisting": 2,
    }


def test_successors_are_entities() -> None:
    """Who is named as the one before is in the registry too."""
    assert {entity.successor_of for entity in ENTITIES if entity.successor_of} <= {entity.id for entity in ENTITIES}


def test_labels() -> None:
    """Every address is in its one form, said once by each source, with a confidence and the list it was read from."""
    seen = Counter((label.address, label.source) for label in LABELS)

    assert max(seen.values()) == 1
    for label in LABELS:
        assert parse_address(*label.address) == label.address
        assert isinstance(label.category, Category)
        assert Decimal(0) < label.confidence <= 1
        assert "@" in label.source
        assert "; http" in label.source


def test_labels_cover_what_matters() -> None:
    """A starter list: hundreds of addresses, the main chains, the main categories."""
    chains = {label.address.chain for label in LABELS}
    categories = {label.category.value for label in LABELS}

    assert 500 < len(LABELS) < 1_000
    assert {parse_chain(alias) for alias in ("ethereum", "bsc", "polygon", "tron", "bitcoin", "gnosis")} <= chains
    assert {"exchange", "swapper", "payment", "gambling", "mixer", "bridge", "dex", "hack"} <= categories


def test_one_address_one_claim_of_category() -> None:
    """Our own lists do not contradict each other: an address has one entity and one category."""
    claims: dict[Address, set[tuple[str, Category]]] = {}
    for label in LABELS:
        claims.setdefault(label.address, set()).add((label.entity, label.category))

    assert {str(address): each for address, each in claims.items() if len(each) > 1} == {}


@pytest.mark.parametrize("chain", ["ethereum", "bsc", "polygon", "gnosis", "arbitrum", "optimism", "avalanche"])
def test_tornado_cash_everywhere(chain: str) -> None:
    """Tornado Cash's router and pools are listed on each of its chains; one address there is a pool on each."""
    found = {label.address.text for label in _tornado() if label.address.chain == parse_chain(chain)}

    assert len(found) >= 4
    if chain != "ethereum":
        assert "0x0D5550d52428E7e3175bfc9550207e4ad3859b17" in found
        assert "0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD" in found


def _tornado() -> list[Label]:
    return [label for label in LABELS if label.entity == "Tornado Cash"]


def test_arrivals_have_entities() -> None:
    """Labels of exchanges and mixers name entities of the registry wherever it knows them."""
    unknown = {label.entity for label in LABELS if REGISTRY.entity_of(label.entity) is None}

    assert not unknown & {entity.name for entity in ENTITIES}
    assert {"Binance", "HTX", "KuCoin", "Tornado Cash", "Sinbad.io", "eXch", "Lazarus Group"}.isdisjoint(unknown)
    assert {label.entity for label in LABELS} >= {"Binance", "HTX", "KuCoin", "Tornado Cash", "Sinbad.io", "eXch"}


def test_swappers_are_custody_with_their_facts() -> None:
    """Money that comes to an instant swapper ends there, and the flag says what is known of its customer checks."""
    swappers = {label.entity for label in LABELS if label.category is Category.SWAPPER}

    assert STOPS[Category.SWAPPER] is Stop.ARRIVAL
    assert {"ChangeNOW", "FixedFloat", "SideShift.ai", "eXch"} <= swappers
    for name in swappers:
        entity = REGISTRY.entity_of(name)
        assert entity is not None
        assert low_kyc(entity.facts, datetime(2024, 6, 1, tzinfo=UTC)).facts


def test_what_bridges_hold_money_in_is_labelled() -> None:
    """Where a crossing is not followed the money stops there: each such address is a bridge's, on most chains."""
    labelled = {label.address for label in LABELS if label.category is Category.BRIDGE}
    bare = {str(address) for address, name in bridges.HOLDS.items() if address not in labelled and name != "thorchain"}

    assert bare == set()
