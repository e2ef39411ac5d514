"""DefiLlama's historical prices (https://api-docs.defillama.com/), as its server answers: unknown coins are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.servers.serve import COMMON, Asked, Given, Spoil

FAULTS: Mapping[str, Spoil] = {
    **COMMON,
    "another_coin": lambda _: Given(200, b'{"coins":{"coingecko:dogecoin":{"price":1,"symbol":"DOGE","timestamp":0}}}'),
    "message": lambda _: Given(502, b'{"message": "Internal server error"}'),
}


@dataclass
class Llama:
    """`quotes`: by coin, the price as it stands in the JSON; `late`: seconds after the moment that was asked for."""

    quotes: Mapping[str, str]
    late: int = 125
    sure: str | None = "0.99"
    asked: list[tuple[int, list[str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Given:
        """The answer to a request."""
        match asked.path.strip("/").split("/", 3):
            case ["prices", "historical", at, coins]:
                names = coins.split(",")
                self.asked.append((int(at), names))
                rows = ",".join(self._row(name, int(at)) for name in names if name in self.quotes)
                return Given(200, f'{{"coins":{{{rows}}}}}'.encode(), {"Content-Type": "application/json"})
        return Given(404, b'{"message": "Not found"}')

    def _row(self, name: str, at: int) -> str:
        sure = f',"confidence":{self.sure}' if self.sure is not None else ""
        return (
            f'"{name}":{{"decimals":6,"symbol":"XYZ","price":{self.quotes[name]},"timestamp":{at + self.late}{sure}}}'
        )
