"""What every row of SOURCES must do, on a real provider of its kind or a real server that speaks like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest
import stamina

from tests.anvil import Anvil, Proxy, proxied
from tests.makers import BITCOIN
from tests.servers.blockscout import blockscout
from tests.servers.esplora import esplora
from tests.servers.etherscan import etherscan
from tests.servers.payments import ME, NOBODY, wallet
from tests.servers.serve import Answers, Given, Served, serving
from tests.servers.trongrid import trongrid
from tests.sources import bitcoin_story, tron_story
from tests.sources.evm_story import Story
from tracer.chains import parse_address
from tracer.errors import SourceBroken, SourceBusy, SourceRefused
from tracer.model import Address, Checkpoint
from tracer.sources import SOURCES, Budget, Page, Source, SourceSettings, web


@dataclass(frozen=True)
class Stage:
    """A provider to test on. `busy`: somebody with several pages of transfers; `nobody`: an address without any.

    `fail` makes it answer everything with a status and a body, as long as the provider runs. `hashed`: its replies tell
    the hash of every block that they rest on; explorers' lists of calls, and TRON's rows, do not.
    """

    settings: SourceSettings
    busy: Address
    nobody: Address
    fail: Callable[[int, bytes], None]
    hashed: bool = True

    @property
    def source(self) -> Source:
        """A new source on this provider."""
        return SOURCES[self.settings.kind].make(self.settings, Budget(self.settings.kind, sleep=lambda _: None))


@contextmanager
def evm_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A node behind a proxy."""
    chain: Anvil = request.getfixturevalue("anvil")
    story, nobody = Story(chain), "0x" + "99" * 20
    with proxied(chain) as proxy:
        settings = SourceSettings(kind="evm", chain="eip155:1", url=proxy.url, range_blocks=5)
        bob, none = (parse_address(settings.chain, each) for each in (story.bob, nobody))
        yield Stage(settings, bob, none, lambda status, body: _failing(proxy, status, body))


def _failing(proxy: Proxy, status: int, body: bytes) -> None:
    proxy.reply = status, {}, body


def explorer_stage(kind: str, answers: Answers) -> Callable[[pytest.FixtureRequest], AbstractContextManager[Stage]]:
    """An explorer that serves a wallet; what it tells of calls does not name blocks by hash."""

    @contextmanager
    def made(_: pytest.FixtureRequest) -> Iterator[Stage]:
        with serving(answers) as served:
            settings = SourceSettings(kind=kind, chain=ME.chain, url=served.url, key="k3y-that-nobody-sees")
            yield Stage(settings, ME, NOBODY, lambda status, body: _spoiled(served, status, body), hashed=False)

    return made


@contextmanager
def esplora_stage(_: pytest.FixtureRequest) -> Iterator[Stage]:
    """A server with short lists: several make a page, several pages a reading from the newest block downwards."""
    with serving(esplora(bitcoin_story.wallet(20 * 2), page=2)) as served:
        settings = SourceSettings(kind="esplora", chain=BITCOIN, url=served.url)
        busy, nobody = bitcoin_story.WALLET, bitcoin_story.NOBODY
        yield Stage(settings, busy, nobody, lambda status, body: _spoiled(served, status, body))


@contextmanager
def trongrid_stage(_: pytest.FixtureRequest) -> Iterator[Stage]:
    """A server with short replies, fewer rows than stand in one of its blocks."""
    with serving(trongrid(tron_story.story(), page=7)) as served:
        settings = SourceSettings(kind="trongrid", chain=tron_story.TRON, url=served.url)
        ends = tron_story.WALLET, tron_story.NOBODY
        yield Stage(settings, *ends, lambda status, body: _spoiled(served, status, body), hashed=False)


def _spoiled(served: Served, status: int, body: bytes) -> None:
    served.answers = lambda _: Given(status, body)


WALLET = wallet(200)
STAGES: dict[str, Callable[[pytest.FixtureRequest], AbstractContextManager[Stage]]] = {
    "evm": evm_stage,
    # both give fewer rows than they say, as Etherscan did when it lowered its limit
    "etherscan": explorer_stage("etherscan", etherscan(WALLET, most=100)),
    "blockscout": explorer_stage("blockscout", blockscout(WALLET, most=100)),
    "esplora": esplora_stage,
    "trongrid": trongrid_stage,
    "blockscout_rest": explorer_stage("blockscout_rest", blockscout(WALLET, items=20)),
}


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=web.ATTEMPTS, cap=True):
        yield


