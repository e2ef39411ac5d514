"""A trace from end to end on both engines: the same result everywhere, nothing twice, nothing half."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from tests.makers import START, USDT, address, label, ticking, transaction, tx_hash
from tracer.actions.case import close_case, open_case
from tracer.actions.export import case_document
from tracer.actions.intake import import_entities, import_labels, import_transfers
from tracer.actions.pull import due
from tracer.actions.review import review
from tracer.actions.trace import Round, Traced, trace
from tracer.detect.coinjoin import coinjoins
from tracer.errors import Conflict, InputError, NotFound, UnknownMethod
from tracer.exports.document import canonical, digest
from tracer.exports.plain import unread
from tracer.model import (
    Address,
    Asset,
    AssetId,
    Case,
    Category,
    Checkpoint,
    Coverage,
    FlagState,
    Kind,
    Label,
    Limits,
    OriginSpec,
    Transaction,
    Transfer,
)
from tracer.store.store import Store
from tracer.taint.flow import Flow, Result
from tracer.taint.methods import METHODS
from tracer.taint.stops import Labels

VICTIM, THIEF, PEEL, MULE, EXCHANGE, FRIEND = map(address, range(1, 7))
HISTORY = (
    transaction((VICTIM, THIEF, 100), tx=1, block=1),
    transaction((THIEF, PEEL, 100), tx=2, block=2),
    transaction((FRIEND, PEEL, 40), tx=3, block=3),
    transaction((PEEL, MULE, 60), tx=4, block=4),
    transaction((MULE, EXCHANGE, 50), tx=5, block=5),
    transaction((PEEL, EXCHANGE, 30), tx=6, block=6),
)
SHOP = label(EXCHANGE, entity="Example Exchange")


def fill(store: Store, *labels: Label, specs: tuple[OriginSpec, ...] = (OriginSpec(THIEF, USDT, tx_hash(1)),)) -> None:
    """A small history, these labels, and a case of the payment to the thief."""
    with store.act("ana", "fill", "harbour") as work:
        work.add_assets([Asset(USDT, "USDT", 6, listed=True)])
        work.add_transactions(HISTORY)
        work.add_labels(labels)
        work.open_case(Case("c-1", "harbour", specs, START))


def run(store: Store, **given: Any) -> Traced:
    """Trace it."""
    return trace(store, "harbour", "ana", **given)


def counts(store: Store) -> dict[str, int]:
    """How many rows every table holds."""
    return dict(store.status().counts)


def told(store: Store) -> list[tuple[str, str, int, str]]:
    """Every flag: rule, state, version and why that version was written."""
    return [(flag.rule, str(flag.state), flag.now.version, flag.now.reason) for flag in store.flags("c-1")]


def amounts(made: Any, method: str = "fifo") -> dict[str, int]:
    """What each flag of a document states under a method."""
    return {
        flag["address"]: sum(int(one["amount"]) for one in flag["amounts"] if one["method"] == method)
        for flag in made["flags"]
    }


def line(made: Any, method: str = "fifo") -> dict[str, int]:
    """The ledger of a method over all origins, without what is 0."""
    sums: dict[str, int] = {}
    for row in (row for row in made["ledger"] if row["method"] == method):
        for account, amount in row.items():
            if account not in ("origin", "method") and int(amount):
                sums[account] = sums.get(account, 0) + int(amount)
    return sums


# --- the sample case --------------------------------------------------------------------------------------------------


def fill_sample(store: Store) -> None:
    """The sample case's files, and its case."""
    with as_file(files("sample_data")) as folder:
        import_entities(store, folder / "entities.yaml", "ana")
        import_labels(store, folder / "labels.csv", "ana")
        import_transfers(store, folder / "transfers.csv", "ana")
        open_case(store, "sample", "ana", report_file=folder / "reports.csv")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The sample case's document, traced in a SQLite store of its own, its files taken in in another order."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('reference') / 'r.db'}") as store:
        with as_file(files("sample_data")) as folder:
            open_case(store, "sample", "ben", report_file=folder / "reports.csv")
            import_transfers(store, folder / "transfers.csv", "ben")
            import_labels(store, folder / "labels.csv", "ben")
            import_entities(store, folder / "entities.yaml", "ben")
        return dict(trace(store, "sample", "ben").document)


