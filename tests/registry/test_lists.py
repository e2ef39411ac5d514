"""Exchanges' proofs of reserves, ScamSniffer, Etherscan's labels and the actor pack, in small files of their forms."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from tracer.chains import parse_address
from tracer.errors import InputError
from tracer.model import Category, Entity, Label
from tracer.registry import Registry
from tracer.registry.actors import read_actors
from tracer.registry.lists import read_etherscan, read_scamsniffer
from tracer.registry.reserves import read_binance, read_okx
from tracer.registry.said import About, Said, day_in

EVM = parse_address("ethereum", "0x00000000000000000000000000000000000000aa").text
COIN = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
TRON = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
OKX = f"""coin,amount
BTC,146359

coin,Type,Network,Snapshot Height,address,amount,message,signature1,signature2,redeem script/ public key,EOA1,EOA2
USDT-TRC20,Non Staking,TRON,85840149,{TRON},10,I am an OKX address,SIG,,,,
BTC,Non Staking,BTC,965949,{COIN},0.5,I am an OKX address,SIG,,,,
ETH,Native Staking,ETH,25876316,0x{"ab" * 48},32,I am an OKX address,SIG,,,,
APT,Non Staking,APTOS,1,0x1,1,I am an OKX address,SIG,,,,
ETH,Non Staking,ETH,25876316,{EVM.lower()},1,I am an OKX address,,,,,
"""
BINANCE = f"""coin,network,address,balance,Height,Third party custodian name
USDC,ETH,{EVM.lower()},27405800.08,59804916,""
ETH,BSC,{EVM.lower()},0.03,24781026,""
BTC,BTC,{COIN},1,1,"A Custodian"
SOL,SOL,abc,1,1,""
"""
EXAMPLE = Entity("example", "Example", "exchange", ("Example.com",))


def read(reader: Callable[[Any, About], Said], raw: bytes, name: str, *known: Entity, as_of: str | None = None) -> Said:
    """What a file says."""
    said = reader(BytesIO(raw), About(name, Registry(known), as_of))
    said.labels = list(said.labels)
    return said


def places(said: Said) -> list[tuple[str, str]]:
    """Where its labels are."""
    return [(label.address.chain, label.address.text) for label in said.labels]


def packed(**files: str) -> bytes:
    """A ZIP of these CSVs."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in files.items():
            made.writestr(f"{name}.csv", text)
    return out.getvalue()


def test_okx_owns_what_it_signed_as_of_the_snapshot() -> None:
    """Only signed rows of supported networks; a validator's key is no address. The day is the file name's."""
    said = read(read_okx, OKX.encode(), "okx_por_2026090800_V1.csv")
    label: Label = said.labels[0]  # type: ignore[index]

    assert places(said) == [("tron:728126428", TRON), ("bip122:000000000019d6689c085ae165831e93", COIN)]
    assert (label.entity, label.category, str(label.confidence)) == ("OKX", Category.EXCHANGE, "0.7")
    assert (said.version, "as of 2026-09-08; signatures are not verified" in label.source) == ("2026-09-08", True)
    assert said.left_out.reasons == {
        "no ethereum address": 1,
        "network 'APTOS' is not supported": 1,
        "not signed": 1,
    }


def test_the_zip_an_exchange_publishes_is_read_as_it_is() -> None:
    """Every CSV in it; what a custodian holds is not said to be the exchange's."""
    said = read(
        read_binance, packed(PR01SEP26_HotCold=BINANCE, PR01SEP26_Deposit=BINANCE), "wallet_address_20260901.zip"
    )

    assert len(said.labels) == 4  # type: ignore[arg-type]
    assert {chain for chain, _ in places(said)} == {"eip155:1", "eip155:56"}
    assert (said.version, said.rows) == ("2026-09-01", 8)
    assert said.left_out.reasons == {"held by a custodian": 2, "network 'SOL' is not supported": 2}


