"""Where transfers come from: one file a provider. To add a live source is to add a row to SOURCES."""

from collections.abc import Callable

from tracer.sources.base import Page, Source, SourceSettings


def _evm(settings: SourceSettings) -> Source:
    from tracer.sources.evm import Evm  # noqa: PLC0415 - web3 takes a second to import, and most commands need no node

    return Evm(settings)


SOURCES: dict[str, Callable[[SourceSettings], Source]] = {
    "evm": _evm,  # a node that speaks Ethereum's JSON-RPC
}

__all__ = ["SOURCES", "Page", "Source", "SourceSettings"]
