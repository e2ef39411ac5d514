"""Etherscan and both of Blockscout's APIs: one wallet, one truth, whatever they leave out, refuse or get wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.anvil import Anvil
from tests.servers.blockscout import blockscout
from tests.servers.etherscan import etherscan, refused, said
from tests.servers.payments import ASSETS, FRIEND, ME, NOBODY, SHOP, Making, own, wallet
from tests.servers.serve import Answers, Asked, Given, Weather
from tests.servers.world import World
from tests.sources.evm_story import Story, evm
from tests.sources.evm_story import pages as node_pages
from tests.sources.explorers import FAULTS, KEY, SERVERS, At, explorer, pages, patient, transfers
from tracer.chains import parse_address
from tracer.errors import ConfigError, InputError, Reorg, SourceBroken, SourceRefused
from tracer.model import Asset, AssetId, Checkpoint, Kind, Transaction
from tracer.sources import Page, blockscout_rest
from tracer.sources import explorer as explorers
from tracer.sources.explorer import Explorer

KINDS = sorted(SERVERS)
LISTED = ["etherscan", "blockscout"]  # speak Etherscan's way
WALLET = wallet(60)


@pytest.fixture(params=KINDS)
def at(request: pytest.FixtureRequest) -> Iterator[At]:
    """Each explorer, serving the wallet."""
    with explorer(request.param, WALLET) as running:
        yield running


def bare(one: Transaction) -> Transaction:
    """A transaction without the log positions that only some sources know."""
    return replace(one, transfers=tuple(replace(each, index=None) for each in one.transfers))


# --- the same from all ------------------------------------------------------------------------------------------------


def test_exactly_what_moved(at: At) -> None:
    """Every transfer and fee of the wallet, the failed one's too, and nothing that only looks like one."""
    found = transfers(pages(at.source()))

    assert own(WALLET, ME).keys() == found.keys()
    assert {Kind.NATIVE, Kind.INTERNAL, Kind.TOKEN, Kind.FEE} == {each.kind for each in found.values()}


def test_a_whole_transaction(at: At) -> None:
    """One transaction is read with all that it moved, between whomever, exactly as it was."""
    source = at.source()
    for one in WALLET.in_order[:12]:
        page = source.transaction(one.tx_hash)

        assert [bare(one)] == [bare(each) for each in page.transactions]
        assert ({one.block: f"0x{WALLET.hash(one.block or 0)}"}, "complete") == (page.blocks, page.coverage.state)


def test_who_began_a_transaction_is_known_only_where_it_is_told(at: At) -> None:
    """A list of token transfers does not say who initiated them: unknown, not guessed; some tell the place."""
    found = {one.tx_hash: one for page in pages(at.source()) for one in page.transactions}
    paid, received = found[Making(1).hash], found[Making(7, 1).hash]

    assert (ME, SHOP, 0) == (paid.initiator, paid.to, paid.tx_index)
    assert (None, None) == (received.initiator, received.to)
    assert (None if at.kind == "blockscout_rest" else 1) == received.tx_index


def test_what_lists_say_of_tokens_describes_them(at: At) -> None:
    """Symbol and decimals are taken where they are told; who says nothing has none."""
    assert set(ASSETS) == {asset for page in pages(at.source()) for asset in page.assets}


def test_a_symbol_makes_nobody_listed() -> None:
    """A token that calls itself USDT is that contract and not listed."""
    one = Making(0)
    fake = AssetId(ME.chain, "0x" + "9" * 40)
    paid = one.made(FRIEND, SHOP, one.tokens(FRIEND, ME, 5, asset=fake))
    world = World(ME.chain, (paid,), (Asset(fake, "USDT", 6),))
    with explorer("etherscan", world) as running:
        (page,) = pages(running.source())

    assert (Asset(fake, "USDT", 6, listed=False),) == page.assets


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_ids_as_from_a_node(kind: str, anvil: Anvil) -> None:
    """A little of everything on a real chain has the same transfers through an explorer as through a node."""
    story = Story(anvil)
    node = evm(anvil)
    who = [parse_address(ME.chain, each) for each in story.who]
    hashes = {one.tx_hash for each in story.who for page in node_pages(node, each) for one in page.transactions}
    world = World(ME.chain, tuple(one for name in hashes for one in node.transaction(name).transactions))
    with explorer(kind, world) as running:
        source = running.source()
        for address in who:
            told = {
                each.id
                for page in node_pages(node, address.text)
                for one in page.transactions
                for each in one.transfers
            }
            assert told == transfers(pages(source, address)).keys()


