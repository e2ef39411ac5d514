"""What every source of events must do, on a real node and on servers that speak like each explorer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

import pytest
import stamina

from tests.anvil import Anvil, Refusal, proxied
from tests.makers import BITCOIN
from tests.servers import blockscout as blockscouts
from tests.servers import etherscan as etherscans
from tests.servers.blockscout import blockscout
from tests.servers.etherscan import PAID, etherscan, refused
from tests.servers.serve import Answers, Given, Spoil, Weather, serving
from tests.servers.trongrid import PASSING, trongrid
from tests.servers.world import World
from tests.sources.issuer_story import ETHEREUM, FIRST, SIGNATURES, SILENT, TRON, USDT, USDT_ON_TRON, issuer
from tracer.detect.freezes import contract, freezes
from tracer.errors import InputError, RangeTooLarge, Reorg, SourceBroken, SourceBusy, SourceError, SourceRefused
from tracer.model import Address, Checkpoint, Log
from tracer.sources import SOURCES, Budget, SourceSettings, web
from tracer.sources.budget import Alone
from tracer.sources.events import EventSource, LogPage

KEY = "k3y-that-nobody-sees"


@dataclass(frozen=True)
class Stage:
    """A provider to test on. `issuer`: a contract with several pages of events, by `hashes` of transactions, oldest
    first; `silent`: one without any. `fail` makes it answer everything with a status and a body.
    """

    settings: SourceSettings
    issuer: Address
    silent: Address
    hashes: list[str]
    fail: Callable[[int, bytes], None]

    @property
    def source(self) -> EventSource:
        """A new source on this provider."""
        return made(self.settings)


def made(settings: SourceSettings) -> EventSource:
    """A source of events, which waits for nothing."""
    source = SOURCES[settings.kind].make(settings, Budget(settings.kind, sleep=lambda _: None))
    assert isinstance(source, EventSource)
    return source


@contextmanager
def node_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A node that gives five blocks at once."""
    chain: Anvil = request.getfixturevalue("anvil")
    chain.rpc("anvil_setCode", USDT.contract, chain.rpc("eth_getCode", chain.deploy("Issuer"), "latest"))
    calls = ("addBlackList(address)", "removeBlackList(address)") * 4
    hashes = [chain.send(chain.accounts[0], USDT.contract.lower(), call, SILENT[ETHEREUM].text) for call in calls]
    chain.mine(3)
    narrow: Refusal = lambda method, params: (  # noqa: E731
        {"code": -32005, "message": "query exceeds max block range 5"}
        if method == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 5
        else None
    )
    with proxied(chain) as proxy:
        proxy.refuse = narrow
        settings = SourceSettings(kind="evm", chain=ETHEREUM, url=proxy.url)
        yield Stage(
            settings,
            contract(USDT),
            SILENT[ETHEREUM],
            hashes,
            lambda status, body: setattr(proxy, "reply", (status, {}, body)),
        )


def server_stage(kind: str, answers: Answers) -> Callable[[pytest.FixtureRequest], AbstractContextManager[Stage]]:
    """A server that gives short replies."""

    @contextmanager
    def stage(_: pytest.FixtureRequest) -> Iterator[Stage]:
        asset, world = (USDT_ON_TRON, CROWDED) if kind == "trongrid" else (USDT, WORLD)
        with serving(answers) as served:
            settings = SourceSettings(kind=kind, chain=asset.chain, url=served.url, key=KEY)
            fail: Callable[[int, bytes], None] = lambda status, body: setattr(  # noqa: E731
                served, "answers", lambda _: Given(status, body)
            )
            yield Stage(settings, contract(asset), SILENT[asset.chain], [one.tx_hash for one in world.logs], fail)

    return stage


