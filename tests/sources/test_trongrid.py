"""TronGrid: what a TRON wallet was paid and paid, exactly, whatever the server's day is like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import stamina

from tests.servers.serve import Given, Served, Weather, serving
from tests.servers.trongrid import PASSING, trongrid
from tests.servers.world import World
from tests.sources.tron_story import COIN, NOBODY, TRON, TRX, USDT, VICTIM, WALLET, ZEROS, mine, story, tx
from tracer.chains import parse_address
from tracer.errors import ConfigError, InputError, Reorg, SourceBroken, SourceBusy, SourceRefused
from tracer.model import Address, Asset, Checkpoint, Coverage, Kind, Transaction
from tracer.sources import SOURCES, Budget, Page, Said, SourceSettings, tron
from tracer.sources import trongrid as source
from tracer.sources.budget import Alone
from tracer.sources.trongrid import TronGrid
from tracer.sources.web import ATTEMPTS

KEY = "k3y-of-nobody"
START_MS = 1_700_000_000_000  # before anything happened


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def made(served: Served, budget: Budget | None = None, **settings: object) -> TronGrid:
    """A source on this server that does not wait."""
    chosen = {"kind": "trongrid", "chain": TRON, "url": served.url, **settings}
    return TronGrid(SourceSettings(**chosen), budget or Budget("trongrid", sleep=lambda _: None))  # type: ignore[arg-type]


def read(reader: TronGrid, address: Address = WALLET, checkpoint: Checkpoint | None = None) -> list[Page]:
    """All pages from a checkpoint on."""
    pages = [reader.pull(address, checkpoint)]
    while not pages[-1].done:
        pages.append(reader.pull(address, pages[-1].checkpoint))
    return pages


def ids(pages: list[Page]) -> list[str]:
    """The ids of all transfers, sorted."""
    return sorted(each.id for page in pages for one in page.transactions for each in one.transfers)


def later(world: World, block: int) -> World:
    """What happened from a block on."""
    return replace(world, transactions=tuple(one for one in world.transactions if (one.block or 0) >= block))


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lingering", [False, True])
@pytest.mark.parametrize("page", [1, 3, 7, 200])
def test_every_transfer_once(page: int, lingering: bool) -> None:
    """However short the replies, a wallet has just what it moved: twins are two, a transfer to oneself is one."""
    world = story()
    with serving(trongrid(world, page=page, lingering=lingering)) as served:
        for address in (WALLET, VICTIM):
            pages = read(made(served), address)

            assert sorted(mine(world, address)) == ids(pages)
            assert {Coverage("complete")} == {each.coverage for each in pages}


def test_no_list_is_taken_for_more_than_it_says() -> None:
    """Approvals, NFTs, TRC-10, rejected calls, lent resources and what failed move nothing; what failed has its fee."""
    with serving(trongrid(story())) as served:
        (page,) = read(made(served))
    found = {one.tx_hash: one for one in page.transactions}
    failed = found[tx("failed", 8, WALLET, WALLET).tx_hash]

    assert {TRX, USDT, COIN, ZEROS} < {each.asset for one in page.transactions for each in one.transfers}
    assert len({each.id.split(":")[3] for each in failed.transfers}) == 1
    assert [(Kind.FEE, 4_000_000)] == [(each.kind, each.amount) for each in failed.transfers]
    assert not failed.ok


def test_lists_of_one_transaction_are_one() -> None:
    """A swap stands in three lists: TRX paid in one, TRX got back inside in another, tokens in the third."""
    with serving(trongrid(story())) as served:
        (page,) = read(made(served))
    (swap,) = (one for one in page.transactions if len({each.kind for each in one.transfers}) == 4)

    assert (WALLET, False) == (swap.initiator, swap.whole)
    assert [
        (Kind.FEE, TRX, 5),
        (Kind.INTERNAL, TRX, 400_000),
        (Kind.INTERNAL, TRX, 400_000),
        (Kind.NATIVE, TRX, 20_000_000),
        (Kind.TOKEN, COIN, 3_000_000),
    ] == [(each.kind, each.asset, each.amount) for each in swap.transfers]


def test_a_list_of_tokens_alone_tells_no_block() -> None:
    """Where only the list of tokens holds a transaction its block and initiator are unknown, not guessed."""
    with serving(trongrid(story())) as served:
        (page,) = read(made(served))
    paid = next(one for one in page.transactions if any(each.amount == 5_000_000_000 for each in one.transfers))

    assert (None, None, None) == (paid.block, paid.initiator, paid.to)


def test_assets_are_called_as_the_verified_list_says() -> None:
    """Of a token that no list vouches for, its own words stand; decimals that nobody said stay unknown."""
    with serving(trongrid(story())) as served:
        (page,) = read(made(served))
    named = {asset.id: asset for asset in page.assets}

    assert Asset(USDT, "USDT", 6, listed=True) == named[USDT]
    assert Asset(COIN, "COIN", 18) == named[COIN]
    assert Asset(ZEROS, "ZERO", 0) == named[ZEROS]


def test_a_whole_transaction_has_the_same_ids() -> None:
    """Every transaction read by its hash is the world's, to the last id, with its block, initiator and fee."""
    world = story()
    with serving(trongrid(world)) as served:
        reader = made(served)
        for one in world.in_order:
            page = reader.transaction(one.tx_hash)

            assert [plain(one)] == [plain(each) for each in page.transactions]
            assert {one.block: world.hash(one.block or 0)} == page.blocks
            assert tron.parse(page.raw) == Said(page.transactions, page.assets)