def test_the_sample_case_has_one_digest(store: Store, reference: dict[str, Any]) -> None:
    """On either engine, whoever ran it when, whatever was imported first: the same bytes; the digest is in the file."""
    fill_sample(store)
    traced = trace(store, "sample", "ana")
    exported = case_document(store, "sample")

    assert traced.new
    assert canonical(traced.document) == canonical(reference)
    assert digest(exported) == exported["digest"] == reference["digest"]
    assert [flag["state"] for flag in exported["flags"]] == ["open"] * len(reference["flags"])


def test_other_limits_are_another_digest_of_the_same_sums(store: Store, reference: dict[str, Any]) -> None:
    """A limit that stops nothing changes the digest, since it is an input, and no amount."""
    fill_sample(store)
    made = trace(store, "sample", "ana", limits=Limits(hops=30)).document

    other = dict.fromkeys(("limits", "digest", "digests"), 0)
    assert made["digest"] != reference["digest"]
    assert {**made, **other} == {**reference, **other}


# --- again ------------------------------------------------------------------------------------------------------------


def test_a_second_run_writes_nothing(store: Store) -> None:
    """No trace, no flag version, no audit row: the same result is not news."""
    fill(store, SHOP)
    first = run(store)
    before = counts(store)
    second = run(store)

    assert (first.new, first.flags, second.new, second.flags) == (True, 1, False, 0)
    assert second.document == first.document
    assert counts(store) == before
    assert store.verify_audit() is None


def test_a_trace_is_one_act_with_its_digest(store: Store) -> None:
    """Who ran it, on what, and what came out is in the audit trail."""
    fill(store, SHOP)
    made = run(store).document
    (act,) = [row for row in store.audit() if row.act == "trace"]
    assert (act.actor, act.subject, act.detail["digest"]) == ("ana", "harbour", made["digest"])


def test_a_new_label_changes_flags_and_says_why(store: Store) -> None:
    """The mule turns out to be an exchange: what came to the other one shrinks, a flag opens, the digest is new."""
    fill(store, SHOP)
    first = run(store)
    with store.act("ana", "label", "MULE") as work:
        work.add_labels([label(MULE, entity="Mule Exchange")])
    second = run(store)

    assert (amounts(first.document), amounts(second.document)) == (
        {EXCHANGE.text: 80},
        {EXCHANGE.text: 30, MULE.text: 60},
    )
    assert second.new
    assert second.document["digest"] != first.document["digest"]
    mule, shop = told(store)
    assert mule == ("exchange_arrival", "open", 1, "found")
    assert shop[:3] == ("exchange_arrival", "open", 2)
    assert {"amounts", "arrivals"} <= set(shop[3].removeprefix("changed: ").split(", "))


def test_what_is_no_longer_found_is_withdrawn_and_may_come_back(store: Store) -> None:
    """A label upstream keeps the money from coming: the flag is withdrawn; without the label it is back."""
    fill(store, SHOP)
    run(store)
    with store.act("ana", "label", "PEEL") as work:
        work.add_labels([label(PEEL, entity="Big Mixer", category=Category.MIXER)])
    run(store)
    assert [one[:3] for one in told(store)] == [("exchange_arrival", "withdrawn", 2), ("mixer_entry", "open", 1)]
    assert "no longer finds it" in told(store)[0][3]

    with store.act("ana", "label", "PEEL") as work:
        work.withdraw_labels([label(PEEL, entity="Big Mixer", category=Category.MIXER)])
    run(store)
    assert [one[:3] for one in told(store)] == [("exchange_arrival", "open", 3), ("mixer_entry", "withdrawn", 2)]
    assert told(store)[0][3] == "found again"
    exported = case_document(store, "harbour")
    assert digest(exported) == exported["digest"]


def test_a_label_that_went_leaves_its_flag_withdrawn(store: Store) -> None:
    """The only label is withdrawn: no flag stands, its history does."""
    fill(store, SHOP)
    run(store)
    with store.act("ana", "label", "SHOP") as work:
        work.withdraw_labels([SHOP])
    made = run(store).document

    assert made["flags"] == []
    assert [one[:3] for one in told(store)] == [("exchange_arrival", "withdrawn", 2)]


def test_a_review_outlives_a_change(store: Store) -> None:
    """What a person made of a flag stays its state when the amounts change; the note is in no document."""
    fill(store, SHOP)
    run(store)
    (flag,) = store.flags("c-1")
    review(store, flag.id, "confirmed", "spoke with the desk", "ben")
    with store.act("ana", "label", "MULE") as work:
        work.add_labels([label(MULE, entity="Mule Exchange")])
    run(store)

    assert store.flag(flag.id).state is FlagState.CONFIRMED
    assert b"spoke with the desk" not in canonical(case_document(store, "harbour"))


