"""Bitcoin through Esplora: whole transactions, newest first, and no end believed that the counts do not bear out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
import stamina

from tests.makers import BITCOIN
from tests.servers.esplora import FAULTS, Explorer
from tests.servers.serve import Asked, Given, Weather, serving
from tests.servers.world import World
from tests.sources.bitcoin_story import FIRST, NOBODY, WALLET, payment, place, read, source, spent, transactions, wallet
from tracer.actions.pull import pull
from tracer.app import opened
from tracer.chains import parse_address
from tracer.errors import ConfigError, InputError, Reorg, SourceBroken, SourceBusy, SourceError, SourceRefused
from tracer.model import Checkpoint, Coverage, Kind
from tracer.settings import Settings
from tracer.sources import SourceSettings
from tracer.sources import esplora_answers as answers
from tracer.sources.budget import Alone, Budget
from tracer.sources.descent import Descent
from tracer.sources.esplora import LISTS, Esplora, parse
from tracer.sources.esplora_answers import SILENCE
from tracer.sources.providers import provider
from tracer.sources.reply import Broken, Busy, Rows
from tracer.sources.web import ATTEMPTS, NO_JSON, Answer
from tracer.store.store import Store


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def of(world: World) -> list[str]:
    """The hashes of all transactions of the wallet, oldest first."""
    return [one.tx_hash for one in world.of(WALLET)]


# --- what a transaction is --------------------------------------------------------------------------------------------


def test_a_transaction_is_whole() -> None:
    """Every input with what it spends, every output, those without an address too: the fee is what they leave."""
    bare = spent(7, [(place(8), 900), (None, 50)], [(WALLET, 700), (None, 150), (None, 0)], FIRST)
    with serving(Explorer(World(BITCOIN, (bare,)))) as served:
        made = source(served.url)
        (page,) = read(made, WALLET)
        whole = made.transaction(bare.tx_hash)

    assert (bare,) == page.transactions == whole.transactions
    assert bare.whole
    assert [(one.kind, one.sender, one.recipient) for one in bare.transfers] == [
        (Kind.INPUT, place(8), None),
        (Kind.INPUT, None, None),
        (Kind.OUTPUT, None, WALLET),
        (Kind.OUTPUT, None, None),
        (Kind.OUTPUT, None, None),
    ]
    assert [("BTC", 8, True)] == [(one.symbol, one.decimals, one.listed) for one in page.assets]


def test_a_coinbase_spends_nothing() -> None:
    """What a block's first transaction makes comes from nobody."""
    mined = spent(9, [], [(WALLET, 312_500_000), (None, 0)], FIRST)
    with serving(Explorer(World(BITCOIN, (mined,)))) as served:
        (page,) = read(source(served.url), WALLET)

    assert (mined,) == page.transactions


def test_an_unknown_transaction_is_none_and_a_young_one_not_yet() -> None:
    """Unknown: nothing, and no more to come. In a block that may still go: nothing, but ask again."""
    world = wallet(3, per_block=1)
    with serving(Explorer(world, tip=FIRST + 7)) as served:
        made = source(served.url)
        found = [made.transaction(one) for one in ("ab" * 32, *of(world))]

    assert [(0, True), (1, True), (1, True), (0, False)] == [(len(page.transactions), page.done) for page in found]


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [1, 3, 25, 50])
def test_lists_are_read_until_one_is_empty(page: int) -> None:
    """However many a server gives at once, the last full list and the first short one are both followed by another."""
    world = wallet(50)
    with serving(Explorer(world, page=page)) as served:
        pages = read(source(served.url), WALLET)
        last = [asked.path for asked in served.asked if "/txs/chain" in asked.path][-1]

    assert of(world) == [one.tx_hash for one in transactions(pages)]
    assert last.endswith(of(world)[0])
    assert Coverage("complete") == pages[-1].coverage


def test_the_checkpoint_moves_when_all_was_read() -> None:
    """Newest first: until the oldest was read the block stays what it was, and coverage says what is not there yet."""
    world = wallet(40)
    with serving(Explorer(world, page=1)) as served:
        *under_way, last = read(source(served.url), WALLET)

    assert len(under_way) == 40 // LISTS
    assert {None} == {page.checkpoint.block for page in under_way}
    assert {"partial"} == {page.coverage.state for page in under_way}
    assert f"newest first: not yet before block {under_way[0].transactions[0].block}" == under_way[0].coverage.reason
    assert (world.head - 6, world.hash(world.head - 6)) == (last.checkpoint.block, last.checkpoint.block_hash)
    assert under_way[0].transactions[0].order > under_way[1].transactions[-1].order