def plain(one: Transaction) -> Transaction:
    """Without the places of its transfers: the world counts all movements, its server the logs."""
    return replace(one, transfers=tuple(replace(each, index=None) for each in one.transfers))


def test_kept_pages_say_the_same() -> None:
    """What a page was read from gives the same transactions and assets again, without any call."""
    with serving(trongrid(story(), page=3)) as served:
        pages = read(made(served))

        pages.append(made(served).transaction("ab" * 32))

    for page in pages:
        assert Said(page.transactions, page.assets) == SOURCES["trongrid"].parse(page.raw)  # type: ignore[misc]


# --- where it goes on -------------------------------------------------------------------------------------------------


def test_only_what_is_final_and_deep_enough_is_read() -> None:
    """A block above the head is left for later: the pages end below it, and the transaction is not final yet."""
    world = story()
    last = world.in_order[-1]
    with serving(trongrid(world)) as served:
        reader = made(served, confirmations=10_001)
        (page,) = read(reader, VICTIM)
        later = reader.transaction(last.tx_hash)
        (rest,) = read(made(served), VICTIM, page.checkpoint)

    assert (last.block or 0) - 1 == page.head == page.checkpoint.block
    assert ((), False) == (later.transactions, later.done)
    assert [last.tx_hash] == [one.tx_hash for one in rest.transactions]


def test_an_unknown_transaction_is_empty_and_final() -> None:
    """Nobody knows it: that is an answer."""
    with serving(trongrid(story())) as served:
        page = made(served).transaction("ab" * 32)

    assert ((), True) == (page.transactions, page.done)


def test_a_lost_block_is_noticed_and_gone_back_from() -> None:
    """A checkpoint whose block has another hash now is refused; from a block that stands exactly the rest is read."""
    world = story()
    with serving(trongrid(world)) as served:
        (page,) = read(made(served))
        lost = Checkpoint(page.checkpoint.cursor, 1_030, "0" * 64)
        with pytest.raises(Reorg, match="block 1030 is no longer 0000"):
            made(served).pull(WALLET, lost)
        back = Checkpoint("1021", 1_020, world.hash(1_020))  # as the store sets it back
        rest = read(made(served), WALLET, back)

    assert sorted(mine(later(world, 1_021), WALLET)) == ids(rest)