# --- what was reported ------------------------------------------------------------------------------------------------


def test_two_reports_of_one_payment_are_one_origin(store: Store) -> None:
    """The victim and the bank report it: counted once, both are named, the larger amount stands."""
    twice = tuple(
        OriginSpec(THIEF, USDT, tx_hash(1), amount, report_ids=(name,)) for name, amount in (("r2", 90), ("r1", 70))
    )
    fill(store, SHOP, specs=twice)
    made = run(store).document

    (origin,) = made["origins"]
    assert origin["report_id"] == ["r1", "r2"]
    assert origin["originated"] == dict.fromkeys(METHODS, "90")
    assert line(made)["originated"] == 90


def test_a_payment_that_is_not_known_is_a_gap(store: Store) -> None:
    """Nothing is originated, nothing is flagged, and it is said."""
    fill(store, SHOP, specs=(OriginSpec(THIEF, USDT, tx_hash(99)),))
    made = run(store).document

    assert [gap["kind"] for gap in made["gaps"]] == ["payment_not_read"]
    assert (made["ledger"], made["flags"]) == ([], [])


def test_an_address_without_transfers_is_a_trace(store: Store) -> None:
    """Nothing was read of it, and the result says so."""
    fill(store, specs=(OriginSpec(address(77)),))
    made = run(store).document

    assert [(one["role"], one["coverage"]) for one in made["addresses"]] == [("origin", "partial(file)")]
    assert made["stopped"]["by"] == ["nothing left to read"]
    assert made["flags"] == []


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "by"),
    [
        (Limits(addresses=1), ["addresses"]),
        (Limits(hops=2), ["hops"]),
        (Limits(hops=3, addresses=1), ["addresses"]),
        (Limits(age=timedelta(0)), ["worth_or_age"]),
        (Limits(), ["nothing left to read"]),
    ],
)
def test_a_limit_that_was_reached_is_a_result(store: Store, limits: Limits, by: list[str]) -> None:
    """It is named; what is left unread is counted and worth something; the money that got there is not lost."""
    fill(store, SHOP)
    made = run(store, limits=limits).document
    stopped = made["stopped"]
    unread = [one for one in made["addresses"] if one["role"] == "frontier"]

    assert stopped["by"] == by
    assert stopped["unread"] == len(unread)
    assert (float(stopped["unread_most_worth"]) > 0) is bool(unread)
    for method in METHODS:
        sums = line(made, method)
        assert sums.pop("originated") == 100 == sum(sums.values())


def test_limits_take_no_taint_from_what_was_read(store: Store) -> None:
    """What moves on within the limit moves on as ever; the rest stands at the first wallet that was not read."""
    fill(store, SHOP)
    full = run(store).document
    near = run(store, limits=Limits(hops=3)).document
    taint = [
        {(one["address"], row["method"]): row["amount"] for one in made["addresses"] for row in one["taint"]}
        for made in (full, near)
    ]
    read = {one["address"] for one in near["addresses"] if one["read_order"]}

    assert read == {THIEF.text, PEEL.text}
    assert {key: amount for key, amount in taint[0].items() if key[0] in read} == {
        key: amount for key, amount in taint[1].items() if key[0] in read
    }
    assert amounts(near) == {EXCHANGE.text: 30}
    assert line(near) == {"originated": 100, "held": 70, "arrivals": 30}


def test_the_budget_is_spent_on_what_is_worth_most(store: Store) -> None:
    """Reading order starts with the recipient of the payment and follows the larger part."""
    fill(store, SHOP)
    made = run(store, limits=Limits(addresses=2)).document
    order = {one["read_order"]: one["address"] for one in made["addresses"] if one["read_order"]}
    assert order == {1: THIEF.text, 2: PEEL.text}


def test_what_is_left_unread_is_listed_by_worth(store: Store) -> None:
    """With where it is, how far away and what is known of it; read further, it is another list, and then none."""
    fill(store)
    first = run(store, limits=Limits(addresses=2)).document
    rest = run(store).document

    assert [(one["address"], one["hops"], one["coverage"]) for one in unread(first)] == [
        (MULE.text, 3, "unread"),
        (EXCHANGE.text, 3, "unread"),
    ]
    assert [round(float(one["worth"]), 5) for one in unread(first)] == [0.6, 0.3]
    assert unread(rest) == []


