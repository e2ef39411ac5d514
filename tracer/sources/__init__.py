"""Where transfers come from: one file a provider. To add a live source is to add a row to SOURCES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def _esplora(settings: SourceSettings, budget: Budget) -> Source:
    from tracer.sources.esplora import Esplora  # noqa: PLC0415 - httpx takes a tenth of a second to import

    return Esplora(settings, budget)


def _esplora_said(raw: bytes) -> Said:
    from tracer.sources.esplora import parse  # noqa: PLC0415 - as above

    return parse(raw)


SOURCES: dict[str, Kind] = {
    "evm": Kind(_evm),  # a node that speaks Ethereum's JSON-RPC
    "esplora": Kind(_esplora, _esplora_said),  # bitcoin: blockstream.info, mempool.space, your own
}

__all__ = ["SOURCES", "Budget", "Kind", "Page", "Said", "Source", "SourceSettings"]