@pytest.mark.parametrize(
    ("traces", "moved"), [((("0", "1"), ("0_1", "0")), []), ((("0", "0"), ("0_1", "0"), ("1", "1")), [9, 9])]
)
def test_a_failed_call_undoes_what_it_made(traces: tuple[tuple[str, str], ...], moved: list[int]) -> None:
    """Etherscan says which call made which: what a failed one made moved nothing, even if it did not fail itself."""

    def answer(asked: Asked) -> Given:
        right = etherscan(WALLET)(asked)
        if asked.query.get("action") != "txlistinternal":
            return right if asked.query["module"] == "proxy" else said("0", "No transactions found", [])
        place = {"blockNumber": "108", "timeStamp": "1704067248", "hash": Making(4).hash, "type": "call"}
        ends = {"from": FRIEND.text, "to": ME.text, "contractAddress": "", "value": "9"}
        return said("1", "OK", [place | ends | {"traceId": name, "isError": failed} for name, failed in traces])

    with explorer("etherscan", answer) as running:
        assert moved == [each.amount for each in transfers(pages(running.source())).values()]


def test_the_genesis_and_nfts_are_left_out() -> None:
    """Coins that nobody sent are no transaction, and an NFT is no amount of anything."""

    def answer(asked: Asked) -> Given:
        right = json.loads(etherscan(WALLET)(asked).body)
        action, rows = asked.query.get("action"), right["result"]
        if action == "txlist" and asked.query["startblock"] == "0":
            begun = {"hash": f"GENESIS_{ME.text[2:]}", "from": "GENESIS", "blockHash": "", "blockNumber": "0"}
            rows.insert(0, rows[0] | begun)
        if action == "tokentx" and rows:
            rows.insert(0, {name: rows[0][name] for name in rows[0] if name != "value"} | {"tokenID": "7"})
        return Given(200, json.dumps(right).encode())

    with explorer("etherscan", answer) as running:
        assert own(WALLET, ME).keys() == transfers(pages(running.source())).keys()


@pytest.mark.parametrize("version", [11, 12])
def test_both_ways_of_paging_are_followed(version: int) -> None:
    """Blockscout before version 12 echoes a count in its cursors and gives 50 items; since then it does neither."""
    with explorer("blockscout_rest", blockscout(wallet(400), version=version)) as running:
        found = pages(running.source())
        sizes = [one.query.get("items_count") for one in running.served.asked if "addresses" in one.path]

    assert own(wallet(400), ME).keys() == transfers(found).keys()
    assert ({"100", "50"} if version == 11 else {"100"}) == set(sizes)
    assert not any("limit" in one.query for one in running.served.asked)


# --- what is not all --------------------------------------------------------------------------------------------------


def crowded(rows: int) -> World:
    """A block with so many token transfers to the wallet, and one payment before and after it."""
    first, full, last = Making(0), Making(1), Making(2)
    many = [full.tokens(FRIEND, ME, 5, n=n) for n in range(rows)]
    made = [one.made(FRIEND, SHOP, *moved) for one, moved in ((first, [first.tokens(FRIEND, ME, 1)]), (full, many))]
    return World(ME.chain, (*made, last.made(FRIEND, ME, last.coins(FRIEND, ME, 3))), ASSETS)


@contextmanager
def narrow(kind: str, world: World) -> Iterator[Explorer]:
    """An explorer that gives five rows at once and fifteen in all."""
    served = etherscan(world, window=15) if kind == "etherscan" else blockscout(world)
    with explorer(kind, served) as running:
        source = running.source()
        source.provider = replace(source.provider, page_rows=5, window_rows=15)
        yield source


@pytest.mark.parametrize("rows", [4, 5, 6, 14])
@pytest.mark.parametrize("kind", LISTED)
def test_a_block_larger_than_a_reply_is_read_inside(kind: str, rows: int) -> None:
    """Its rows come page by page, and the blocks around it are not touched by that."""
    world = crowded(rows)
    with narrow(kind, world) as source:
        found = pages(source)

    assert own(world, ME).keys() == transfers(found).keys()
    assert {"complete"} == {page.coverage.state for page in found}