def test_a_pull_reads_the_frontier_by_worth_and_goes_on_where_it_was(store: Store) -> None:
    """What a limit leaves out is not read; what was asked for since the trace comes after what was not."""
    fill(store)
    case = store.case("harbour")
    assert due(store, case) == [THIEF]
    run(store, limits=Limits(addresses=2))
    assert due(store, case) == [MULE, EXCHANGE, THIEF, PEEL]

    with store.pages() as work:
        work.set_coverage(MULE, "node", Coverage("partial", "no traces"), Checkpoint())
    assert due(store, case) == [EXCHANGE, MULE, THIEF, PEEL]

    run(store, limits=Limits(hops=3))
    assert due(store, case) == [THIEF, PEEL]


def test_progress_is_told_round_by_round(store: Store) -> None:
    """Rounds count up, what was read never shrinks, and in the end nothing is wanted."""
    fill(store, SHOP)
    rounds: list[Round] = []
    run(store, progress=rounds.append)

    assert [one.number for one in rounds] == list(range(1, len(rounds) + 1))
    assert [one.read for one in rounds] == sorted(one.read for one in rounds)
    assert rounds[-1].wanted == 0
    assert rounds[-1].transactions == len(HISTORY)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_a_closed_case_is_not_traced(store: Store) -> None:
    """Its traces and flags stay as they were."""
    fill(store, SHOP)
    run(store)
    close_case(store, "harbour", "ana")
    before = counts(store)
    with pytest.raises(Conflict, match="closed"):
        run(store)
    with pytest.raises(Conflict, match="closed already"):
        close_case(store, "harbour", "ana")
    assert counts(store) == before


@pytest.mark.parametrize("method", ["poison", "FIFO", "", "newest"])
def test_an_unknown_method_is_refused(store: Store, method: str) -> None:
    """It names those there are (a reach is none); an empty one is the case's own."""
    fill(store, SHOP)
    if method == "":
        assert run(store, method=method).document["method"] == "fifo"
        return
    with pytest.raises(UnknownMethod, match="haircut"):
        run(store, method=method)
    assert counts(store)["traces"] == 0


def test_an_unknown_case_is_not_found(store: Store) -> None:
    """The remedy is named."""
    with pytest.raises(NotFound, match="tracer case list"):
        run(store)


def test_a_case_needs_an_origin_and_a_name_of_its_own(store: Store) -> None:
    """Nothing to trace, a taken name, an unknown report or method: each is refused, and nothing is opened."""
    fill(store)
    for error, given in (
        (InputError, {"name": "new"}),
        (Conflict, {"name": "harbour", "origins": [THIEF]}),
        (NotFound, {"name": "new", "report_ids": ["r-9"]}),
        (UnknownMethod, {"name": "new", "origins": [THIEF], "method": "best"}),
    ):
        with pytest.raises(error):
            open_case(store, given.pop("name"), "ana", **given)  # type: ignore[arg-type]
    assert [case.name for case in store.cases()] == ["harbour"]


def test_interrupted_before_its_end_a_trace_leaves_nothing(store: Store) -> None:
    """An error in the middle, here while it tells its progress: no trace, no flag, no line."""
    fill(store, SHOP)

    def stop(_round: Round) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(store, progress=stop)
    assert (counts(store)["traces"], counts(store)["flags"]) == (0, 0)
    assert "trace" not in {row.act for row in store.audit()}
    assert run(store).new


# --- killed -----------------------------------------------------------------------------------------------------------