def test_only_what_is_new_is_read_again() -> None:
    """From a checkpoint lists are read down to its block, and no further."""
    before, after = wallet(30, per_block=1), wallet(33, per_block=1)
    with serving(Explorer(before, page=2, tip=FIRST + 35)) as served:
        made = source(served.url)
        checkpoint = read(made, WALLET)[-1].checkpoint
        served.answers, asked = Explorer(after, page=2, tip=FIRST + 38), len(served.asked)
        (page,) = read(made, WALLET, checkpoint)
        lists = [one for one in served.asked[asked:] if "/txs/chain" in one.path]

    assert of(after)[30:] == [one.tx_hash for one in page.transactions]
    assert 2 == len(lists)
    assert Coverage("complete") == page.coverage


def test_young_blocks_are_left_for_later() -> None:
    """Of a chain of ten blocks the last six are not final: what they hold is read when they are."""
    world = wallet(10, per_block=1)
    with serving(Explorer(world, tip=FIRST + 9)) as served:
        made = source(served.url)
        first = read(made, WALLET)
        served.answers = Explorer(world, tip=FIRST + 12)
        then = read(made, WALLET, first[-1].checkpoint)

    assert of(world)[:4] == [one.tx_hash for one in transactions(first)]
    assert of(world)[4:7] == [one.tx_hash for one in transactions(then)]


def test_where_reading_starts_is_said() -> None:
    """What is older than the start block is not read, and coverage says so."""
    world = wallet(9, per_block=1)
    with serving(Explorer(world, page=2)) as served:
        pages = read(source(served.url, start_block=FIRST + 5), WALLET)

    assert of(world)[5:] == [one.tx_hash for one in transactions(pages)]
    assert Coverage("partial", f"from block {FIRST + 5}") == pages[-1].coverage


# --- counts -----------------------------------------------------------------------------------------------------------


def test_a_list_that_leaves_one_out_is_partial() -> None:
    """The counts say so; no checkpoint moves, what was read is kept, and all is read again when the list is whole."""
    world = wallet(20)
    with serving(Explorer(world, lost=frozenset(of(world)[3:4]))) as served:
        made = source(served.url)
        pages = read(made, WALLET)
        served.answers = Explorer(world)
        again = read(made, WALLET, pages[-1].checkpoint)

    assert Coverage("partial", "20 transactions are counted, 19 are listed") == pages[-1].coverage
    assert (None, True) == (pages[-1].checkpoint.block, pages[-1].done)
    assert 19 == len(transactions(pages))
    assert of(world) == [one.tx_hash for one in transactions(again)]
    assert Coverage("complete") == again[-1].coverage


def test_a_later_list_that_leaves_one_out_is_partial_too() -> None:
    """What was counted before counts: a new transaction that no list shows is missed, then found."""
    before, after = wallet(5, per_block=1), wallet(8, per_block=1)
    with serving(Explorer(before, tip=FIRST + 10)) as served:
        made = source(served.url)
        checkpoint = read(made, WALLET)[-1].checkpoint
        served.answers = Explorer(after, lost=frozenset(of(after)[6:7]))
        pages = read(made, WALLET, checkpoint)
        served.answers = Explorer(after)
        again = read(made, WALLET, pages[-1].checkpoint)

    assert Coverage("partial", "8 transactions are counted, 7 are listed") == pages[-1].coverage
    assert checkpoint.block == pages[-1].checkpoint.block
    assert of(after) == [one.tx_hash for one in transactions(again)]
    assert Coverage("complete") == again[-1].coverage


def test_what_comes_while_it_is_read_is_no_difference() -> None:
    """A block that comes between the count and the list is above what is read, and makes nothing partial."""
    world = wallet(12, per_block=1)
    early, late = Explorer(world, tip=FIRST + 10), Explorer(world, tip=FIRST + 11)
    with serving(lambda asked: (late if "/txs" in asked.path else early)(asked)) as served:
        pages = read(source(served.url), WALLET)

    assert Coverage("complete") == pages[-1].coverage
    assert of(world)[:5] == [one.tx_hash for one in transactions(pages)]


