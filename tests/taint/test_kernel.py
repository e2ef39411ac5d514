"""The compiled kernel is the plain definition, to the last unit, on everything it plays."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tracer
from tests.benchmarks import growth
from tests.taint.histories import cases, moved
from tests.taint.scenario import asset, place
from tracer.model import Category, Kind, Label, Limits, OriginSpec
from tracer.taint import kernel
from tracer.taint.exposure import exposures
from tracer.taint.flow import Flow, Result
from tracer.taint.kernel import CODES, machine
from tracer.taint.kernel.compiled import STAMP, stamp
from tracer.taint.kernel.wide import LIMIT, U, add, less, share, sub
from tracer.taint.landings import landings
from tracer.taint.methods import METHODS
from tracer.taint.provenance import Provenance
from tracer.taint.stops import Labels

wide = st.one_of(st.integers(0, 2**127 - 1), st.integers(0, 126).map(lambda bit: 2**bit), st.integers(0, 9))


def limbs(amount: int) -> tuple[Any, Any]:
    """High and low."""
    return U(amount >> 64), U(amount & (2**64 - 1))


def number(pair: tuple[Any, Any]) -> int:
    """Both limbs together."""
    return (int(pair[0]) << 64) | int(pair[1])


def everything(result: Result) -> dict[str, Any]:
    """All that a fold says, in comparable form."""
    books = {
        method: {
            "steps": book.steps,
            "parts": book.parts,
            "ends": book.ends,
            "losses": book.losses,
            "pots": {key: pot for key, pot in book.pots.items() if any(vars_of(pot))},
            "originated": {origin: amount for origin, amount in book.originated.items() if amount},
            "came": {key: sums for key, sums in book.came().items() if any(sums)},
            "reached": {key: amount for key, amount in book.reached().items() if amount},
        }
        for method, book in result.books.items()
    }
    return books | {
        "origins": result.origins.found,
        "reach": ({key: seen for key, seen in result.reach.pots.items() if seen}, dict(result.reach.came)),
        "hops": result.hops,
        "touched": result.touched,
        "hubs": result.hubs,
        "gaps": Counter(map(repr, result.gaps)),
        "unresolved": result.unresolved,
        "worth": result.worth,
    }


def vars_of(pot: Any) -> list[Any]:
    """What a pot holds and what went through it."""
    return [getattr(pot, name) for name in pot.__slots__]


def both(case: Any, limits: Limits | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the plain definition and the kernel say of a case."""
    history, claims, specs, read = case
    told = []
    for kernel_from in (None, 0):
        flow = Flow(specs, Labels(claims), limits or Limits())
        flow.feed(history, read)
        told.append(everything(flow.fold(kernel_from=kernel_from)))
    return told[0], told[1]


def test_every_method_has_its_code() -> None:
    """A method that is added needs its compiled twin."""
    assert set(METHODS) == set(CODES)


@settings(max_examples=500, deadline=None)
@given(wide, wide, wide)
def test_wide_arithmetic_is_exact(a: int, b: int, c: int) -> None:
    """Two limbs add, subtract, compare and divide as Python's integers do."""
    small, large = sorted((a, b))

    assert a + b == number(add(*limbs(a), *limbs(b)))
    assert large - small == number(sub(*limbs(large), *limbs(small)))
    assert (a < b) == less(*limbs(a), *limbs(b))
    if c and a * b // c < 2**128:
        assert a * b // c == number(share(*limbs(a), *limbs(b), *limbs(c)))


@settings(max_examples=600, deadline=None)
@given(cases())
def test_the_kernel_is_the_plain_definition(case: Any) -> None:
    """Exchanges, hand-ons, bundles, reports, fees, wraps, burns, gaps: the same steps, parts, ends, pots and sums."""
    plain, compiled = both(case)

    assert plain == compiled


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(2**90, 2**127 // 400))
def test_the_kernel_is_exact_with_amounts_near_its_limit(case: Any, unit: int) -> None:
    """Amounts of up to 127 bits."""
    history, claims, specs, read = case
    widened = [
        moved(n, [(t.sender, t.recipient, t.asset, unit + t.amount % 12, t.kind) for t in one.transfers])
        for n, one in enumerate(history)
    ]
    named = {(one.tx_hash, t.asset): t.recipient for one in widened for t in one.transfers}
    kept = [
        replace(s, amount=None) if s.tx_hash else s for s in specs if not s.tx_hash or (s.tx_hash, s.asset) in named
    ]
    plain, compiled = both((widened, claims, kept, read))

    assert plain == compiled


@pytest.mark.parametrize("amount", [LIMIT, LIMIT // 2 + 1, 2**200])
def test_what_is_too_wide_takes_the_plain_path(amount: int) -> None:
    """An asset whose amounts add up beyond the kernel's arithmetic is folded all the same."""
    a, b, c = place("a"), place("b"), place("c")
    history = [
        moved(0, [(a, b, asset("USDT"), amount, Kind.TOKEN)]),
        moved(2, [(b, c, asset("USDT"), amount, Kind.TOKEN)]),
    ]
    plain, compiled = both((history, [], [OriginSpec(a)], {a, b, c}))

    assert plain == compiled
    assert amount == compiled["fifo"]["came"][(c, asset("USDT"), f"address:{a}:{asset('USDT').contract}")][0]


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(0, 3), st.integers(0, 6))
def test_the_kernel_finds_the_same_hubs(case: Any, counterparties: int, hours: int) -> None:
    """Who dealt with too many others after taint came spends no more, under every method, from the same moment on."""
    limits = Limits(hub_counterparties=counterparties, hub_window=timedelta(hours=hours))
    plain, compiled = both(case, limits)

    assert plain == compiled


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from([*METHODS]))
def test_the_kernel_finds_the_same_paths(case: Any, method: str) -> None:
    """Every landing with its arrivals and paths, whichever method is the headline, and what every entity was paid."""
    history, claims, specs, read = case
    told = []
    for kernel_from in (None, 0):
        flow = Flow(specs, Labels(claims))
        flow.feed(history, read)
        result = flow.fold(kernel_from=kernel_from)
        told.append((landings(result, method), exposures(result)))

    assert told[0] == told[1]


@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from([*METHODS]))
def test_the_kernel_tells_all_ways_of_every_step(case: Any, method: str) -> None:
    """Not only those that a landing shows: as many as there are, in the same order."""
    history, claims, specs, read = case
    told = []
    for kernel_from in (None, 0):
        flow = Flow(specs, Labels(claims))
        flow.feed(history, read)
        book = flow.fold(kernel_from=kernel_from).books[method]
        told.append(Provenance(book).many([([number], 50) for number in range(len(book.steps))]))

    assert told[0] == told[1]


