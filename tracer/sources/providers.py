"""What each provider publishes of itself: limits, and which chains on which plan. One YAML file a provider, dated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tracer.errors import ConfigError

DATA = files("tracer.sources") / "data"
BELOW = 0.9  # of the published rate: who is suspended for a moment too many loses more than he gains


@dataclass(frozen=True, slots=True)
class Support:
    """How a provider serves a chain. `plan`: free or paid. `confirmations`: as in SourceSettings.

    `url`: where this chain is served, if not where the others are. `lacks`: in words, what its lists leave out there.
    `named`, `coin`: what it calls the chain and the chain's coin, where it has words of its own.
    """

    plan: str
    confirmations: int
    url: str = ""
    lacks: str = ""
    named: str = ""
    coin: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as of a day. None: it states none. `reads`: the kinds of transfers that its lists hold.

    `page_rows`: rows of one reply; `window_rows`: rows that can be paged to at all.
    """

    kind: str
    as_of: date
    read_in: tuple[str, ...]
    url: str
    needs_key: bool
    calls_per_second: float | None
    calls_per_day: int | None
    page_rows: int
    window_rows: int | None
    reads: tuple[str, ...]
    chains: Mapping[str, Support]

    def support(self, chain: str) -> Support:
        """How it serves a chain. Raises ConfigError naming those that it does."""
        found = self.chains.get(chain)
        if found is None:
            raise ConfigError(f"{self.kind} does not serve {chain}; it serves {', '.join(self.chains)}")
        return found

    def at(self, chain: str) -> str:
        """Where it serves a chain. Raises ConfigError."""
        return self.support(chain).url or self.url

    @property
    def pace(self) -> float | None:
        """Calls a second that are made: below what is published."""
        return None if self.calls_per_second is None else BELOW * self.calls_per_second


@cache
def provider(kind: str) -> Provider:
    """The provider of this kind of source."""
    said: dict[str, Any] = yaml.safe_load((DATA / f"{kind}.yaml").read_text("utf-8"))
    said["chains"] = {chain: Support(**support) for chain, support in said["chains"].items()}
    return Provider(**said | {name: tuple(said[name]) for name in ("read_in", "reads")})


@cache
def confirmations(chain: str) -> int:
    """How deep a block of an EVM chain must lie to count as final where a node does not name the final one."""
    said: dict[str, Any] = yaml.safe_load((DATA / "evm.yaml").read_text("utf-8"))
    found: int = said["confirmations"].get(chain, said["default"])
    return found