@pytest.mark.parametrize("kind", LISTED)
def test_a_block_larger_than_the_window_is_marked(kind: str) -> None:
    """What cannot be read is named, then and in all that follows; what comes after it is read."""
    world = crowded(40)
    with narrow(kind, world) as source:
        found = pages(source)
        again = source.pull(ME, found[-1].checkpoint)

    assert 15 + 2 == len(transfers(found))
    assert "block 102 holds more rows of tokentx than the 15 that can be read" in str(found[-1].coverage)
    assert found[-1].coverage == again.coverage
    assert found[-1].checkpoint == again.checkpoint


def test_what_is_not_processed_yet_moves_nothing_on() -> None:
    """Blockscout's status 2: what it has is kept, the checkpoint stays, and later the rest comes."""
    names = FAULTS["blockscout"]
    with explorer("blockscout", WALLET, Weather(1.0, faults={"unprocessed": names["unprocessed"]})) as running:
        source = running.source()
        page = source.pull(ME, None)
        running.served.weather.share = 0
        later = pages(source, checkpoint=page.checkpoint)

    assert Checkpoint() == page.checkpoint
    assert page.done
    assert "partial(Some internal transactions within this block range have not yet been processed)" == str(
        page.coverage
    )
    assert own(WALLET, ME).keys() > transfers([page]).keys()
    assert own(WALLET, ME).keys() == transfers(later).keys()


def test_a_transaction_that_is_not_processed_yet_is_not_whole() -> None:
    """All but its calls is known, and it is said so."""
    spoil = FAULTS["blockscout"]["unprocessed"]
    with explorer("blockscout", WALLET, Weather(1.0, faults={"unprocessed": spoil})) as running:
        page = running.source().transaction(Making(4).hash)

    assert [False] == [one.whole for one in page.transactions]
    assert "partial" == page.coverage.state


@pytest.mark.parametrize(("field", "waits"), [("is_pending_update", True), ("status", None)])
def test_items_that_wait_for_their_block_move_nothing_on(field: str, waits: bool | None) -> None:
    """The REST API marks single items as not processed: the same holds."""

    def answer(asked: Asked) -> Given:
        right = json.loads(SERVERS["blockscout_rest"](WALLET)(asked).body)
        if asked.path.endswith("/transactions"):
            right["items"][-1][field] = waits
        return Given(200, json.dumps(right).encode())

    with explorer("blockscout_rest", answer) as running:
        source = running.source()
        page = source.pull(ME, None)
        running.served.answers = SERVERS["blockscout_rest"](WALLET)
        later = pages(source, checkpoint=page.checkpoint)

    assert (Checkpoint(), True, "partial") == (page.checkpoint, page.done, page.coverage.state)
    assert page.transactions
    assert own(WALLET, ME).keys() == transfers(later).keys()


def test_a_cursor_keeps_no_key() -> None:
    """Blockscout before version 12 could put the key into the cursor, which is kept."""

    def answer(asked: Asked) -> Given:
        right = json.loads(SERVERS["blockscout_rest"](wallet(160))(asked).body)
        if right.get("next_page_params"):
            right["next_page_params"] |= {"apikey": KEY, "key": KEY}
        return Given(200, json.dumps(right).encode())

    with explorer("blockscout_rest", answer) as running:
        found = pages(running.source())

    assert len(found) > 1
    assert not any(KEY in (page.checkpoint.cursor or "") for page in found)
    assert not any(KEY in one.query.values() for one in running.served.asked)


def test_a_range_that_takes_too_long_is_halved() -> None:
    """The provider's own timeout is answered with fewer blocks, not with an error or a gap."""

    def answer(asked: Asked) -> Given:
        first, last = (int(asked.query.get(name, 0)) for name in ("startblock", "endblock"))
        if last - first > 40:
            return said("0", "Query Timeout occured. Please select a smaller result dataset", None)
        return etherscan(WALLET)(asked)

    with explorer("etherscan", answer) as running:
        source = running.source(confirmations=10_000 - 10)  # the head lies just above the wallet's payments
        found = pages(source)

    assert own(WALLET, ME).keys() == transfers(found).keys()
    assert len(found) > 5


def test_the_part_before_the_start_block_is_named(at: At) -> None:
    """Nothing older is read, and coverage says so."""
    found = pages(at.source(start_block=150))
    later = {one.block for one in WALLET.of(ME) if (one.block or 0) >= 150}

    assert {one.block for page in found for one in page.transactions} == later
    assert "partial(from block 150)" == str(found[-1].coverage)


