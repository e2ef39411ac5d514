"""Short ways to read a wallet from each explorer of EVM chains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import stamina

from tests.servers import blockscout as blockscouts
from tests.servers import etherscan as etherscans
from tests.servers.payments import ME
from tests.servers.serve import Answers, Served, Spoil, Weather, serving
from tests.servers.world import World
from tracer.errors import SourceError
from tracer.model import Address, Checkpoint, Transfer
from tracer.sources import SOURCES, Budget, Page, SourceSettings, web
from tracer.sources.explorer import Explorer

KEY = "k3y-that-nobody-sees"
SERVERS: Mapping[str, Callable[[World], Answers]] = {
    "etherscan": lambda world: etherscans.etherscan(world, key=KEY),
    "blockscout": lambda world: blockscouts.blockscout(world, key=KEY),
    "blockscout_rest": lambda world: blockscouts.blockscout(world, key=KEY, items=20),
}
FAULTS: Mapping[str, Mapping[str, Spoil]] = {
    "etherscan": etherscans.FAULTS,
    "blockscout": blockscouts.FAULTS,
    "blockscout_rest": blockscouts.FAULTS,
}


class At(NamedTuple):
    """A running explorer, and how to reach it."""

    kind: str
    served: Served

    def source(self, **settings: Any) -> Explorer:
        """A new source on it."""
        about: dict[str, Any] = {"kind": self.kind, "chain": ME.chain, "url": self.served.url, "key": KEY}
        made = SOURCES[self.kind].make(SourceSettings(**about | settings), Budget(self.kind))
        assert isinstance(made, Explorer)
        return made

    @property
    def calls(self) -> list[str]:
        """What it was asked: the action, method or path of each request."""
        return [one.query.get("action") or one.path for one in self.served.asked]


@contextmanager
def explorer(kind: str, answers: Answers | World, weather: Weather | None = None) -> Iterator[At]:
    """An explorer of this kind that serves a world; second attempts follow at once."""
    made = SERVERS[kind](answers) if isinstance(answers, World) else answers
    with stamina.set_testing(True, attempts=web.ATTEMPTS, cap=True), serving(made, weather) as served:
        yield At(kind, served)


def pages(source: Explorer, address: Address = ME, checkpoint: Checkpoint | None = None) -> list[Page]:
    """All pages of an address."""
    found = [source.pull(address, checkpoint)]
    while not found[-1].done:
        found.append(source.pull(address, found[-1].checkpoint))
    return found


def patient(source: Explorer, address: Address = ME, attempts: int = 3000) -> list[Page]:
    """All pages, whatever goes wrong on the way: what fails is asked again from the last checkpoint."""
    found: list[Page] = []
    for _ in range(attempts):
        try:
            page = source.pull(address, found[-1].checkpoint if found else None)
        except SourceError:
            continue
        found.append(page)
        if page.checkpoint.block == page.head:
            return found
    raise AssertionError(f"not read after {attempts} attempts")


def transfers(found: list[Page]) -> dict[str, Transfer]:
    """What was found, by id; what came twice is counted once."""
    return {each.id: each for page in found for one in page.transactions for each in one.transfers}
