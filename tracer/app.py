"""Composition root: settings in, the product's parts out. The only place that decides which part is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.settings import Settings
from tracer.settings import SourceSettings as Named
from tracer.sources import SOURCES, Budget, Source, SourceSettings
from tracer.sources.providers import provider
from tracer.store.store import Store

if TYPE_CHECKING:
    from tracer.sources.prices import Prices


@dataclass(frozen=True, slots=True)
class App:
    """What every action needs: the settings, the store, and the sources of live chain data."""

    settings: Settings
    store: Store
    sources: tuple[Source, ...] = ()

    @property
    def actor(self) -> str:
        """Whose name is written on every change."""
        return self.settings.actor

    @property
    def chains(self) -> frozenset[str]:
        """The chains that a live source reads."""
        return frozenset(source.chain for source in self.sources)


@contextmanager
def opened(settings: Settings) -> Iterator[App]:
    """An app with its store open. Raises ConfigError where the store cannot be used."""
    with Store.open(settings.database_url) as store:
        yield App(settings, store, tuple(_source(one) for one in settings.sources))


def prices(settings: Settings) -> Prices:
    """What knows prices; nothing is asked yet."""
    from tracer.sources.prices import Prices  # noqa: PLC0415 - httpx takes a tenth of a second to import

    return Prices(settings.prices.url.get_secret_value() if settings.prices.url else "")


def _source(one: Named) -> Source:
    public = None if one.kind == "evm" else provider(one.kind)
    made = SourceSettings(
        kind=one.kind,
        chain=one.chain,
        url=one.address() or (public.at(one.chain) if public else ""),
        key=one.secret(),
        name=one.name,
        start_block=one.start_block,
        range_blocks=one.range_blocks,
        confirmations=one.confirmations,
        timeout_seconds=one.timeout_seconds,
    )
    rate = one.calls_per_second or (public.pace if public else None)
    per_day = one.calls_per_day or (public.calls_per_day if public else None)
    return SOURCES[one.kind].make(made, Budget(one.name, rate, per_day))