def test_a_crowded_moment_is_marked_where_it_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block with more rows than are followed gives what was seen and says so, then and ever after."""
    monkeypatch.setattr(source, "MOST_REPLIES", 2)
    world = story(crowd=30)
    with serving(trongrid(world, page=5)) as served:
        pages = read(made(served))
    found, whole = ids(pages), mine(world, WALLET)

    assert Coverage("complete") == pages[0].coverage
    assert Coverage("partial", "more than 10 rows at 2024-03-01T00:01:00+00:00") == pages[-1].coverage
    assert set(found) < set(whole)
    assert {each for each in whole if each not in found} <= {
        each.id for one in world.transactions if one.block == 1_020 for each in one.transfers
    }


def test_nothing_older_than_the_start_block() -> None:
    """Where reading starts later, coverage says so."""
    world = story()
    with serving(trongrid(world)) as served:
        (page,) = read(made(served, start_block=1_031))

    assert Coverage("partial", "from block 1031") == page.coverage
    assert sorted(mine(later(world, 1_031), WALLET)) == ids([page])


# --- the provider's bad days ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_bad_weather_changes_nothing(seed: int) -> None:
    """Three of ten replies are late, cut, doubled, out of order, refused or nonsense: the wallet is the same."""
    world, bank = story(), Alone()
    weather = Weather(0.3, seed, PASSING)
    with serving(trongrid(world, page=7), weather) as served:
        reader, pages = made(served, Budget("trongrid", bank=bank, sleep=lambda _: None)), list[Page]()
        while not (pages and pages[-1].done):
            try:
                pages.append(reader.pull(WALLET, pages[-1].checkpoint if pages else None))
            except (SourceBusy, SourceBroken):
                bank.free.clear()  # the silence it may have asked for is over
        calls = len(served.asked)

    assert sorted(mine(world, WALLET)) == ids(pages)
    assert calls == sum(bank.used.values())
    assert len(set(weather.drawn)) > 8


def test_a_suspension_is_obeyed_by_all_who_share_the_key() -> None:
    """27 seconds are named in the text: so long nobody asks, then the same request is sent again."""
    now, slept = [datetime(2026, 11, 27, tzinfo=UTC)], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += timedelta(seconds=seconds)

    left = [PASSING["suspended"](Given(200, b""))]
    world = story()
    with serving(lambda asked: left.pop() if left else trongrid(world)(asked)) as served:
        reader = made(served, Budget("trongrid", now=lambda: now[0], sleep=sleep))
        (page,) = read(reader, NOBODY)

    assert [27.0] == slept
    assert page.done


def test_blocks_are_not_asked_for_twice_while_the_newest_is_the_same() -> None:
    """Many addresses that are up to date cost each the newest block and three lists: its hash stands for all below."""
    with serving(trongrid(story())) as served:
        reader = made(served)
        (page,) = read(reader, VICTIM)
        before = len(served.asked)
        read(reader, NOBODY, replace(page.checkpoint, cursor=str(source.Mark(START_MS))))

    assert ["getblock", "transactions", "trc20", "internal-transactions"] == [
        asked.path.rsplit("/", 1)[1] for asked in served.asked[before:]
    ]


def test_a_spent_day_is_not_waited_for() -> None:
    """Its text has no moment: it is asked again in an hour, by nobody before."""
    spent = Given(
        403, b'{"Error": "Exceed the user daily usage (100000), the maximum query frequency is 1 time per second"}'
    )
    with serving(lambda _: spent) as served:
        with pytest.raises(SourceBusy, match="daily usage") as caught:
            made(served).pull(WALLET, None)

        assert (3_600.0, 1) == (caught.value.retry_after_seconds, len(served.asked))


def test_a_test_chain_is_refused_and_no_empty_wallet() -> None:
    """On a test chain every address of the main chain looks unused: the first block tells them apart."""
    nile = "0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc"
    answers = trongrid(World(TRON, story().transactions[:1]), genesis=nile)
    with serving(answers) as served, pytest.raises(SourceRefused, match=r"tron:3448148188, not tron:728126428"):
        made(served).pull(NOBODY, None)


def test_a_key_goes_into_a_header_and_nowhere_else() -> None:
    """A wrong key is refused by name, the right one is let in, and no URL, page or message holds it."""
    with serving(trongrid(story(), key=KEY)) as served:
        with pytest.raises(SourceRefused, match="ApiKey not exists"):
            made(served, key="another-key").pull(WALLET, None)
        before = len(served.asked)
        (page,) = read(made(served, key=KEY))

    assert {KEY} == {asked.headers["tron-pro-api-key"] for asked in served.asked[before:]}
    assert not any(KEY in asked.path + str(asked.query) + asked.body.decode() for asked in served.asked)
    assert KEY.encode() not in page.raw


def test_only_tron() -> None:
    """Another chain cannot be set, and another chain's address is not asked for."""
    with pytest.raises(ConfigError, match="is not TRON"):
        TronGrid(SourceSettings(kind="trongrid", chain="ethereum", url="http://localhost"))
    with serving(trongrid(story())) as served:
        with pytest.raises(InputError, match="which trongrid@"):
            made(served).pull(parse_address("ethereum", "0x" + "11" * 20), None)

        assert [] == served.asked
