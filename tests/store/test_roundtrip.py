"""Whatever goes in comes out: any amount, any time, any text, on both engines, and the same on both."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.makers import ETHEREUM, START, address, label, ticking, transaction, tx_hash
from tracer.errors import InputError
from tracer.model import (
    Address,
    Asset,
    AssetId,
    Case,
    Category,
    Checkpoint,
    Coverage,
    Entity,
    Fact,
    FlagState,
    Kind,
    Label,
    Limit,
    Log,
    OriginSpec,
    Report,
    Severity,
    Transaction,
    Transfer,
    transfer_id,
)
from tracer.store.rows import Disagreement, FlagBody, Screening
from tracer.store.store import Store
from tracer.store.types import clean

HOSTILE = "\x00\x07\n\x1b\x7f\x85\x9f\u202a\u202e\u2066\u2069\ud800\udfff"
TEXTS = ("kind", "source_url", "quote", "level", "note")
EVERY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

numbers = count(1)
prose = st.text(st.one_of(st.characters(), st.sampled_from(HOSTILE + "\u0430\u200b\U0001f980'\"\\%:;{}")), max_size=40)
names = prose.map(lambda text: re.sub(f"[{HOSTILE}]", "", text)).filter(lambda text: clean(text) == text)
amounts = st.one_of(st.integers(0, 2**256 - 1), st.sampled_from([0, 1, 2**53 + 1, 2**64, 2**256 - 1]))
moments = st.datetimes(timezones=st.just(UTC))
wholes = st.integers(0, 2**63 - 1)
places = names.map(lambda text: Address(ETHEREUM, text))
coins = names.map(lambda text: AssetId(ETHEREUM, text))


def maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """The value or None."""
    return st.none() | values


@st.composite
def moves(draw: st.DrawFn, name: str) -> Transfer:
    """Any transfer of the transaction of that hash."""
    kind, coin, amount, n = draw(st.sampled_from(Kind)), draw(coins), draw(amounts), draw(wholes)
    sender, recipient = draw(maybe(places)), draw(maybe(places))
    key = transfer_id(ETHEREUM, name, kind, coin, sender, recipient, amount, n)  # type: ignore[arg-type]
    return Transfer(key, kind, coin, amount, sender, recipient, draw(maybe(wholes)), draw(maybe(names)))  # type: ignore[arg-type]


@st.composite
def anything(draw: st.DrawFn) -> Transaction:
    """Any transaction, under a hash of its own."""
    name = tx_hash(next(numbers))
    moved = draw(st.lists(moves(name), max_size=4, unique_by=lambda one: one.id))
    head = st.builds(
        Transaction,
        st.just(ETHEREUM),
        st.just(name),
        moments,
        maybe(wholes),
        maybe(wholes),
        maybe(places),
        maybe(places),
        st.booleans(),
        st.booleans(),
    )
    return replace(draw(head), transfers=tuple(sorted(moved, key=lambda one: one.id)))


@EVERY
@given(anything())
def test_transactions_come_back_equal(store: Store, thing: Transaction) -> None:
    """Every field, every id, to the last unit and microsecond."""
    with store.act("h", "import", "x") as work:
        work.add_transactions([thing])
    assert store.transactions([(thing.chain, thing.tx_hash)]) == [thing]
    for moved in thing.transfers:
        assert all(thing in store.transactions_of([end]) for end in (moved.sender, moved.recipient) if end)


labels = st.builds(
    Label, places, prose, st.sampled_from(Category), st.decimals(0, 1), prose, maybe(moments), maybe(moments)
)
reports = st.builds(
    Report, st.just(""), places, maybe(names), maybe(coins), maybe(amounts), maybe(moments), prose, prose
)
origins = st.builds(OriginSpec, places, maybe(coins), maybe(names), maybe(amounts), maybe(moments))
limits = st.builds(Limit, st.decimals(0, 10**9), prose, st.sampled_from(["day", "month", "tx"]))
facts = st.builds(
    Fact, st.just(""), prose, prose, prose, st.just("2024"), limit=maybe(limits), note=maybe(prose), level=maybe(prose)
)


@EVERY
@given(labels)
def test_labels_come_back_equal_but_cleaned(store: Store, thing: Label) -> None:
    """Entity and source lose their control characters and nothing else."""
    with store.act("h", "import", "x") as work:
        work.add_labels([thing])
        assert work.add_labels([thing]) == 0
    cleaned = replace(thing, entity=clean(thing.entity), source=clean(thing.source))
    assert cleaned in [replace(one, recorded_at=None) for one in store.labels([thing.address])]


@EVERY
@given(reports)
def test_reports_come_back_equal_but_cleaned(store: Store, thing: Report) -> None:
    """Amount and time are exact; reporter and note lose their control characters."""
    report = replace(thing, report_id=f"r{next(numbers)}")
    with store.act("h", "import", "x") as work:
        work.add_reports([report])
        assert work.add_reports([report]) == 0
    cleaned = replace(report, reporter=clean(report.reporter), note=clean(report.note))
    assert store.reports([report.report_id]) == [cleaned]


@EVERY
@given(st.lists(origins, max_size=3))
def test_cases_come_back_equal(store: Store, dirty: list[OriginSpec]) -> None:
    """Origins keep their order, amounts and times."""
    case = Case(f"c{next(numbers)}", f"case {next(numbers)}", tuple(dirty), START)
    with store.act("h", "open", "x") as work:
        work.open_case(case)
    assert store.case(case.name) == case


@EVERY
@given(prose, st.lists(prose, max_size=3), facts)
def test_entities_and_facts_come_back_cleaned(store: Store, name: str, aliases: list[str], said: Fact) -> None:
    """Texts lose their control characters; a limit keeps its digits."""
    fact = replace(said, entity=f"e{next(numbers)}")
    entity = Entity(fact.entity, name, "exchange", tuple(aliases), facts=(fact,))
    with store.act("h", "import", "x") as work:
        assert work.add_entities([entity]) == 2
        assert work.add_entities([entity]) == 0
    (found,) = [one for one in store.entities() if one.id == fact.entity]
    assert (found.name, found.aliases) == (clean(name), tuple(map(clean, aliases)))
    (kept,) = found.facts
    assert kept.limit is None or fact.limit is None or str(kept.limit.amount) == str(fact.limit.amount)
    assert [getattr(kept, field) for field in TEXTS] == [_cleaned(getattr(fact, field)) for field in TEXTS]


def _cleaned(text: str | None) -> str | None:
    return None if text is None else clean(text)


@EVERY
@given(st.dictionaries(prose, prose | amounts | st.booleans() | st.none() | st.lists(prose, max_size=2), max_size=4))
def test_audit_details_hold_anything(store: Store, detail: dict[str, object]) -> None:
    """Whatever the detail holds, the line is written, its hash holds, and it is the cleaned detail."""
    with store.act("h", "say", "x") as work:
        work.add_labels([label(address(next(numbers)))])
        work.note(said=detail)
    assert store.verify_audit() is None
    assert not re.search(f"[{HOSTILE}]", str(store.audit()[-1].detail))


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_names_are_refused(store: Store, bad: str) -> None:
    """In what identifies something a control character is an error, never a silent change of identity."""
    with store.act("h", "import", "x") as work, pytest.raises(InputError, match="control characters"):
        work.add_labels([label(Address(ETHEREUM, f"0x{bad}"))])
    with pytest.raises(InputError, match="control characters"):
        store.transactions([(ETHEREUM, bad)])


def test_too_much_is_refused_alike(store: Store) -> None:
    """Numbers and names no chain has are an input error on both engines, and a time without a zone is too."""
    good = transaction((address(1), address(2), 1))
    naive = good.at.replace(tzinfo=None)
    wrong = [replace(good, block=2**63), replace(good, tx_index=-1), replace(good, at=naive)]
    wrong += [transaction((address(1), address(2), 2**256)), replace(good, initiator=Address(ETHEREUM, "x" * 1001))]
    for bad in wrong:
        with pytest.raises(InputError), store.act("h", "import", "x") as work:
            work.add_transactions([bad])
    with store.act("h", "import", "x") as work:  # the longest that is allowed must fit both engines' indexes
        long = Address("e" * 1000, "\U0001f980" * 250)
        work.add_labels([label(long)])
    assert store.labels([long])


def fill(store: Store) -> None:
    """Something in every table, in an unsorted order."""
    words = ["b", "a", "B", "\u00e4", "z", "_", "\u00df", "A", "-"]
    with store.act("h", "import", "x") as work:
        page = work.add_page("file", "f", 0, b"raw")
        work.add_assets([Asset(AssetId(ETHEREUM, word), word, n) for n, word in enumerate(words[1:])])
        work.add_transactions([transaction((address(n), address(1), n), tx=n, at=START) for n in (5, 2, 9)], page)
        work.add_transactions([transaction((address(n), address(1), n), tx=n, block=n) for n in (11, 12)], page)
        work.add_blocks(ETHEREUM, "node", {12: "0xbb", 9: "0xcc", 11: "0xaa"})
        work.add_logs(
            "node", (Log(address(n), tx_hash(n), n, n, START, ("0xa",), "0x", address(2), n) for n in (7, 3, 5))
        )
        for n in (5, 3):
            work.set_log_head(address(n), "node", Checkpoint(block=n), since=0, done=n > 3)
        work.add_screenings(Screening(word, address(1), f'["{word}"]') for word in words)
        work.add_labels([label(Address(ETHEREUM, word), entity=word) for word in words])
        work.add_entities([Entity(word, word, "exchange") for word in words])
        work.add_reports([Report(word, address(n)) for n, word in enumerate(words)])
        for word in words:
            work.open_case(Case(f"id {word}", word, (OriginSpec(address(3)),), START))
            work.set_coverage(address(1), word, Coverage("partial", word), Checkpoint(word))
        work.add_trace("id a", "d", engine="e", method="fifo", settings={}, stopped=[], result=b"{}")
        work.put_flags("id a", {(word, address(1)): FlagBody({"w": word}, Severity.LOW) for word in words})
    with store.act("h", "review", "x") as work:
        work.review(store.flags("id a")[0].id, FlagState.ESCALATED, "look")
        work.rewind("file", ETHEREUM, 11, "gone")
        for word in words:
            work.set_head(ETHEREUM, word, final=3, read=5)
            work.disagree(Disagreement(ETHEREUM, "block", word, "a", "0x1", "b", "0x2"))
    for word in words:
        store.lease(word, "me", 5)
        store.end_run(store.start_run(word, "me"), "done", None)
        store.failed(word, START, "no")
        store.take_turn(word, START, seconds_apart=1, per_day=5, calls=1)
        store.learn(word, 7)


READS: list[Callable[[Store], object]] = [
    Store.status,
    Store.audit,
    Store.assets,
    Store.labels,
    Store.entities,
    Store.reports,
    Store.cases,
    Store.flags,
    Store.coverage,
    Store.runs,
    Store.logs,
    Store.log_heads,
    lambda store: store.transactions_of([address(1)]),
    lambda store: store.withdrawn([(ETHEREUM, tx_hash(12))]),
    lambda store: store.blocks(ETHEREUM, "node"),
    lambda store: store.blocks_by_source(ETHEREUM, [9, 11, 12]),
    lambda store: store.block_sources(ETHEREUM),
    Store.heads,
    Store.spent,
    Store.failures,
    Store.disagreements,
    lambda store: store.checkpoints("b", ETHEREUM),
    lambda store: store.screenings(address(1)),
    lambda store: store.lease_of("\u00e4"),
    lambda store: store.traces("id a"),
    lambda store: [store.page(number) for number in store.page_ids()],
]


SORTED: list[tuple[Callable[[Store], list[Any]], Callable[[Any], Any]]] = [
    (Store.assets, lambda asset: asset.id),
    (Store.labels, lambda one: one.address),
    (Store.entities, lambda entity: entity.id),
    (Store.reports, lambda report: report.report_id),
    (Store.cases, lambda case: case.name),
    (Store.flags, lambda flag: flag.rule),
    (Store.coverage, lambda read: read.source),
]


@pytest.mark.postgres
def test_both_engines_answer_alike(sqlite_url: str, postgres_url: str) -> None:
    """The same content gives the same answers in the same order, whatever the database's collation."""
    with Store.open(sqlite_url, ticking()) as one, Store.open(postgres_url, ticking()) as other:
        fill(one)
        fill(other)
        for read in READS:
            assert read(one) == read(other)
        for answer, key in SORTED:
            keys = [key(item) for item in answer(one)]
            assert len(keys) == 9
            assert keys == sorted(keys)