@pytest.fixture(params=SOURCES)
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The provider of each kind of source; a kind without one fails here."""
    with STAGES[request.param](request) as made:
        yield made


def read(source: Source, address: Address, checkpoint: Checkpoint | None = None) -> list[Page]:
    """All pages from a checkpoint on."""
    found = [source.pull(address, checkpoint)]
    while not found[-1].done:
        found.append(source.pull(address, found[-1].checkpoint))
    return found


def ids(pages: list[Page]) -> list[str]:
    """The ids of all transfers, in order."""
    return [transfer.id for page in pages for one in page.transactions for transfer in one.transfers]


def test_oldest_first(stage: Stage) -> None:
    """Transactions stand in the order in which they happened, within pages and from one checkpoint to the next.

    A checkpoint's block is a promise: all up to it was read. Who lists newest first (Esplora) makes it at the end only.
    """
    pages = read(stage.source, stage.busy)

    assert len(pages) > 2
    assert len([one for page in pages for one in page.transactions]) > 5
    for number, page in enumerate(pages, start=1):
        promised = -1 if page.checkpoint.block is None else page.checkpoint.block
        later = [one for each in pages[number:] for one in each.transactions]
        assert list(page.transactions) == sorted(page.transactions, key=lambda one: one.order)
        assert [] == [one for one in later if one.block is not None and one.block <= promised]
    assert pages[-1].checkpoint.block == pages[-1].head


def test_any_checkpoint_goes_on_without_gap_or_double(stage: Stage) -> None:
    """From the checkpoint of any page another source of the same settings reads exactly the rest."""
    pages = read(stage.source, stage.busy)

    assert len(set(ids(pages))) == len(ids(pages))
    for number, page in enumerate(pages, start=1):
        assert ids(pages[number:]) == ids(read(stage.source, stage.busy, page.checkpoint))


def test_ids_are_stable(stage: Stage) -> None:
    """Reading again, and reading a transaction as a whole, gives the same ids."""
    pages = read(stage.source, stage.busy)

    assert ids(pages) == ids(read(stage.source, stage.busy))
    for one in pages[-1].transactions[-20:]:
        (whole,) = stage.source.transaction(one.tx_hash).transactions
        assert {transfer.id for transfer in one.transfers} <= {transfer.id for transfer in whole.transfers}


def test_pages_say_what_they_are(stage: Stage) -> None:
    """Every page names its source, keeps what it read, describes its assets and the blocks that it rests on.

    What is kept says the same again, without any call.
    """
    source = stage.source
    for page in read(source, stage.busy):
        moved = {transfer.asset for one in page.transactions for transfer in one.transfers}

        assert source.name == page.source
        assert page.raw
        assert moved == {asset.id for asset in page.assets}
        assert not stage.hashed or {one.block for one in page.transactions} <= set(page.blocks)
        assert page.checkpoint.block is None or page.checkpoint.block in page.blocks
        assert stage.settings.chain == source.chain == stage.busy.chain
        parse = SOURCES[stage.settings.kind].parse
        assert parse is None or parse(page.raw) == (page.transactions, page.assets, page.logs)
        for number, hashed in page.blocks.items():
            assert hashed == source.block_hash(number)


def test_proven_empty_moves_the_checkpoint(stage: Stage) -> None:
    """An address without transfers is read to the end like any other."""
    pages = read(stage.source, stage.nobody)

    assert [] == ids(pages)
    busy = read(stage.source, stage.busy)[-1].checkpoint
    assert (busy.block, busy.block_hash) == (pages[-1].checkpoint.block, pages[-1].checkpoint.block_hash)


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
    """Busy, refused and broken are told apart, by all three verbs."""
    source, pages = stage.source, read(stage.source, stage.busy)
    tx_hash = next(one.tx_hash for page in pages for one in page.transactions)
    stage.fail(status, body)

    for act in (
        lambda: source.pull(stage.busy, None),
        lambda: source.transaction(tx_hash),
        lambda: source.block_hash(1),
    ):
        with pytest.raises(kind):
            act()
