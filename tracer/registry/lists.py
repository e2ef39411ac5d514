"""Lists in JSON: ScamSniffer's phishing addresses, and Etherscan's labels as github.com/brianleect/etherscan-labels
keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from tracer.chains import parse_address
from tracer.errors import InputError
from tracer.model import CONFIDENCE, Category, Label
from tracer.registry.said import SERVICES, About, Said, everywhere, known_place

LARGEST = 256 << 20  # bytes
SCAMSNIFFER = "ScamSniffer blacklist; https://github.com/scamsniffer/scam-database"
ETHERSCAN = "Etherscan label {}; https://github.com/brianleect/etherscan-labels"

# Etherscan's labels that say what an address is; most only say of which project it is, which is no category.
KINDS = {
    label: category
    for category, labels in {
        Category.HACK: "heist exploit hack",
        Category.SCAM: "phish-hack phishing scam fake-phishing",
        Category.MIXER: "tornado-cash typhoon-cash cyclone-cash mixer",
        Category.BRIDGE: "bridge hop-protocol multichain across-protocol celer-network synapse-protocol",
        Category.GAMBLING: "gambling fairspin",
        Category.EXCHANGE: "exchange binance huobi okx okex coinbase kraken bitfinex kucoin poloniex crypto-com "
        "gate-io gemini bittrex bitstamp ftx bybit coinsquare upbit bithumb hitbtc mexc liquid cex-io bitmex",
        Category.DEX: "dex uniswap sushiswap balancer bancor curve-fi 0x-protocol 1inch kyberswap tokenlon",
        Category.LENDING: "aave compound cream-finance maker",
        Category.TOKEN: "token-contract",
        Category.CONTRACT: "old-contract proxy-contract multisig vaults staking yield-farming",
        Category.WALLET: "ofac-sanctions-lists blocked",
    }.items()
    for label in labels.split()
}


def read_scamsniffer(content: BinaryIO, about: About) -> Said:
    """The addresses of address.json, all.json or combined.json. It names no chain: an EVM address is one on each."""
    told = _json(content, about.name)
    said = Said(about.day(), ())
    texts = list(dict.fromkeys(_addresses(told)))
    if not texts:
        raise InputError(f"{about.name} is no list of ScamSniffer's: it holds no addresses")
    said.labels = _scams(texts, said)
    return said


def _addresses(told: Any) -> Iterator[str]:
    """The addresses of a list, of an object's `address`, or of an object of lists by domain."""
    if isinstance(told, dict):
        told = told["address"] if "address" in told else [each for each in told.values() if isinstance(each, list)]
    for one in told if isinstance(told, list) else ():
        yield from (each for each in (one if isinstance(one, list) else [one]) if isinstance(each, str))


def _scams(texts: Iterable[str], said: Said) -> Iterator[Label]:
    sure = CONFIDENCE["trusted_provider"]
    for text in texts:
        said.rows += 1
        try:
            places = [known_place(place) for place in everywhere(text.strip())]
        except InputError:
            said.left_out.add("no address of a supported chain")
            continue
        yield from (Label(place, "phishing (ScamSniffer)", Category.SCAM, sure, SCAMSNIFFER) for place in places)


def read_etherscan(content: BinaryIO, about: About) -> Said:
    """Names and labels of Ethereum addresses: {address: {name, labels}}. Labels that are no category are left."""
    told = _json(content, about.name)
    if not isinstance(told, dict) or not all(isinstance(one, dict) for one in told.values()):
        raise InputError(f"{about.name} is no list of Etherscan's labels: it must be {{address: {{name, labels}}}}")
    said = Said(about.day(), ())
    said.labels = _named(told, said, about)
    return said


def _named(told: Mapping[str, Mapping[str, Any]], said: Said, about: About) -> Iterator[Label]:
    for text, one in told.items():
        said.rows += 1
        labels = [each for each in one.get("labels") or () if isinstance(each, str)]
        name = str(one.get("name") or "")
        label, category = _category(labels, about)
        if category is None:
            said.left_out.add("its labels say nothing of what it is")
            continue
        try:
            place = known_place(parse_address("ethereum", text))
        except InputError:
            said.left_out.add("no ethereum address")
            continue
        yield Label(place, name.strip() or label, category, CONFIDENCE["web_crawl"], ETHERSCAN.format(label))


def _category(labels: Iterable[str], about: About) -> tuple[str, Category | None]:
    """The first label, in the order of KINDS, that says what it is; else the service that one names."""
    found = sorted((list(KINDS).index(label), label) for label in labels if label in KINDS)
    if found:
        return found[0][1], KINDS[found[0][1]]
    for label in labels:
        entity = about.registry.named(label)
        if entity and entity.kind in SERVICES:
            return label, SERVICES[entity.kind]
    return "", None


def _json(content: BinaryIO, name: str) -> Any:
    raw = content.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise InputError(f"{name} is larger than {LARGEST >> 20} MiB")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as wrong:
        raise InputError(f"{name} is no JSON: {wrong}") from wrong