WORLD = issuer(USDT, 700)
CROWDED = issuer(USDT_ON_TRON, 30, crowd=20)  # a block that more than one reply is needed for
LONGER = issuer(USDT_ON_TRON, 150, crowd=20)
STAGES: dict[str, Callable[[pytest.FixtureRequest], AbstractContextManager[Stage]]] = {
    "evm": node_stage,
    "etherscan": server_stage("etherscan", etherscan(WORLD, most=100)),
    "blockscout": server_stage("blockscout", blockscout(WORLD, most=100)),
    "trongrid": server_stage("trongrid", trongrid(CROWDED, page=7)),
}


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=web.ATTEMPTS, cap=True):
        yield


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The provider of each kind of source that reads events."""
    with STAGES[request.param](request) as one:
        yield one


def read(source: EventSource, contract: Address, checkpoint: Checkpoint | None = None) -> list[LogPage]:
    """All pages from a checkpoint on."""
    found = [source.logs(contract, SIGNATURES, checkpoint)]
    while not found[-1].done:
        assert len(found) < 500, "it does not come to an end"
        found.append(source.logs(contract, SIGNATURES, found[-1].checkpoint))
    return found


def logs(pages: list[LogPage]) -> list[Log]:
    """What all pages tell."""
    return [one for page in pages for one in page.logs]


def test_every_source_of_events_has_a_stage() -> None:
    """Bitcoin has no events, and Blockscout's REST API lists them newest first: every other kind is tested here."""
    chains = {"esplora": BITCOIN, "trongrid": TRON}
    sources = {
        kind: row.make(
            SourceSettings(kind=kind, chain=chains.get(kind, ETHEREUM), url="http://127.0.0.1:9"), Budget("")
        )
        for kind, row in SOURCES.items()
    }

    assert set(STAGES) == {kind for kind, source in sources.items() if isinstance(source, EventSource)}


def test_oldest_first(stage: Stage) -> None:
    """All events are told in the order in which they happened; a checkpoint's block is read whole."""
    pages = read(stage.source, stage.issuer)

    assert len(pages) > 2
    assert stage.hashes == [one.tx_hash for one in logs(pages)]
    for number, page in enumerate(pages, start=1):
        promised = -1 if page.checkpoint.block is None else page.checkpoint.block
        assert [] == [one for one in logs(pages[number:]) if one.block <= promised]
    assert 0 == pages[0].start


def test_any_checkpoint_goes_on_without_gap_or_double(stage: Stage) -> None:
    """From the checkpoint of any page another source of the same settings reads exactly the rest."""
    pages = read(stage.source, stage.issuer)

    for number, page in enumerate(pages, start=1):
        assert logs(pages[number:]) == logs(read(stage.source, stage.issuer, page.checkpoint))


def test_proven_empty_moves_the_checkpoint(stage: Stage) -> None:
    """A contract without events is read to the end like any other; from there, nothing is asked for again."""
    source = stage.source
    pages, busy = read(source, stage.silent), read(stage.source, stage.issuer)[-1].checkpoint

    assert [] == logs(pages)
    assert (busy.block, busy.block_hash) == (pages[-1].checkpoint.block, pages[-1].checkpoint.block_hash)
    again = source.logs(stage.silent, SIGNATURES, pages[-1].checkpoint)
    assert (True, pages[-1].checkpoint) == (again.done, again.checkpoint)


def test_a_lost_block_is_a_reorg(stage: Stage) -> None:
    """A checkpoint whose block has another hash now is not gone on from."""
    end = read(stage.source, stage.issuer)[-1].checkpoint
    hashed = f"0x{'0' * 64}" if str(end.block_hash).startswith("0x") else "0" * 64
    with pytest.raises(Reorg):
        stage.source.logs(stage.issuer, SIGNATURES, replace(end, block_hash=hashed))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", SourceBusy),
        (503, b"<html>", SourceBusy),
        (401, b"", SourceRefused),
        (200, b"<html>", SourceBroken),
        (200, b'{"x": 1}', SourceBroken),
    ],
)
def test_failures_are_named(stage: Stage, status: int, body: bytes, kind: type[Exception]) -> None:
    """Busy, refused and broken are told apart."""
    source = stage.source
    first = source.logs(stage.issuer, SIGNATURES, None)
    stage.fail(status, body)
    with pytest.raises(kind):
        while not first.done:
            first = source.logs(stage.issuer, SIGNATURES, first.checkpoint)


# --- explorers --------------------------------------------------------------------------------------------------------


def told(kind: str, answers: Answers, asset: Address) -> list[Log]:
    """All that a server tells of a contract."""
    with serving(answers) as served:
        return logs(read(made(SourceSettings(kind=kind, chain=asset.chain, url=served.url, key=KEY)), asset))


@pytest.mark.parametrize("kind", ["etherscan", "blockscout", "trongrid"])
def test_explorers_tell_the_logs_of_the_chain(kind: str) -> None:
    """To the last field, whatever the provider's shape: hex, "0x" for zero, nulls, named arguments; but who sent the
    transaction is unknown, and at TronGrid what it paid for gas.
    """
    if kind == "trongrid":
        assert list(CROWDED.logs) == told(kind, trongrid(CROWDED), contract(USDT_ON_TRON))
    else:
        server = {"etherscan": etherscan, "blockscout": blockscout}[kind]
        assert list(WORLD.logs) == told(kind, server(WORLD), contract(USDT))


