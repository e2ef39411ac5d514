"""Composition root: settings in, the product's parts out. The only place that decides which part is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tracer.settings import Settings
from tracer.store.store import Store


@dataclass(frozen=True, slots=True)
class App:
    """What every action needs: who acts, and the store."""

    settings: Settings
    store: Store

    @property
    def actor(self) -> str:
        """Whose name is written on every change."""
        return self.settings.actor


@contextmanager
def opened(settings: Settings) -> Iterator[App]:
    """An app with its store open. Raises ConfigError where the store cannot be used."""
    with Store.open(settings.database_url) as store:
        yield App(settings, store)