# --- reorganisations --------------------------------------------------------------------------------------------------


def test_a_block_that_is_gone_is_noticed() -> None:
    """The checkpoint's block has another hash: nothing is read before somebody went back."""
    world = wallet(9)
    with serving(Explorer(world)) as served:
        made = source(served.url)
        checkpoint = read(made, WALLET)[-1].checkpoint
        served.answers = Explorer(replace(world, fork="other"))
        with pytest.raises(Reorg):
            made.pull(WALLET, checkpoint)


def test_after_a_rewind_all_is_counted_again() -> None:
    """A rewind leaves a block and a plain number: what lies below is read once more, for nobody counted it."""
    world = wallet(9)
    number = FIRST + 1
    with serving(Explorer(world)) as served:
        pages = read(source(served.url), WALLET, Checkpoint(str(number + 1), number, world.hash(number)))

    assert of(world) == [one.tx_hash for one in transactions(pages)]
    assert Coverage("complete") == pages[-1].coverage


def test_a_reading_whose_first_block_is_gone_begins_anew() -> None:
    """Half-way down the chain changes, and the transaction that was seen last with it: all of the new chain is read."""
    world = wallet(40, per_block=1)
    shorter = tuple(one for one in world.transactions if one.tx_hash != of(world)[-LISTS])
    after = World(BITCOIN, (*shorter, payment(99, FIRST + 39)), fork="other", fork_above=FIRST + 20)
    with serving(Explorer(world, page=1, tip=FIRST + 45)) as served:
        made = source(served.url)
        half = made.pull(WALLET, None)
        served.answers = Explorer(after, page=1, tip=FIRST + 46)
        pages = read(made, WALLET, half.checkpoint)

    assert of(world)[-LISTS] == json.loads(half.checkpoint.cursor or "")["last"]
    assert of(after) == [one.tx_hash for one in transactions(pages)]


def test_a_last_seen_transaction_that_is_unknown_is_no_end() -> None:
    """The server answers with an empty list, as at the end. The counts tell the difference."""
    world = wallet(40, per_block=1)
    with serving(Explorer(world, page=1)) as served:
        made = source(served.url)
        half = made.pull(WALLET, None)
        cursor = json.dumps(json.loads(half.checkpoint.cursor or "") | {"last": "ab" * 32})
        page = made.pull(WALLET, replace(half.checkpoint, cursor=cursor))

    assert Coverage("partial", f"40 transactions are counted, {LISTS} are listed") == page.coverage
    assert None is page.checkpoint.block


def test_a_chain_that_changes_while_it_is_read_gives_no_page() -> None:
    """The first block is looked at again after the lists."""
    world = wallet(9)
    with serving(Explorer(world)) as served:

        def answers(asked: Asked) -> Given:
            if "/txs" in asked.path:
                served.answers = Explorer(replace(world, fork="other"))
            return Explorer(world)(asked)

        served.answers = answers
        with pytest.raises(Reorg):
            source(served.url).pull(WALLET, None)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 402, 403])
def test_a_refusal_is_never_an_empty_wallet(status: int) -> None:
    """Whatever a plan or network does not serve is refused, by name, and no checkpoint moves."""
    explorer = Explorer(wallet(9))
    refusing = serving(lambda a: Given(status, b"no") if "/address" in a.path else explorer(a))
    with refusing as served, pytest.raises(SourceRefused, match=f"HTTP {status}: no"):
        source(served.url).pull(WALLET, None)


def test_another_chain_is_refused() -> None:
    """A server whose first block is another one says nothing of bitcoin, not even that an address is unused."""
    with serving(
        Explorer(wallet(9), genesis="000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943")
    ) as served:
        made = source(served.url)
        with pytest.raises(SourceRefused, match="another chain"):
            made.pull(NOBODY, None)
        with pytest.raises(SourceRefused, match="another chain"):
            made.transaction("ab" * 32)


@pytest.mark.parametrize("chain", ["eip155:1", "tron:728126428"])
def test_only_bitcoin(chain: str) -> None:
    """Another chain is refused when the source is set up, another chain's address when it is asked for."""
    with pytest.raises(ConfigError, match="not bitcoin"):
        Esplora(SourceSettings(kind="esplora", chain=chain, url=""))
    with pytest.raises(InputError):
        source("http://127.0.0.1:9").pull(NOBODY._replace(chain=chain), None)