@pytest.mark.parametrize(
    ("kind", "world", "answers", "faults"),
    [
        ("etherscan", WORLD, etherscan(WORLD, most=100), etherscans.FAULTS),
        ("blockscout", WORLD, blockscout(WORLD, most=100), blockscouts.FAULTS),
        ("trongrid", LONGER, trongrid(LONGER, page=7), PASSING),
    ],
)
def test_bad_weather_changes_nothing(kind: str, world: World, answers: Answers, faults: Mapping[str, Spoil]) -> None:
    """Three of ten replies are late, cut, doubled, out of order, refused or nonsense: the events are the same."""
    weather, bank, pages = Weather(0.3, 7, faults), Alone(), list[LogPage]()
    with serving(answers, weather) as served:
        settings = SourceSettings(kind=kind, chain=world.chain, url=served.url, key=KEY)
        source = SOURCES[kind].make(settings, Budget(kind, bank=bank, sleep=lambda _: None))
        assert isinstance(source, EventSource)
        while not (pages and pages[-1].done):
            try:
                pages.append(source.logs(world.logs[0].contract, SIGNATURES, pages[-1].checkpoint if pages else None))
            except SourceError:
                bank.free.clear()  # the silence it may have asked for is over

    assert list(world.logs) == logs(pages)
    assert len(weather.drawn) > 8


def test_a_freeze_is_the_same_on_both_chains() -> None:
    """Where the address stands in the event, in a topic or in the data, is no matter."""
    found = [
        [(one.state, one.tx_hash.removeprefix("0x"), one.amount) for one in freezes(issuer(asset, 3).logs)]
        for asset in (USDT, USDT_ON_TRON)
    ]

    assert ["frozen", "unfrozen", "destroyed"] == [state for state, *_ in found[0]]
    assert found[0] == found[1]


def test_a_full_block_is_read_page_by_page() -> None:
    """More events in one block than Etherscan gives at once are read all the same."""
    world = issuer(USDT, 6, crowd=120)

    assert list(world.logs) == told("etherscan", etherscan(world, most=100), contract(USDT))


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_a_block_that_fills_the_window_is_named(kind: str) -> None:
    """A block with more events than can be read is no short block; Blockscout knows no second page of one."""
    world = issuer(USDT, 6, crowd=120)
    server = etherscan(world, most=100, window=1000) if kind == "etherscan" else blockscout(world, most=100)
    with serving(server) as served:
        source = made(SourceSettings(kind=kind, chain=ETHEREUM, url=served.url, key=KEY))
        with pytest.raises(RangeTooLarge, match=f"block {FIRST - 1} holds more"):
            read(source, contract(USDT))


def test_a_chain_that_is_paid_for_is_refused() -> None:
    """A plan without the chain is no contract without events."""
    with serving(lambda _: refused(PAID)) as served:
        source = made(SourceSettings(kind="etherscan", chain=ETHEREUM, url=served.url, key=KEY))
        with pytest.raises(SourceRefused, match="not supported for this chain"):
            source.logs(contract(USDT), SIGNATURES, None)


def test_another_chains_contract_is_refused(stage: Stage) -> None:
    """A contract of a chain that the source does not read is no contract without events."""
    other = contract(USDT if stage.settings.chain == TRON else USDT_ON_TRON)
    with pytest.raises(InputError, match="is not of"):
        stage.source.logs(other, SIGNATURES, None)


def test_lost_fingerprints_lose_no_event() -> None:
    """Where TronGrid does not say how a list goes on, it is read on from its last moment."""
    world = issuer(USDT_ON_TRON, 900, together=2)

    assert list(world.logs) == told("trongrid", trongrid(world, lost=True), contract(USDT_ON_TRON))


def test_a_moment_without_a_way_on_is_named() -> None:
    """A whole reply of one moment that does not say how it goes on may not be all."""
    world = issuer(USDT_ON_TRON, 0, crowd=150)  # with the events of the same name beside them, more than a reply
    with pytest.raises(RangeTooLarge, match="perhaps more than 200 rows at 2024-01-01T00:04:57"):
        told("trongrid", trongrid(world, lost=True), contract(USDT_ON_TRON))
