"""Prices: by contract, exact as written, dated, and honest where there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import stamina

from tests.makers import ETHEREUM, USDT
from tests.servers.defillama import FAULTS, Llama
from tests.servers.serve import Given, serving
from tracer.chains import CHAINS, parse_asset
from tracer.errors import SourceBroken, SourceBusy, SourceRefused
from tracer.model import NATIVE, AssetId, Price
from tracer.sources.budget import Budget
from tracer.sources.prices import Prices, coin, quoted
from tracer.sources.providers import provider
from tracer.sources.reply import Empty, Refused, Rows
from tracer.sources.web import ATTEMPTS, NO_JSON, Answer

HOUR = datetime(2024, 3, 1, 10, tzinfo=UTC)
TETHER = f"ethereum:{USDT.contract}"
ETHER = AssetId(ETHEREUM, NATIVE)


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def prices(url: str) -> Prices:
    """A source of prices that never waits."""
    return Prices(url, Budget("defillama", sleep=lambda _: None), timeout_seconds=5)


def told(llama: Llama, *wanted: tuple[AssetId, datetime]) -> list[Price]:
    """What is told of these."""
    with serving(llama) as served:
        return [one for said in prices(served.url).read(wanted) for one in said]


def test_a_price_is_exact_and_dated() -> None:
    """Every digit that was written, the moment of the price, and how sure the source is; no float in between."""
    llama = Llama({TETHER: "1.00182482830027697000001"})

    (found,) = told(llama, (USDT, HOUR))

    at = HOUR + timedelta(seconds=125)
    assert Price(USDT, HOUR, "defillama", Decimal("1.00182482830027697000001"), at, Decimal("0.99")) == found
    assert [(int(HOUR.timestamp()), [TETHER])] == llama.asked


def test_a_stablecoin_is_asked_like_any_other() -> None:
    """A dollar token is worth what it was worth: in March 2023 USDC was not 1.00."""
    usdc = parse_asset(ETHEREUM, "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48")
    (found,) = told(Llama({f"ethereum:{usdc.contract}": "0.88"}), (usdc, HOUR))
    (unknown,) = told(Llama({}), (usdc, HOUR))

    assert (Decimal("0.88"), None) == (found.usd, unknown.usd)


def test_what_has_no_price_is_said_to_have_none() -> None:
    """Unknown to the provider, or of no chain: no price, and nothing that looks like one."""
    stranger, dollars = AssetId(ETHEREUM, "0x" + "12" * 20), AssetId(ETHEREUM, "usd")
    llama = Llama({TETHER: "1"})

    found = told(llama, (stranger, HOUR), (dollars, HOUR), (USDT, HOUR))

    assert {(stranger, None), (dollars, None), (USDT, Decimal(1))} == {(one.asset, one.usd) for one in found}
    assert all("usd" not in names for _, names in llama.asked)


def test_coins_of_one_hour_are_asked_together() -> None:
    """One request an hour, not more coins than fit in one; the chains' own coins that are the same are asked once."""
    tokens = [AssetId(ETHEREUM, f"0x{n:040x}") for n in range(31)]
    base_ether = AssetId("eip155:8453", NATIVE)
    llama = Llama({"coingecko:ethereum": "3000.5"})
    wanted = [*((one, HOUR) for one in (*tokens, ETHER, base_ether)), (ETHER, HOUR + timedelta(hours=1))]

    found = told(llama, *wanted)

    assert [30, 2, 1] == [len(names) for _, names in llama.asked]
    assert [(ETHER, HOUR), (base_ether, HOUR), (ETHER, HOUR + timedelta(hours=1))] == [
        (one.asset, one.asked) for one in found if one.usd is not None
    ]


@pytest.mark.parametrize("chain", CHAINS)
def test_every_chain_has_its_words(chain: str) -> None:
    """Of every chain the coin has a name; contracts stand behind the chain's."""
    known = provider("defillama").support(chain)
    contract = AssetId(chain, "0xC0ffee")

    assert known.coin.startswith("coingecko:") and known.coin == coin(AssetId(chain, NATIVE))
    assert f"{known.named}:0xC0ffee" == coin(contract)


def test_a_symbol_never_counts() -> None:
    """Two tokens of one symbol are two contracts: one's price says nothing of the other's."""
    fake = AssetId(ETHEREUM, "0x" + "99" * 20)

    assert [None] == [one.usd for one in told(Llama({TETHER: "1"}), (fake, HOUR))]


@pytest.mark.parametrize(
    ("llama", "why"),
    [
        (Llama({TETHER: '"1.0"'}), "text"),
        (Llama({TETHER: "NaN"}), "no number"),
        (Llama({TETHER: "-1"}), "below zero"),
        (Llama({TETHER: "true"}), "a truth"),
        (Llama({TETHER: "1"}, late=5 * 3600), "another time"),
        (Llama({TETHER: "1"}, sure='"high"'), "words"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_price_is_broken(llama: Llama, why: str) -> None:
    """Nothing is made of a price that is no number, or of another time."""
    with pytest.raises(SourceBroken):
        told(llama, (USDT, HOUR))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("too_many", SourceBusy),
        ("html_503", SourceBusy),
        ("message", SourceBusy),
        ("html", SourceBroken),
        ("wrong_json", SourceBroken),
        ("null", SourceBroken),
        ("another_coin", SourceBroken),
        ("truncated", SourceBroken),
    ],
)
def test_a_bad_answer_is_never_no_price(fault: str, kind: type[Exception]) -> None:
    """Busy and broken are named; that no price is known is said only by an answer that says so."""
    llama = Llama({TETHER: "1"})
    with serving(lambda asked: FAULTS[fault](llama(asked))) as served, pytest.raises(kind):
        list(prices(served.url).read([(USDT, HOUR)]))


def test_a_refusal_is_named() -> None:
    """A plan that does not serve is no price either."""
    with serving(lambda _: Given(403, b"upgrade")) as served, pytest.raises(SourceRefused):
        list(prices(served.url).read([(USDT, HOUR)]))
    assert isinstance(quoted(Answer(402, {}, b"", NO_JSON), ["x"], HOUR), Refused)


DATA = os.environ.get("TRACER_EVALUATION_DATA")


@pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded replies")
def test_recorded_replies_are_read() -> None:
    """Every reply recorded from DefiLlama gives exactly the prices that it holds."""
    read = 0
    for path in sorted((Path(DATA or "") / "api" / "rotki_local" / "prices_defillama").glob("*.json")):
        for record in json.loads(path.read_bytes())["records"]:
            body = record["response"]["body"]
            names = record["request"]["url"].rpartition("/")[2].split(",")
            moments = [row["timestamp"] for row in body["coins"].values()]
            answer = Answer(record["response"]["status"], {}, json.dumps(body).encode(), body)
            said = quoted(answer, names, datetime.fromtimestamp(moments[0], UTC))
            assert isinstance(said, Rows) and not isinstance(said, Empty), path.name
            assert {name: str(row["price"]) for name, row in body["coins"].items()} == {
                name: str(quote[0]) for name, quote in said.rows
            }
            read += len(said.rows)
    assert 12 == read
