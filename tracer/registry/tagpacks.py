"""GraphSense TagPacks, read as they are: what stands in the header holds for every tag that does not say otherwise.

All values are read as text: YAML would turn an unquoted address into a number, and a `lastmod` into a date that may not
exist. Aliases and deep nesting, which no pack needs, are refused, so that a small file cannot grow in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import yaml

from tracer.chains import is_zero, parse_address, parse_chain
from tracer.errors import BadRow, InputError
from tracer.model import CONFIDENCE, Category, Label
from tracer.registry.guarded import load

# GraphSense's networks and tickers, where they name one of our chains. A token's ticker (USDT, ARB) names none.
NETWORKS = {
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "TRX": "tron",
    "BSC": "bsc",
    "BNB": "bsc",
    "BEP20": "bsc",
    "POL": "polygon",
    "MATIC": "polygon",
    "XDAI": "gnosis",
    "AVAX": "avalanche",
    "BASE": "base",
}

# What GraphSense's concepts, and the older categories and abuses, say of an address. None: nothing that a category can
# say. A sanction or a blacklist is no kind of service: it says that somebody's own wallet is known.
CONCEPTS: dict[str, Category | None] = {
    concept: category
    for category, concepts in {
        Category.EXCHANGE: "exchange atm",
        Category.PAYMENT: "payment_processor wallet_service escrow_wallet",
        Category.GAMBLING: "gambling",
        Category.MIXER: "mixing_service mixing coinjoin",
        Category.BRIDGE: "defi_bridge",
        Category.DEX: "defi_dex defi_dex_pair",
        Category.LENDING: "defi_lending",
        Category.TOKEN: "defi_token",
        Category.CONTRACT: "defi defi_derivatives defi_derivative defi_dao defi_staking defi_custody nameservice",
        Category.OTHER: "service market shop ico_wallet mining_service hosting vpn faucet filesharing index "
        "messaging_service search_engine",
        Category.SCAM: "scam phishing financial_crime investment_fraud ponzi_scheme pyramid_scheme extortion "
        "sextortion payment_card_fraud social_engineering counterfeit",
        Category.HACK: "hacking hack service_hack account_hack exploit data_breach malware ransomware",
        Category.WALLET: "user victim perpetrator donation miner organization deployer funder black_list "
        "gov_black_list sanction sexual_abuse child_sexual_abuse violence human_trafficking murder torture "
        "money_laundering drugs weapons extremism terrorism terrorism_financing",
        Category.DEPOSIT: "deposit_wallet",
        None: "concept unknown behaviour source mention website_mention forum_mention dark_web abuse gray_usage "
        "white_usage entity item collectible cold_wallet hot_wallet warm_wallet white_list "
        "gov_white_list",
    }.items()
    for concept in concepts.split()
}

_LINE = object()  # the key under which a mapping's own line stands: no text can be it
_Tag = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class TagPack:
    """What a pack says. `tags` counts all; `left_out` names those that say nothing Tracer can keep, by line.

    `lastmod`: what the header says of when the pack was written last.
    """

    tags: int
    labels: tuple[Label, ...]
    left_out: tuple[BadRow, ...]
    lastmod: str | None = None


def read_tagpack(content: BinaryIO, name: str) -> TagPack:
    """The labels of a pack, in its order; `name` is shown in messages. Raises InputError if it is no TagPack.

    `lastmod` is when a tag was written, not since when it holds, so it becomes part of the label's source.
    """
    pack = load(content, name, _Loader)
    tags = pack.get("tags") if isinstance(pack, dict) else None
    if not isinstance(tags, list) or not all(isinstance(tag, dict) for tag in tags):
        raise InputError(f"{name} is no TagPack: it must be a mapping with a list of tags, each a mapping")
    header = {key: value for key, value in pack.items() if key != "tags"}
    labels: list[Label] = []
    left_out: list[BadRow] = []
    for tag in tags:
        try:
            labels.append(_label({**header, **{key: value for key, value in tag.items() if not _empty(value)}}))
        except InputError as wrong:
            left_out.append(BadRow(tag[_LINE], str(wrong)))
    return TagPack(len(tags), tuple(labels), tuple(left_out), _maybe(header, "lastmod"))


# --- YAML -------------------------------------------------------------------------------------------------------------

_Base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Loader(_Base):  # type: ignore[misc] # every scalar is text, no tag of YAML builds anything
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping that knows its line."""
        return {_LINE: node.start_mark.line + 1, **super().construct_mapping(node, deep)}


# --- one tag ----------------------------------------------------------------------------------------------------------


def _label(tag: _Tag) -> Label:
    """Raises InputError with why the tag says nothing that can be kept."""
    address = parse_address(_chain(tag), _text(tag, "address"))
    if is_zero(address):
        raise InputError("the zero address takes no label")
    confidence = _maybe(tag, "confidence") or "unknown"
    if confidence not in CONFIDENCE:
        raise InputError(f"confidence {confidence!a} is unknown; known are {', '.join(CONFIDENCE)}")
    return Label(
        address=address,
        entity=_maybe(tag, "actor") or _text(tag, "label"),
        category=_category(tag),
        confidence=CONFIDENCE[confidence],
        source=_source(tag),
    )


def _chain(tag: _Tag) -> str:
    network = _maybe(tag, "network") or _text(tag, "currency")
    try:
        return parse_chain(NETWORKS.get(network.upper(), network))
    except InputError:
        raise InputError(f"network {network[:40]!a} is not supported") from None


def _category(tag: _Tag) -> Category:
    """What an abuse says goes before the category, a category before concepts: a hacker's address is no exchange.

    A wallet is what is left where nothing says more: an exchange on a blacklist is an exchange.
    """
    said = [concept for key in ("abuse", "category", "concepts") for concept in _texts(tag.get(key))]
    found = [category for concept in said if (category := CONCEPTS.get(concept))]
    if found:
        return next((category for category in found if category is not Category.WALLET), Category.WALLET)
    unknown = [concept for concept in said if concept not in CONCEPTS]
    if unknown:
        raise InputError(f"category {unknown[0][:40]!a} is unknown")
    raise InputError(f"category {', '.join(said)} says nothing of the service" if said else "it names no category")


def _source(tag: _Tag) -> str:
    """Where it was read, and in which pack: `URL (TagPack title, lastmod)`."""
    pack = ", ".join(part for part in (_maybe(tag, "title"), (_maybe(tag, "lastmod") or "")[:10]) if part)
    where = _maybe(tag, "source") or _maybe(tag, "creator")
    if not where and not pack:
        raise InputError("it names no source")
    return f"{where or 'no source named'} (TagPack {pack})" if pack else str(where)


def _empty(value: object) -> bool:
    return value in ("", "null", "Null", "NULL", "~", [])


def _texts(value: object) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and not _empty(each):
            yield each.strip().lower()


def _maybe(tag: _Tag, key: str) -> str | None:
    value = tag.get(key)
    return value.strip() if isinstance(value, str) and not _empty(value) else None


def _text(tag: _Tag, key: str) -> str:
    value = _maybe(tag, key)
    if not value:
        raise InputError(f"it names no {key}")
    return value