@pytest.mark.parametrize(
    ("kind", "reason"), [("etherscan", "fees without what Ethereum takes"), ("blockscout_rest", "")]
)
def test_what_lists_of_a_chain_leave_out_is_named(kind: str, reason: str) -> None:
    """On chains above Ethereum a list shows only part of a fee; Blockscout's REST API shows all of it."""
    chain = "eip155:10"
    with explorer(kind, SERVERS[kind](World(chain, ()))) as running:
        source = running.source(chain=chain)
        page = source.pull(parse_address(chain, ME.text), None)

    assert reason in page.coverage.reason
    assert ("partial" if reason else "complete") == page.coverage.state


# --- refusals and nonsense --------------------------------------------------------------------------------------------


def test_a_paid_chain_is_no_empty_wallet() -> None:
    """Etherscan refuses it in a reply that looks like an empty one: it is refused here, too."""
    chain = "eip155:56"
    with explorer("etherscan", etherscan(World(chain, ()), paid_only=True)) as running:
        source = running.source(chain=chain)
        with pytest.raises(SourceRefused, match="upgrade your api plan"):
            source.pull(parse_address(chain, ME.text), None)


@pytest.mark.parametrize("name", ["txlist", "txlistinternal", "tokentx"])
def test_a_refused_list_is_no_empty_list(name: str) -> None:
    """The same where only one of the lists is refused."""

    def answer(asked: Asked) -> Given:
        paid = refused("Free API access is not supported for this chain. Please upgrade your api plan")
        return paid if asked.query["action"] == name else etherscan(WALLET)(asked)

    with explorer("etherscan", answer) as running, pytest.raises(SourceRefused):
        running.source().pull(NOBODY, None)


@pytest.mark.parametrize("kind", ["blockscout", "blockscout_rest"])
def test_a_chain_that_is_not_served_is_refused_before_asking(kind: str) -> None:
    """Blockscout has no BNB Chain; the message names those it has."""
    with (
        explorer(kind, WALLET) as running,
        pytest.raises(ConfigError, match="does not serve eip155:56; it serves eip155:1,"),
    ):
        running.source(chain="eip155:56")


def test_an_address_of_another_chain_is_refused(at: At) -> None:
    """No call is made for it."""
    with pytest.raises(InputError, match="not of eip155:1"):
        at.source().pull(parse_address("polygon", ME.text), None)
    assert [] == at.calls


def test_a_server_of_another_chain_is_refused() -> None:
    """Etherscan is told the chain with every call, and says if it has another."""
    other = etherscan(World("eip155:137", ()))
    with explorer("etherscan", other) as running, pytest.raises(SourceRefused, match="chainid"):
        running.source().pull(ME, None)


def test_a_wrong_key_is_refused_and_shown_nowhere(at: At, caplog: pytest.LogCaptureFixture) -> None:
    """Etherscan sends it back in words: neither they nor anything else here shows it."""
    caplog.set_level(logging.DEBUG)
    wrong = "wr0ng-k3y-that-nobody-sees"
    source = at.source(key=wrong)
    with pytest.raises(SourceRefused) as caught:
        source.pull(ME, None)

    for text in (str(caught.value), repr(source), caplog.text):
        assert wrong not in text


def test_the_key_is_in_no_page(at: At) -> None:
    """What is kept of replies does not hold it, even where the provider sends it back."""
    answers = at.served.answers

    def echoing(asked: Asked) -> Given:
        right = json.loads(answers(asked).body)
        return Given(200, json.dumps(right | {"url": f"https://explorer/?apikey={KEY}"}).encode())

    at.served.answers = echoing
    for page in pages(at.source()):
        assert KEY.encode() not in page.raw


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_no_known_fault_costs_or_makes_a_transfer(kind: str, seed: int) -> None:
    """Where a third of all replies is spoiled in every known way, what is found in the end is exactly what moved."""
    weather = Weather(0.3, seed=seed, faults=FAULTS[kind])
    with explorer(kind, wallet(160), weather) as running:
        source = running.source()
        source.provider = replace(source.provider, page_rows=10)
        found = patient(source)

    assert own(wallet(160), ME) == {name: replace(each, index=None) for name, each in transfers(found).items()}
    assert len(weather.drawn) > 5


