"""What assets were worth in US dollars, by DefiLlama: by contract, never by symbol, and never assumed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import islice
from typing import Any

from tracer.chains import is_on_chain
from tracer.model import NATIVE, AssetId, Price
from tracer.sources.budget import Budget
from tracer.sources.providers import provider
from tracer.sources.reply import Broken, Empty, Refused, Reply, Rows
from tracer.sources.web import Answer, Web, usual

SOURCE = "defillama"
WIDTH = timedelta(hours=4)  # how far from the hour a price may lie


def coin(asset: AssetId) -> str | None:
    """What DefiLlama calls an asset; None where it has no word for it: of another chain, or of no chain (`usd`)."""
    support = provider(SOURCE).chains.get(asset.chain)
    if support is None or not is_on_chain(asset):
        return None
    return support.coin if asset.contract == NATIVE else f"{support.named}:{asset.contract}"


class Prices:
    """DefiLlama at `url` ("": its own), asked within a budget. Threads may share it."""

    name = SOURCE

    def __init__(self, url: str = "", budget: Budget | None = None, timeout_seconds: float = 20) -> None:
        public = provider(SOURCE)
        budget = budget or Budget(SOURCE, public.pace, public.calls_per_day)
        self._at_once = public.page_rows
        self._web = Web((url or public.url).rstrip("/"), budget, usual_only, timeout_seconds)

    def read(self, wanted: Iterable[tuple[AssetId, datetime]]) -> Iterator[list[Price]]:
        """The prices of assets, each in a full hour, a list for each reply. Raises SourceError.

        What the provider has no word for is told without a call: no price is known.
        """
        coins: dict[datetime, dict[str, list[AssetId]]] = defaultdict(lambda: defaultdict(list))
        for asset, asked in wanted:
            name = coin(asset)
            if name is None:
                yield [Price(asset, asked, SOURCE)]
            else:
                coins[asked][name].append(asset)
        for asked, named in sorted(coins.items()):
            names = iter(sorted(named))
            while some := list(islice(names, self._at_once)):
                yield self._ask(asked, {name: named[name] for name in some})

    def _ask(self, asked: datetime, named: Mapping[str, list[AssetId]]) -> list[Price]:
        path = f"/prices/historical/{int(asked.timestamp())}/{','.join(named)}"
        width = {"searchWidth": f"{WIDTH // timedelta(hours=1)}h"}
        said = self._web.get(path, width, partial(quoted, names=named.keys(), asked=asked)).reply
        quotes = {} if isinstance(said, Empty) else dict(said.rows)
        found = ((asset, quotes.get(name)) for name, assets in named.items() for asset in assets)
        return [Price(asset, asked, SOURCE, *(quote or ())) for asset, quote in found]


# --- what an answer means ---------------------------------------------------------------------------------------------

Quote = tuple[Decimal, datetime, Decimal | None]  # USD, its moment, how sure


def usual_only(answer: Answer) -> Reply:
    """Never good: every request says what it waits for."""
    return usual(answer) or Broken(f"HTTP {answer.status} was not asked for")


def quoted(answer: Answer, names: Collection[str], asked: datetime) -> Reply:
    """The quotes of an hour by name. A name that is missing has no price, which is what the provider documents."""
    if answer.status in (401, 402, 403):
        return Refused(f"HTTP {answer.status}")
    wrong = usual(answer)
    if wrong is not None:
        return wrong
    try:
        coins = json.loads(answer.body, parse_float=Decimal, parse_constant=Decimal)["coins"]
        if answer.status != 200 or not coins.keys() <= set(names):
            raise ValueError("it is of other coins than were asked for")
        quotes = [(name, _quote(said, asked)) for name, said in sorted(coins.items())]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, InvalidOperation, RecursionError) as error:
        return Broken(f"HTTP {answer.status}, not as documented: {type(error).__name__} {error}")
    return Rows(quotes) if quotes else Empty()


def _quote(said: Mapping[str, Any], asked: datetime) -> Quote:
    at = datetime.fromtimestamp(int(_number(said["timestamp"])), UTC)
    if abs(at - asked) > WIDTH:
        raise ValueError("a price is of another time than was asked for")
    sure = said.get("confidence")
    return _number(said["price"]), at, None if sure is None else _number(sure)


def _number(value: Any) -> Decimal:
    """A number exactly as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a price, moment or confidence is no number")
    number = Decimal(value)
    if not number.is_finite() or number < 0:
        raise ValueError("a price, moment or confidence is no number of this world")
    return number