def tracing(database_url: str) -> subprocess.Popen[str]:
    """A real `tracer trace` of the sample case, in rounds."""
    command = [sys.executable, "-m", "tracer", "--database", database_url, "trace", "sample", "--offline"]
    command += ["--addresses", "100", "--json"]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def progress(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines it says while it works."""
    assert process.stderr is not None
    yield from process.stderr


def test_killed_at_any_moment_it_goes_on_to_the_same_digest(database_url: str, tmp_path: Path) -> None:
    """kill -9 on its progress lines, again and again: nothing half is left; undisturbed it comes to the same result."""
    for url in (database_url, f"sqlite:///{tmp_path / 'undisturbed.db'}"):
        with Store.open(url, clock=ticking()) as store:
            fill_sample(store)
    undisturbed = tracing(f"sqlite:///{tmp_path / 'undisturbed.db'}")
    lines, expected = len(list(progress(undisturbed))), json.loads(undisturbed.communicate()[0])
    assert lines >= 3

    for moment in sorted({1, lines // 2, lines}):
        process = tracing(database_url)
        for number, _line in enumerate(progress(process), 1):
            if number == moment:
                process.kill()
        process.communicate()
        with Store.open(database_url) as store:
            kept = store.latest_trace(store.case("sample").id)
            assert (kept is None) == (not store.flags()), moment
            assert kept is None or kept.digest == expected["digest"]
            assert store.verify_audit() is None

    last = tracing(database_url)
    assert json.loads(last.communicate()[0])["digest"] == expected["digest"]
    assert last.returncode == 0
    with Store.open(database_url) as store:
        assert len(store.traces(store.case("sample").id)) == 1
        assert len(store.flags()) == expected["flags"]


def test_an_older_trace_stays_beside_the_newer(store: Store) -> None:
    """Traces are kept for ever: each with its own digest, the newest last."""
    fill(store, SHOP)
    first = run(store)
    with store.act("ana", "transfers", "late") as work:
        work.add_transactions([transaction((MULE, EXCHANGE, 10), tx=7, block=7)])
    second = run(store)
    kept = store.traces("c-1")

    assert [one.digest for one in kept] == [first.document["digest"], second.document["digest"]]
    assert [json.loads(one.result)["ledger"] for one in kept] == [first.document["ledger"], second.document["ledger"]]


# --- the file alone ---------------------------------------------------------------------------------------------------


def refolded(made: Any) -> Result:
    """The document's own transfers, labels and origins, folded again: nothing else is used."""

    def moment(text: str | None) -> datetime | None:
        return datetime.fromisoformat(text) if text else None

    def end(chain: str, text: str | None) -> Address | None:
        return Address(chain, text) if text else None

    moved: dict[tuple[str, str], list[Transfer]] = {}
    for one in made["transfers"]:
        ends = (end(one["chain"], one["sender"]), end(one["chain"], one["recipient"]))
        what = (Kind(one["kind"]), AssetId(one["chain"], one["asset"]), int(one["amount"]))
        moved.setdefault((one["chain"], one["tx_hash"]), []).append(
            Transfer(one["id"], *what, *ends, one["index"], one["outpoint"])
        )
    history = [
        Transaction(
            *(one["chain"], one["tx_hash"], datetime.fromisoformat(one["at"]), one["block"], one["tx_index"]),
            initiator=end(one["chain"], one["initiator"]),
            ok=one["ok"],
            whole=one["whole"],
            transfers=tuple(moved[(one["chain"], one["tx_hash"])]),
        )
        for one in made["transactions"]
    ]
    labels = [
        Label(
            Address(one["chain"], one["address"]),
            *(one["entity"], Category(one["category"]), Decimal(one["confidence"]), one["source"]),
            *(moment(one["valid_from"]), moment(one["valid_to"])),
        )
        for one in made["labels"]
    ]
    specs = [
        OriginSpec(
            Address(one["chain"], one["address"]),
            AssetId(one["chain"], one["asset"]),
            one["tx_hash"],
            since=moment(one["since"]),
            report_ids=tuple(one["report_id"]),
        )
        for one in made["origins"]
    ]
    flow = Flow(specs, Labels(labels))
    read = {Address(one["chain"], one["address"]) for one in made["addresses"] if one["read_order"]}
    flow.feed(history, read)
    mixes = coinjoins(flow.transactions.values()).keys()  # they tell it themselves
    return flow.fold({one["id"] for one in made["transfers"] if one["dropped"]}, mixes)


def test_the_file_alone_can_be_folded_again(reference: dict[str, Any]) -> None:
    """The other side has only the exported file: from its transfers, labels and origins come its ledger and amounts."""
    result = refolded(json.loads(canonical(reference)))
    for row in reference["ledger"]:
        sums = result.books[row["method"]].balances()[row["origin"]]
        assert {name: str(amount) for name, amount in sums.items()} == {
            name: amount for name, amount in row.items() if name not in ("origin", "method")
        }
    came = {
        (one["chain"], one["address"], row["asset"], row["origin"], row["method"]): int(row["amount"])
        for one in reference["addresses"]
        for row in one["taint"]
        if row["method"] in METHODS
    }
    assert came == {
        (*address_, asset.contract, origin, method): amount
        for method, book in result.books.items()
        for (address_, asset, origin), (amount, _) in book.came().items()
    }