def changed(name: str, change: Any) -> Answers:
    """Etherscan, of whose rows of one list something is changed."""

    def answer(asked: Asked) -> Given:
        right = json.loads(etherscan(WALLET)(asked).body)
        if asked.query.get("action") == name and right["result"]:
            right["result"] = change(right["result"])
        return Given(200, json.dumps(right).encode())

    return answer


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [row | {"blockNumber": "99999999"} for row in rows],
        lambda rows: [row | {"from": SHOP.text, "to": FRIEND.text} for row in rows],
        lambda rows: [row | {"value": "1e18"} for row in rows],
        lambda rows: [row | {"value": None} for row in rows],
        lambda rows: [{name: row[name] for name in row if name != "timeStamp"} for row in rows],
        lambda rows: [*rows[:-1], rows[-1] | {"blockHash": "0x" + "7" * 64, "hash": rows[0]["hash"]}],
        lambda rows: [row | {"hash": "0x12"} for row in rows],
        lambda rows: [7, *rows],
        lambda rows: (rows * 20)[999::-1],
    ],
    ids=["other blocks", "somebody else's", "float", "null", "no time", "two blocks", "short hash", "7", "no order"],
)
def test_rows_that_cannot_be_are_refused(change: Any) -> None:
    """A list that contradicts itself or what was asked is broken: no row of it is taken."""
    with explorer("etherscan", changed("tokentx", change)) as running, pytest.raises(SourceBroken):
        running.source().pull(ME, None)


def test_items_out_of_order_are_refused() -> None:
    """Newest first is what the descent rests on."""
    turned = Weather(1.0, faults={"reordered": FAULTS["blockscout_rest"]["reordered"]})
    with explorer("blockscout_rest", WALLET, turned) as running, pytest.raises(SourceBroken, match="not in order"):
        running.source().pull(ME, None)


def test_a_cursor_that_leads_nowhere_is_refused() -> None:
    """A list that goes on from where it already was would never end."""

    def answer(asked: Asked) -> Given:
        if "addresses" not in asked.path:
            return SERVERS["blockscout_rest"](WALLET)(asked)
        return Given(200, json.dumps({"items": [], "next_page_params": {"block_number": 100, "index": 0}}).encode())

    with explorer("blockscout_rest", answer) as running, pytest.raises(SourceBroken, match="does not go on"):
        running.source().pull(ME, None)


# --- what is final, and what changes ----------------------------------------------------------------------------------


def test_only_final_blocks_are_read(at: At) -> None:
    """Of the newest block only what lies deep enough is read, by a page and by a transaction."""
    last = WALLET.in_order[-1]
    source = at.source(confirmations=WALLET.head - (last.block or 0) + 1)
    found = pages(source)

    assert (last.block or 0) - 1 == found[-1].checkpoint.block
    assert last.tx_hash not in {one.tx_hash for page in found for one in page.transactions}
    assert ((), False) == (source.transaction(last.tx_hash).transactions, source.transaction(last.tx_hash).done)


def test_an_unknown_transaction_is_none(at: At) -> None:
    """It is not there, and there is nothing to wait for."""
    page = at.source().transaction("0x" + "ab" * 32)

    assert ((), True) == (page.transactions, page.done)


def test_a_block_that_does_not_exist_has_no_hash(at: At) -> None:
    """None, not an error."""
    assert at.source().block_hash(WALLET.head + 1) is None


def test_a_reorganisation_is_noticed(at: At) -> None:
    """A checkpoint whose block has another hash now is not gone on from."""
    end = pages(at.source())[-1].checkpoint
    at.served.answers = SERVERS[at.kind](wallet(60, fork="other"))

    with pytest.raises(Reorg, match=f"block {end.block} is no longer"):
        at.source().pull(ME, end)


def test_what_is_new_is_read_from_the_checkpoint_on(at: At) -> None:
    """The chain grew: the next pull gives what came since, once, and asks for no more than that."""
    end = pages(at.source())[-1].checkpoint
    grown = wallet(60)
    late = Making(9_000)
    grown = World(grown.chain, (*grown.transactions, late.made(FRIEND, ME, late.coins(FRIEND, ME, 1))), ASSETS)
    at.served.answers = SERVERS[at.kind](grown)
    at.served.asked.clear()
    (page,) = pages(at.source(), checkpoint=end)

    assert [late.hash] == [one.tx_hash for one in page.transactions]
    assert len(at.calls) <= 7