@pytest.mark.parametrize(
    ("reader", "raw", "name", "what"),
    [
        (read_okx, OKX.encode(), "okx.csv", "does not say of which day"),
        (read_okx, BINANCE.encode(), "okx_20260908.csv", "it has no table"),
        (read_binance, packed(), "x_20260901.zip", "holds no CSV"),
        (read_scamsniffer, b"[]", "address.json", "holds no addresses"),
        (read_scamsniffer, b"{", "address.json", "is no JSON"),
        (read_scamsniffer, b"[" * 100_000, "address.json", "is no JSON"),
        (read_etherscan, b"[1]", "labels.json", "is no list of Etherscan's labels"),
        (read_actors, b"actors: 3", "a.yaml", "is no actor pack"),
    ],
)
def test_what_is_no_such_list_is_refused(
    reader: Callable[[Any, About], Said], raw: bytes, name: str, what: str
) -> None:
    """With the file's name and what is wrong."""
    with pytest.raises(InputError, match=what):
        read(reader, raw, name)


def test_the_day_of_a_snapshot_may_be_given() -> None:
    """What a person says goes before the file's name."""
    assert read(read_okx, OKX.encode(), "okx.csv", as_of="2026-09-08").version == "2026-09-08"
    assert [day_in(name) for name in ("por_csv_2026090800_V1", "2026-09-08", "20269999", "v2")] == [
        "2026-09-08",
        "2026-09-08",
        None,
        None,
    ]


@pytest.mark.parametrize(
    "told", [[EVM, "junk"], {"address": [EVM, "junk"], "domains": ["a.b"]}, {"a.b": [EVM], "c.d": ["junk"]}]
)
def test_scamsniffer_names_no_chain(told: Any) -> None:
    """Its three forms; a phisher's EVM address is the same on every EVM chain."""
    said = read(read_scamsniffer, json.dumps(told).encode(), "address.json")

    assert {"eip155:1", "eip155:56", "eip155:8453"} <= {chain for chain, _ in places(said)}
    assert {label.category for label in said.labels} == {Category.SCAM}
    assert said.left_out.total == 1


def test_a_label_list_is_not_a_category() -> None:
    """A label that says what it is, or names a service that is known; else the address is left out and counted."""
    told = {
        EVM.lower(): {"name": "Example: Hot Wallet", "labels": ["fund", "example"]},
        "0x" + "1" * 40: {"name": "Pool", "labels": ["uniswap", "heist"]},
        "0x" + "2" * 40: {"name": "Somebody", "labels": ["take-action"]},
        "junk": {"name": None, "labels": ["dex"]},
    }
    said = read(read_etherscan, json.dumps(told).encode(), "labels.json", EXAMPLE)

    assert [label.category for label in said.labels] == [Category.EXCHANGE, Category.HACK]
    assert said.left_out.reasons == {"its labels say nothing of what it is": 1, "no ethereum address": 1}


PACK = b"""
title: Invented actors
lastmod: '2023-02-17'
actors:
- id: example.com
  label: Example
  categories: [exchange]
- id: '01'
  label: '01'
  jurisdictions: [SC, EE]
  categories: [organization, defi_dex]
  aliases: [01.xyz]
- id: twin
  label: Twin
  categories: [gambling]
- id: twin2
  label: Twin
  categories: []
"""


def test_actors_are_entities_unless_they_are_known() -> None:
    """One that the registry knows stays as it is known; two of one name stay two; an id of digits stays text."""
    said = read(read_actors, PACK, "actors.yaml", EXAMPLE)

    assert [(one.id, one.name, one.kind) for one in said.entities] == [
        ("01", "01", "dex"),
        ("twin", "Twin", "gambling"),
        ("twin2", "Twin (twin2)", "other"),
    ]
    assert (said.entities[0].jurisdictions, said.entities[0].aliases) == (("SC", "EE"), ("01.xyz",))
    assert (said.version, said.left_out.reasons) == ("2023-02-17", {"known already under that name": 1})
    assert len(Registry([EXAMPLE, *said.entities]).entities) == 4
