"""GraphSense TagPacks: what a header hands down, what a concept means, and what is not believed."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import pytest

from tracer.chains import CHAINS, parse_address, parse_chain
from tracer.errors import InputError
from tracer.model import CONFIDENCE, Category, Label
from tracer.registry.guarded import DEPTH, LARGEST
from tracer.registry.tagpacks import CONCEPTS, NETWORKS, TagPack, read_tagpack

ONE = "0x00000000000000000000000000000000000000aa"
COIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
PACK = f"""
title: Invented pack
creator: tests
is_cluster_definer: true
confidence: service_data
category: exchange
currency: ETH
label: Example wallets
lastmod: 2023-05-10
source: https://invented.example/wallets
actor: example
tags:
- address: '{ONE}'
- address: {COIN}
  currency: BTC
  label: Example's mixer
  actor: null
  category: mixing_service
  confidence: web_crawl
  source: https://invented.example/mixer
  lastmod: 2024-01-01 12:18:52.619444
"""


def read(text: str) -> TagPack:
    """What a pack says."""
    return read_tagpack(BytesIO(text.encode()), "pack.yaml")


def one(**tag: str) -> TagPack:
    """What a pack of one tag says; "" leaves a key out."""
    given = {
        "address": f"'{ONE}'",
        "label": "x",
        "currency": "ETH",
        "category": "exchange",
        "source": "y",
        **tag,
    }
    return read("title: t\ntags:\n- " + "\n  ".join(f"{key}: {value}" for key, value in given.items() if value))


def test_a_tag_inherits_what_it_does_not_say() -> None:
    """Header fields hold for every tag; a tag's own win, and null says nothing, so actor falls back to the header's."""
    told = read(PACK)
    assert told.labels == (
        Label(
            parse_address("ethereum", ONE),
            "example",
            Category.EXCHANGE,
            Decimal("0.5"),
            "https://invented.example/wallets (TagPack Invented pack, 2023-05-10)",
        ),
        Label(
            parse_address("bitcoin", COIN),
            "example",
            Category.MIXER,
            Decimal("0.2"),
            "https://invented.example/mixer (TagPack Invented pack, 2024-01-01)",
        ),
    )
    assert (told.tags, told.left_out) == (2, ())


def test_the_label_names_the_entity_where_no_actor_does() -> None:
    """An actor is GraphSense's id of who it is; without one the label must do."""
    assert one().labels[0].entity == "x"
    assert one(actor="example").labels[0].entity == "example"


@pytest.mark.parametrize("concept", sorted(CONCEPTS))
def test_every_concept_maps_or_is_left_out_by_name(concept: str) -> None:
    """A concept gives its category wherever it stands: as category, in a list of concepts, or as abuse."""
    wanted = CONCEPTS[concept]
    for told in (
        one(category=concept),
        one(category="", concepts=f"[{concept}]"),
        one(category="entity", abuse=concept),
    ):
        assert [label.category for label in told.labels] == ([] if wanted is None else [wanted])
        assert all(concept in left.reason for left in told.left_out)


def test_every_category_that_stops_money_can_be_said() -> None:
    """GraphSense has a concept for each of ours but the instant swappers."""
    assert set(CONCEPTS.values()) == {*Category, None} - {Category.SWAPPER}


def test_an_abuse_goes_before_a_category() -> None:
    """The address of who hacked an exchange is not the exchange's."""
    assert one(abuse="service_hack").labels[0].category is Category.HACK


@pytest.mark.parametrize(("name", "level"), CONFIDENCE.items())
def test_confidence_is_graphsenses_scale_over_100(name: str, level: Decimal) -> None:
    """Each id gives its level, exactly."""
    assert one(confidence=name).labels[0].confidence == level
    assert 0 < level <= 1


def test_no_confidence_is_unknown() -> None:
    """A pack that says nothing is hardly believed."""
    assert one().labels[0].confidence == CONFIDENCE["unknown"] == Decimal("0.05")


def test_networks_are_chains() -> None:
    """Every row of the table names a chain, and a chain's own name is taken; network goes before currency."""
    assert {parse_chain(chain) for chain in NETWORKS.values()} <= CHAINS.keys()
    assert one(currency="base").labels[0].address.chain == "eip155:8453"
    assert one(currency="USDT", network="BSC").labels[0].address.chain == "eip155:56"


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ({"currency": "ADA"}, "network 'ADA' is not supported"),
        ({"currency": "USDT"}, "network 'USDT' is not supported"),
        ({"currency": ""}, "it names no currency"),
        ({"address": ""}, "it names no address"),
        ({"address": "[a, b]"}, "it names no address"),
        ({"address": "'0x12'"}, "'0x12' is no ethereum address"),
        ({"address": "'0x" + "0" * 40 + "'"}, "the zero address takes no label"),
        ({"category": "white_list"}, "category white_list says nothing"),
        ({"category": "teleport"}, "category 'teleport' is unknown"),
        ({"category": ""}, "it names no category"),
        ({"confidence": "certain"}, "confidence 'certain' is unknown"),
        ({"label": ""}, "it names no label"),
    ],
)
def test_what_cannot_be_kept_is_left_out_by_line(tag: dict[str, str], reason: str) -> None:
    """The rest of the pack is read, and line and reason are named."""
    told = one(**tag)
    assert (told.tags, told.labels) == (1, ())
    assert [(left.line, reason in left.reason) for left in told.left_out] == [(3, True)]


def test_an_unquoted_address_is_text() -> None:
    """YAML would read 0x… as a number and lose its zeros, and a date that does not exist would break the file."""
    told = one(address=ONE, lastmod="2021-02-31", label="on")
    assert (told.labels[0].address.text, told.labels[0].entity) == (parse_address("ethereum", ONE).text, "on")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no TagPack"),
        ("- a\n- b", "is no TagPack"),
        ("title: x", "is no TagPack"),
        ("tags: x", "is no TagPack"),
        ("tags: [x]", "is no TagPack"),
        ("tags: [", "is no YAML"),
        ("tags: []\n---\ntags: []", "is no YAML"),
        ("tags: [\x00]", "is no YAML"),
        ("a: &a [x]\ntags:\n- *a", "line 3: aliases are not read"),
        ("tags: " + "[" * 100_000, "nested too deeply"),
        ("tags: " + "{a: " * DEPTH + "b" + "}" * DEPTH, "nested too deeply"),
    ],
)
def test_what_is_no_pack_is_refused(text: str, reason: str) -> None:
    """Broken YAML, other YAML and YAML made to exhaust the reader are refused with their file's name."""
    with pytest.raises(InputError, match=r"pack\.yaml") as error:
        read(text)
    assert reason in str(error.value)


def test_no_yaml_tag_builds_anything() -> None:
    """A pack cannot call Python: what its tags mean is not asked, the values stay text."""
    told = one(label="!!python/object/apply:os.getpid []", actor="!!int '5'")
    assert told.labels[0].entity == "5"


def test_a_huge_pack_is_refused() -> None:
    """More than 64 MiB is not parsed at all."""
    with pytest.raises(InputError, match="larger than 64 MiB"):
        read_tagpack(BytesIO(b"#" * (LARGEST + 1)), "pack.yaml")