def test_too_many_requests_are_obeyed() -> None:
    """The provider names no time to wait; everybody who shares the budget is silent for a while."""
    bank = Alone()
    with serving(lambda _: FAULTS["too_many"](Given(200, b""))) as served:
        settings = SourceSettings(kind="esplora", chain=BITCOIN, url=served.url)
        made = Esplora(settings, Budget("esplora", None, None, bank, sleep=lambda _: None))
        with pytest.raises(SourceBusy) as caught:
            made.pull(WALLET, None)

    assert SILENCE == caught.value.retry_after_seconds
    assert "esplora" in bank.free


@pytest.mark.parametrize("fault", ["unconfirmed", "without_amounts", "with_floats", "wrong_json", "html", "reversed"])
def test_what_is_not_as_documented_is_broken(fault: str) -> None:
    """No amount is guessed, no order is made up for, nothing young is taken."""
    explorer = Explorer(wallet(9))
    failing = serving(lambda a: FAULTS[fault](explorer(a)) if "/txs" in a.path else explorer(a))
    with failing as served, pytest.raises(SourceBroken):
        source(served.url).pull(WALLET, None)


def test_a_repeated_row_is_counted_once() -> None:
    """A list that shows rows twice shows no more than one that does not."""
    world = wallet(9)
    explorer = Explorer(world)
    with serving(lambda a: FAULTS["repeated"](explorer(a))) as served:
        pages = read(source(served.url), WALLET)

    assert of(world) == [one.tx_hash for page in pages for one in page.transactions]
    assert Coverage("complete") == pages[-1].coverage


def test_bad_weather_changes_nothing() -> None:
    """With every third answer bad, in every way there is, exactly the world is read, each transaction once."""
    world = wallet(100)
    weather = Weather(0.3, 5, {name: fault for name, fault in FAULTS.items() if name != "drip"})
    found, checkpoint, attempts = [], None, 0
    with serving(Explorer(world, page=1), weather) as served:
        made = source(served.url)
        while (checkpoint is None or checkpoint.block is None) and attempts < 500:
            attempts += 1
            try:
                page = made.pull(WALLET, checkpoint)
            except SourceError:
                continue
            found += page.transactions
            checkpoint = page.checkpoint

    assert of(world) == [one.tx_hash for one in sorted(found, key=lambda one: one.order)]
    assert Coverage("complete") == page.coverage
    assert set(weather.faults) == set(weather.drawn)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_kept_page_says_the_same_again() -> None:
    """What was read from a page can be read from what is kept of it, without any call."""
    with serving(Explorer(wallet(40), page=2)) as served:
        pages = read(source(served.url), WALLET)

    for page in pages:
        assert (page.transactions, page.assets, page.logs) == tuple(parse(page.raw))
    with pytest.raises(SourceBroken):
        parse(b'{"kind": "esplora"}')


def test_what_the_provider_publishes_is_kept_as_data() -> None:
    """No key, one chain, six blocks, a pace below the one that is known to work."""
    public = provider("esplora")

    assert [BITCOIN] == list(public.chains)
    assert ("free", 6) == (public.support(BITCOIN).plan, public.support(BITCOIN).confirmations)
    assert public.at(BITCOIN).startswith("https://")
    assert not public.needs_key
    assert public.pace is not None and public.pace < 4


# --- pulled into a store ----------------------------------------------------------------------------------------------


def stored(store: Store) -> dict[str, int | None]:
    """The transactions of the wallet that stand, each with its block."""
    return {one.tx_hash: one.block for one in store.transactions_of([WALLET])}


def test_an_interrupted_pull_goes_on_where_it_was(store: Store) -> None:
    """Stopped after its first page, pulled again by another process: all is there, once, and lists were read once."""
    world, stop = wallet(40), Event()
    with serving(Explorer(world, page=1)) as served:
        pull(store, [source(served.url)], [WALLET], "me", stop=stop, progress=lambda _step: stop.set())
        half = len(stored(store))
        pull(store, [source(served.url)], [WALLET], "me")
        lists = [asked.path for asked in served.asked if "/txs/chain" in asked.path]

    assert 0 < half < 40
    assert {one.tx_hash: one.block for one in world.transactions} == stored(store)
    assert len(set(lists)) == len(lists)
    assert [Coverage("complete")] == [one.coverage for one in store.coverage([WALLET])]


