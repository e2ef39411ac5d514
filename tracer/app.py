"""Composition root: settings in, the product's parts out. The only place that decides which part is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from tracer.settings import Settings
from tracer.settings import SourceSettings as Named
from tracer.sources import SOURCES, Budget, Source, SourceSettings
from tracer.sources.providers import provider
from tracer.sources.secrets import host
from tracer.store.store import Store

if TYPE_CHECKING:
    from tracer.sources.prices import Prices


@dataclass(frozen=True, slots=True)
class App:
    """What every action needs: the settings, the store, and the sources of live chain data."""

    settings: Settings
    store: Store
    sources: tuple[Source, ...] = ()
    budgets: Mapping[str, Budget] = field(default_factory=dict)  # by the source's name

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
        newest = settings.include_unconfirmed
        reached = {one.name: (_settings(one, newest=newest), _rate(one)) for one in settings.sources}
        budgets = {name: _budget(made, rate, store) for name, (made, rate) in reached.items()}
        sources = tuple(SOURCES[made.kind].make(made, budgets[name]) for name, (made, _) in reached.items())
        yield App(settings, store, sources, budgets)


def prices(settings: Settings) -> Prices:
    """What knows prices; nothing is asked yet."""
    from tracer.sources.prices import Prices  # noqa: PLC0415 - httpx takes a tenth of a second to import

    return Prices(settings.prices.url.get_secret_value() if settings.prices.url else "")


def _settings(one: Named, *, newest: bool) -> SourceSettings:
    public = None if one.kind == "evm" else provider(one.kind)
    return SourceSettings(
        kind=one.kind,
        chain=one.chain,
        url=one.address() or (public.at(one.chain) if public else ""),
        key=one.secret(),
        name=one.name,
        start_block=one.start_block,
        range_blocks=one.range_blocks,
        confirmations=one.confirmations,
        timeout_seconds=one.timeout_seconds,
        include_unconfirmed=newest,
    )


def _rate(one: Named) -> tuple[float | None, int | None]:
    """Calls a second and calls a day that are made."""
    public = None if one.kind == "evm" else provider(one.kind)
    rate = one.calls_per_second or (public.pace if public else None)
    return rate, one.calls_per_day or (public.calls_per_day if public else None)


def _budget(made: SourceSettings, rate: tuple[float | None, int | None], store: Store) -> Budget:
    """What a provider may be asked: one for all sources, and all processes, that have the same key there."""
    key = made.url if made.kind == "evm" else made.key  # a node's key stands in its URL
    mark = f"#{sha256(key.encode()).hexdigest()[:8]}" if key else ""
    return Budget(f"{made.kind}@{host(made.url).partition('://')[2]}{mark}", *rate, bank=store)
