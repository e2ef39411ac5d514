"""Where transfers come from: one file a provider. To add a live source is to add a row to SOURCES."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from tracer.errors import SourceBroken
from tracer.sources import told
from tracer.sources.base import Page, Said, Source, SourceSettings
from tracer.sources.budget import Budget


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of SOURCES. `make` a source of it; `parse` what a page of it that was kept says, without any call.

    `parse` takes a page's raw content and raises SourceBroken where it is not what this kind keeps.
    """

    make: Callable[[SourceSettings, Budget], Source]
    parse: Callable[[bytes], Said] | None = None


def _evm(settings: SourceSettings, budget: Budget) -> Source:
    from tracer.sources.evm import Evm  # noqa: PLC0415 - web3 takes a second to import, and most commands need no node

    return Evm(settings, budget)


def _later(module: str, name: str) -> Kind:
    """A kind whose class and parse are in a module of their own, imported on first use: HTTP takes a while, too."""

    def make(settings: SourceSettings, budget: Budget) -> Source:
        made: Source = getattr(import_module(module), name)(settings, budget)
        return made

    def parse(raw: bytes) -> Said:
        said: Said = import_module(module).parse(raw)
        return said

    return Kind(make, parse)


SOURCES: dict[str, Kind] = {
    "evm": Kind(_evm, told.parse),  # a node that speaks Ethereum's JSON-RPC
    "etherscan": _later("tracer.sources.etherscan", "Etherscan"),
    "blockscout": _later("tracer.sources.blockscout", "Blockscout"),
    "blockscout_rest": _later("tracer.sources.blockscout_rest", "BlockscoutRest"),
    "esplora": _later("tracer.sources.esplora", "Esplora"),  # bitcoin: blockstream.info, mempool.space, your own
    "trongrid": _later("tracer.sources.trongrid", "TronGrid"),
}

_KIND = re.compile(rb'\{"kind": "([a-z_]+)"')  # as base.envelope begins


def parse(raw: bytes) -> Said:
    """What a kept page of any kind of source says. Raises SourceBroken where it cannot be read again."""
    found = _KIND.match(raw)
    kind = SOURCES.get(found[1].decode()) if found else None
    if kind is None or kind.parse is None:
        raise SourceBroken("a kept page cannot be read again: it is of an older version, or of no kind known here")
    return kind.parse(raw)


__all__ = ["SOURCES", "Budget", "Kind", "Page", "Said", "Source", "SourceSettings", "parse"]