@pytest.mark.parametrize("when", ["half-way", "afterwards"])
def test_a_deep_reorg_leaves_exactly_the_new_chain(store: Store, when: str) -> None:
    """Blocks that had counted as final are replaced, half-way down or afterwards: what they held is withdrawn."""
    before, stop = wallet(40, per_block=1), Event()
    kept = tuple(one for one in before.transactions if one.tx_hash != of(before)[36])
    after = World(BITCOIN, (*kept, payment(99, FIRST + 37)), fork="other", fork_above=FIRST + 30)
    with serving(Explorer(before, page=1)) as served:
        finish = (lambda _step: stop.set()) if when == "half-way" else lambda _step: None
        pull(store, [source(served.url)], [WALLET], "me", stop=stop, progress=finish)
        served.answers = Explorer(after, page=1)
        for _ in range(2):
            done = pull(store, [source(served.url)], [WALLET], "me")

    assert [] == done.failed
    assert {one.tx_hash: one.block for one in after.transactions} == stored(store)
    assert [Coverage("complete")] == [one.coverage for one in store.coverage([WALLET])]


def test_it_is_set_in_tracer_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kind and chain are enough: url, pace and depth are what is known of the provider; an own url is taken."""
    monkeypatch.chdir(tmp_path)
    for url in ("", 'url = "http://127.0.0.1:9/api"\n'):
        text = f'[[tracer.sources]]\nname = "coins"\nkind = "esplora"\nchain = "bitcoin"\n{url}'
        Path("tracer.toml").write_text(text)
        with opened(Settings.load(actor="me", database_url=f"sqlite:///{tmp_path / 'x.db'}")) as made:
            assert [("coins", BITCOIN)] == [(one.name, one.chain) for one in made.sources]


# --- recorded replies -------------------------------------------------------------------------------------------------

DATA = os.environ.get("TRACER_EVALUATION_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded replies")


@needs_data
def test_recorded_replies_are_read() -> None:
    """Every reply recorded from mempool.space (2026-02-28) says what it should; none is silently empty."""
    folder = Path(DATA or "") / "api" / "mempool_space_am-i-exposed"
    read_: dict[str, int] = {}
    for path in sorted(folder.glob("*.json")):
        said = json.loads(path.read_bytes())
        if isinstance(said, list) and said:
            first = said[0]["status"]["block_height"]
            descent = Descent(-1, first, said[0]["status"]["block_hash"], first, len(said), 0)
            genesis = parse_address(BITCOIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")
            reply = answers.listed(Answer(200, {}, b"", said), genesis, descent)
        elif isinstance(said, dict) and "txid" in said:
            reply = answers.one(Answer(200, {}, b"", said), said["txid"], BITCOIN)
        elif isinstance(said, dict):
            reply = answers.counts(Answer(200, {}, b"", said))
        else:
            continue  # the outputs nobody spent, which are not asked for
        assert isinstance(reply, Rows), (path.name, reply)
        read_[path.stem] = len(reply.rows)

    assert 50 == read_.pop("satoshi-genesis-txs")
    assert {1} == set(read_.values())
    assert 11 == len(read_)


@needs_data
def test_another_explorers_replies_are_broken() -> None:
    """Blockbook speaks otherwise (amounts as text, `vin[].addresses`): its recorded reply is no list of Esplora's."""
    (path,) = (Path(DATA or "") / "api" / "blockbook_blockatlas").glob("*.json")
    said = json.loads(path.read_bytes())
    descent = Descent(-1, 10**6, "", 10**6, 13, 0)
    for body in (said, said["transactions"]):
        assert isinstance(answers.listed(Answer(200, {}, b"", body), WALLET, descent), Broken)
        assert isinstance(answers.counts(Answer(200, {}, b"", body)), Broken)


@needs_data
def test_quoted_errors_have_their_class() -> None:
    """What Esplora was quoted to say is busy, with a time to wait."""
    quoted = json.loads((Path(DATA or "") / "api" / "_quoted_errors" / "errors.json").read_text())
    rows = [row for rows in quoted.values() if isinstance(rows, list) for row in rows if row["source"] == "esplora"]

    assert rows
    for row in rows:
        answer = Answer(row["http"], {}, row["body"].encode(), NO_JSON)
        for reply in (answers.counts(answer), answers.hashed(answer), answers.height(answer)):
            assert Busy("too many requests", SILENCE) == reply
