"""Where transfers come from: one file a provider. To add a live source is to add a row to SOURCES."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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


SOURCES: dict[str, Kind] = {
    "evm": Kind(_evm, told.parse),  # a node that speaks Ethereum's JSON-RPC
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