# --- the descent of the REST API --------------------------------------------------------------------------------------


def test_a_descent_is_gone_on_with() -> None:
    """Stopped after any page, another process goes on from there; until then the checkpoint's block does not move."""
    with explorer("blockscout_rest", wallet(160)) as running:
        found: list[Page] = [running.source().pull(ME, None)]
        while not found[-1].done:
            assert (None, None) == (found[-1].checkpoint.block, found[-1].checkpoint.block_hash)
            found.append(running.source().pull(ME, found[-1].checkpoint))

    every = [name for page in found for name in transfers([page])]
    assert sorted(own(wallet(160), ME)) == sorted(every)
    assert len(found) > 2


@pytest.mark.parametrize(("items", "replies"), [(1, 1), (1, 3), (2, 2), (3, 2)])
def test_a_descent_may_stop_anywhere(items: int, replies: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However replies cut blocks and transactions apart, each page moves on, and equal transfers are counted as one."""
    monkeypatch.setattr(blockscout_rest, "REPLIES", replies)
    world = wallet(24)
    with explorer("blockscout_rest", blockscout(world, items=items)) as running:
        found = [running.source().pull(ME, None)]
        while not found[-1].done:
            assert len(found) < 24
            found.append(running.source().pull(ME, found[-1].checkpoint))

    assert sorted(own(world, ME)) == sorted(name for page in found for name in transfers([page]))


def test_a_descent_of_one_process_asks_no_reply_twice() -> None:
    """What a list gave beyond the others is remembered."""
    with explorer("blockscout_rest", wallet(160)) as running:
        pages(running.source())
        asked = [(one.path, *sorted(one.query.items())) for one in running.served.asked if "addresses" in one.path]

    assert len(set(asked)) == len(asked)


def test_a_descent_that_began_on_a_lost_block_begins_again() -> None:
    """What it had read may be gone with that block: all is read again, from the new chain."""
    with explorer("blockscout_rest", wallet(160)) as running:
        first = running.source().pull(ME, None)
        running.served.answers = SERVERS["blockscout_rest"](wallet(160, fork="other"))
        found = pages(running.source(), checkpoint=first.checkpoint)

    assert own(wallet(160), ME).keys() == transfers(found).keys()


def test_a_cursor_of_another_kind_is_no_descent() -> None:
    """A rewind leaves a number in the cursor: the descent begins at the top."""
    with explorer("blockscout_rest", WALLET) as running:
        found = pages(running.source(), checkpoint=Checkpoint(cursor="0"))

    assert own(WALLET, ME).keys() == transfers(found).keys()


# --- what is remembered -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_lost_block_is_remembered(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that ran ahead is asked again where the chain changed: the calls it told of may never have been."""
    monkeypatch.setattr(explorers, "HEAD_SECONDS", 0)
    before, after = wallet(160), wallet(160, fork="other")
    kept = tuple(one for one in after.transactions if not any(each.kind is Kind.INTERNAL for each in one.transfers))
    after = replace(after, transactions=kept)
    with explorer(kind, before) as running:
        source = running.source()
        source.provider = replace(source.provider, page_rows=40)
        end = source.pull(ME, None).checkpoint
        running.served.answers = SERVERS[kind](after)
        found = pages(source, checkpoint=replace(end, block_hash=None))

    since = -1 if end.block is None else end.block
    later = {
        name
        for one in after.of(ME)
        if (one.block or 0) > since
        for name in own(replace(after, transactions=(one,)), ME)
    }
    assert later == transfers(found).keys()


def test_rows_that_come_twice_fill_no_reply() -> None:
    """A full reply with a row too many is still a full one, and no row of it counts twice."""
    doubled = Weather(1.0, faults={"doubled": FAULTS["etherscan"]["doubled"]})
    with explorer("etherscan", WALLET, doubled) as running:
        source = running.source()
        source.provider = replace(source.provider, page_rows=10)
        assert own(WALLET, ME).keys() == transfers(pages(source)).keys()


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_second_address_costs_three_calls(at: At) -> None:
    """The newest final block is asked for once for many addresses: free plans allow three calls a second."""
    source = at.source()
    source.pull(NOBODY, None)
    before = len(at.calls)
    source.pull(SHOP, None)

    assert 3 == len(at.calls) - before