def test_labels_count_at_their_time() -> None:
    """A label that holds for a time only: transactions of one shape before, within and after it differ."""
    names = [place(f"q{n}") for n in range(4)]
    history = [moved(n, [(names[n % 3], names[n % 3 + 1], asset("USDT"), 7 + n, Kind.TOKEN)]) for n in range(30)]
    told = Label(names[2], "Shop", Category.EXCHANGE, Decimal("0.9"), "test", history[9].at, history[20].at)
    plain, compiled = both((history, [told], [OriginSpec(names[0], since=history[3].at)], set(names)))

    assert plain == compiled
    assert plain["fifo"]["ends"]


def test_where_nothing_is_known_nothing_is_found() -> None:
    """A report and no transaction; the same of an address that took no part in the only one."""
    giver, taker, thief = place("giver"), place("taker"), place("thief")
    one = [moved(1, [(giver, taker, asset("USDT"), 5, Kind.TOKEN)])]
    for history in ([], one):
        plain, compiled = both((history, [], [OriginSpec(thief)], {giver, thief}))

        assert plain == compiled
        assert not plain["fifo"]["steps"]


def test_many_reports_of_which_one_was_paid_on() -> None:
    """More origins than steps: the one step knows that its money started there, and whose it is."""
    names, giver, taker = [place(f"v{n}") for n in range(40)], place("giver"), place("taker")
    history = [moved(n, [(giver, one, asset("USDT"), 10, Kind.TOKEN)]) for n, one in enumerate(names)]
    history.append(moved(40, [(names[-1], taker, asset("USDT"), 5, Kind.TOKEN)]))
    plain, compiled = both((history, [], [OriginSpec(one) for one in names], {*names, taker}))

    assert plain == compiled
    assert 1 == len(plain["fifo"]["steps"])


def test_a_long_history_grows_its_tables() -> None:
    """Thousands of lots, several origins, labelled ends and swaps: more than the tables had room for at first."""
    chance = random.Random(7)
    names = [place(f"q{n}") for n in range(40)]
    history = []
    for n in range(1500):
        sender, recipient = chance.sample(names, 2)
        moves = [(sender, recipient, asset("USDT"), chance.randrange(1, 10**9), Kind.TOKEN)]
        if n % 9 == 0:
            moves.append((recipient, sender, asset("ETH"), chance.randrange(1, 10**20), Kind.NATIVE))
        history.append(moved(n, moves))
    claims = [_label(names[n], category) for n, category in ((38, Category.EXCHANGE), (39, Category.DEX))]
    limits = Limits(hub_counterparties=10**6)
    plain, compiled = both((history, claims, [OriginSpec(one) for one in names[:7]], set(names)), limits)

    assert plain == compiled
    assert len(plain["haircut"]["steps"]) > 4000


def test_a_fold_holds_at_most_300_bytes_a_transfer() -> None:
    """Under haircut four steps a transfer, one of each origin: they share what they have in common. Tape included."""
    tape = growth.Tape.of(20_000)

    assert [] == [method for method in CODES if tape.fold(method)[1] > growth.MOST]


def test_what_was_compiled_of_another_source_is_not_used(tmp_path: Path) -> None:
    """Division stands in one file, the fold that calls it in another: a change of the one ends what was kept."""
    folder = Path(kernel.__file__).parent
    shutil.copytree(folder, tmp_path / "kernel", ignore=shutil.ignore_patterns("__pycache__"))
    divides = tmp_path / "kernel" / "wide.py"
    kept = stamp(tmp_path / "kernel")
    divides.write_text(divides.read_text().replace("floor", "ceil"))

    assert STAMP == kept == machine._run._cache._cache_file._source_stamp
    assert kept != stamp(tmp_path / "kernel")


def _label(where: Any, category: Category) -> Label:
    return Label(where, str(category), category, Decimal("0.9"), "test")


def test_the_kernel_works_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Imported from an archive, with no home: no cache can be made (root may write anywhere else), it compiles anew."""
    package = Path(tracer.__file__).parent
    with ZipFile(tmp_path / "tracer.zip", "w") as archive:
        for path in sorted(package.rglob("*.py")):
            archive.write(path, path.relative_to(package.parent))
    code = "from tracer.taint.kernel.wide import U, share; print(int(share(U(0), U(6), U(0), U(7), U(0), U(2))[1]))"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "tracer.zip"), "HOME": "/proc/nowhere"},
        check=True,
    )

    assert "21" == done.stdout.strip()
