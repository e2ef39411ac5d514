"""`tracer screen` as an exchange runs it: ten thousand addresses in one call, all answered, in order, as they come."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import IO, Any

import pytest

from tests.makers import START, USDT, address, label, tx_hash
from tracer.actions.intake import import_transfers
from tracer.actions.screen import asked, screen, streamed
from tracer.actions.trace import trace
from tracer.chains import parse_address
from tracer.errors import BadRow, BadRows, InputError
from tracer.exports.person import short
from tracer.model import Address, Case, OriginSpec
from tracer.store.store import Store

ROOT = Path(__file__).parents[2]
HEAD = "chain,tx_hash,block,tx_index,index,time,kind,sender,recipient,asset,symbol,decimals,amount,outpoint,initiator\n"
ASKED, MULES, LEAVES = 10_000, 10, 17
MEMORY = 12 << 20  # bytes: what a hundred times as many addresses may cost; SQLite keeps up to 32 MB at hand


def place(n: int) -> Address:
    """The n-th invented address, with its checksum."""
    return parse_address("ethereum", address(n).text)


VICTIM, THIEF, FRIEND = map(place, (1, 2, 3))
Amounts = dict[str, int]


@dataclass(frozen=True)
class Harbour:
    """A store with a traced case in it: which addresses its money reached, with how much by method and how many hops.

    `hashes`: the transactions of the file. `labelled`: addresses that only somebody's claim is known of.
    """

    url: str
    exposed: dict[Address, tuple[Amounts, int]]
    labelled: list[Address]
    hashes: set[str]


class Book:
    """A transfers file being written."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def pay(self, sender: Address, recipient: Address, amount: int) -> str:
        """One payment, a minute after the one before; its hash."""
        n = len(self.rows) + 1
        at = START.replace(hour=n // 60, minute=n % 60).strftime("%Y-%m-%dT%H:%M:%SZ")
        cells = ("ethereum", tx_hash(n), n, 0, 0, at, "token", sender.text, recipient.text, USDT.contract, "USDT", 6)
        self.rows.append(",".join(map(str, (*cells, amount, "", sender.text))))
        return tx_hash(n)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Harbour:
    """The thief pays ten mules 100 each; a friend adds 100; each mule pays seventeen 4 each; one of these pays on.

    So of what a mule has half is dirty, and that came first: by `lifo` and `clean_first` it paid out nothing dirty.
    The payment to the thief is the first hop.
    """
    home, book = tmp_path_factory.mktemp("screen"), Book()
    exposed: dict[Address, tuple[Amounts, int]] = {}
    book.pay(VICTIM, THIEF, 1_000)
    mules = [place(100 + number) for number in range(MULES)]
    for mule in mules:
        book.pay(THIEF, mule, 100)
        exposed[mule] = (dict.fromkeys(("fifo", "lifo", "haircut", "dirty_first", "clean_first"), 100), 2)
    for mule in mules:
        book.pay(FRIEND, mule, 100)
    for number, mule in enumerate(mules):
        leaves = [place(1_000 + 100 * number + leaf) for leaf in range(LEAVES)]
        for leaf in leaves:
            book.pay(mule, leaf, 4)
            exposed[leaf] = ({"fifo": 4, "haircut": 2, "dirty_first": 4}, 3)
        for hop, (sender, recipient) in enumerate(zip(leaves[-1:] + deep(number), deep(number), strict=False), 4):
            book.pay(sender, recipient, 4)
            exposed[recipient] = ({"fifo": 4, "haircut": 2, "dirty_first": 4}, hop)
    (home / "transfers.csv").write_text(HEAD + "\n".join(book.rows) + "\n")
    labelled = [place(50_000 + number) for number in range(50)]
    exchanges = [place(1_000 + 100 * number) for number in range(MULES)]
    url = f"sqlite:///{home / 'tracer.db'}"
    with Store.open(url) as store:
        import_transfers(store, home / "transfers.csv", "ana")
        with store.act("ana", "labels", "some") as work:
            work.add_labels(map(label, labelled + exchanges))
            work.open_case(Case("c-1", "harbour", (OriginSpec(THIEF, USDT, tx_hash(1)),), START))
        trace(store, "harbour", "ana")
    return Harbour(url, exposed, labelled, {tx_hash(n + 1) for n in range(len(book.rows))})


def deep(number: int) -> list[Address]:
    """The two that a mule's last leaf pays on to."""
    return [place(1_000 + 100 * number + leaf) for leaf in (50, 51)]


def questions(case: Harbour, count: int = ASKED) -> list[str]:
    """The exposed and the labelled among strangers, in no order, in both ways of writing."""
    chance = random.Random(1)
    known = [*case.exposed, *case.labelled][: count // 2]
    strangers = [place(1_000_000 + number) for number in range(count - len(known))]
    found = [*known, *strangers]
    chance.shuffle(found)
    return [str(one) if number % 2 else f"ethereum:{one.text.lower()}" for number, one in enumerate(found)]


STATUS = Path("/proc/self/status")  # Linux; `resource` would tell the memory of the process that started it, too
PEAK = f"""
import sys
from pathlib import Path
from tracer.cli import main
try:
    main()
finally:
    if Path({str(STATUS)!r}).exists():
        sys.stderr.write(Path({str(STATUS)!r}).read_text())
"""


def start(case: Harbour, *words: str, stdin: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """`tracer screen` as a process of its own; at its end it says how much memory it had."""
    environment = os.environ | {"TRACER_DATABASE_URL": case.url, "TRACER_ACTOR": "desk", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PEAK, "screen", *words]
    return subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(case: Harbour, tmp_path: Path, lines: list[str], code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """The answers to a file of these lines, and what was said besides."""
    (tmp_path / "asked.txt").write_text("\n".join(lines) + "\n")
    with start(case, "--file", str(tmp_path / "asked.txt")) as process:
        out, err = process.communicate(timeout=120)
    assert code == process.returncode, err.decode()
    return [json.loads(line) for line in out.splitlines()], err.decode()


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process that waits for us as we wait for it is ended after a while, and the test fails."""
    watchdog = Timer(60, process.kill)
    watchdog.start()
    yield
    watchdog.cancel()


def peak(said: str) -> int:
    """Bytes of memory that a run had at its most."""
    (line,) = (line for line in said.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


# --- ten thousand -----------------------------------------------------------------------------------------------------


def test_ten_thousand_are_answered_in_order_and_right(case: Harbour, tmp_path: Path) -> None:
    """The 200 that money of the case reached, with what each method says; all others labelled or unknown, never low."""
    assert 200 == len(case.exposed)
    lines = questions(case)
    answers, _ = run(case, tmp_path, lines)

    assert lines == [one["address_submitted"] for one in answers]
    places = [Address(one["chain"], one["address"]) for one in answers]
    assert case.exposed.keys() == {at for at, one in zip(places, answers, strict=True) if one["known"] == "exposed"}
    assert set(case.labelled) == {at for at, one in zip(places, answers, strict=True) if one["known"] == "labelled"}
    assert {"exposed", "labelled", "unknown"} == {one["known"] for one in answers}
    assert MULES == sum(bool(one["labels"]) for one in answers if one["known"] == "exposed")  # at exchanges
    for at, one in zip(places, answers, strict=True):
        assert "tracer.screening/1" == one["schema"]
        if at in case.exposed:
            check(case, at, one)
        else:
            assert [] == one["exposures"]
            assert ["unread"] == one["coverage"]


def check(case: Harbour, at: Address, one: dict[str, Any]) -> None:
    """One exposure: the amounts that were paid by hand, and a path that leads from the thief to the address."""
    amounts, hops = case.exposed[at]
    (exposure,) = one["exposures"]
    assert amounts == {each["method"]: int(each["amount"]) for each in exposure["amounts"] if int(each["amount"])}
    assert ("harbour", hops) == (exposure["case"], exposure["hops"])
    path = exposure["path"]["hops"]
    assert {hop["tx_hash"] for hop in path} <= case.hashes
    assert at.text == path[-1]["recipient"]
    assert (VICTIM.text, THIEF.text, tx_hash(1)) == tuple(path[0][key] for key in ("sender", "recipient", "tx_hash"))
    assert [hop["recipient"] for hop in path[:-1]] == [hop["sender"] for hop in path[1:]]
    assert hops == len({hop["tx_hash"] for hop in path}) == len(path)


@pytest.mark.skipif(not STATUS.exists(), reason=f"no {STATUS}")
def test_memory_does_not_grow_with_what_is_asked(case: Harbour, tmp_path: Path) -> None:
    """A hundred times as many addresses cost a few megabytes more at most."""
    lines = questions(case)
    few, many = (peak(run(case, tmp_path, some)[1]) for some in (lines[:100], lines))

    assert many - few < MEMORY, (few, many)


def test_every_answer_is_kept_as_it_was_given(case: Harbour, tmp_path: Path) -> None:
    """With who asked and when; the audit trail says how many, and its chain of hashes holds."""
    lines = questions(case, 1_000)
    with Store.open(case.url) as store:
        before = store.status().counts["screenings"], len(store.audit())
        answers, _ = run(case, tmp_path, lines)
        rows = store.audit()[before[1] :]
        kept = store.screenings(next(iter(case.exposed)))[-1]

        assert before[0] + len(lines) == store.status().counts["screenings"]
        assert len(lines) == sum(int(row.subject.split()[0]) for row in rows)
        assert {("desk", "screen")} == {(row.actor, row.act) for row in rows}
        assert json.loads(kept.answer) in answers
        assert "desk" == kept.actor
        assert store.verify_audit() is None


# --- a feed -----------------------------------------------------------------------------------------------------------


def test_of_a_pipe_each_line_is_answered_before_the_next_is_there(case: Harbour) -> None:
    """A deposit is not kept waiting for the next one; the end of the pipe is the end of the command."""
    leaf = next(at for at, (_, hops) in case.exposed.items() if hops == 3)
    wanted = [(str(leaf), "exposed"), (str(case.labelled[0]), "labelled"), (str(place(77)), "unknown")]
    with start(case, "--file", "-", stdin=subprocess.PIPE) as process, ended(process):
        assert process.stdin
        assert process.stdout
        for text, known in wanted:
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            one = json.loads(process.stdout.readline())
            assert (text, known) == (one["address_submitted"], one["known"])
        process.stdin.write(str(THIEF).encode())  # the last line may lack its end
        process.stdin.close()
        assert "reported" == json.loads(process.stdout.readline())["known"]
        assert 0 == process.wait(timeout=30)


def test_what_is_known_is_read_again_while_a_feed_is_open(case: Harbour) -> None:
    """A case that is traced between two lines shows in the answer to the second."""
    new = place(900_000)
    with Store.open(case.url) as store:

        def feed() -> Iterator[list[tuple[str, Address]]]:
            yield [(str(new), new)]
            with store.act("ana", "case", "later") as work:
                work.open_case(Case("c-2", "later", (OriginSpec(new),), START))
            yield [(str(new), new)]

        assert ["unknown", "reported"] == [one["known"] for one in screen(store, feed(), "desk", fresh_seconds=0)]


# --- what is wrong ----------------------------------------------------------------------------------------------------

BAD = {
    2: "ethereum:0x12",
    3: "0x" + "1" * 40,
    5: "dogecoin:DAbc",
    7: "ethereum:0x" + "1" * 5_000,
    8: f"{THIEF}{' ' * 400}x",
    9: "ethereum:0x" + "é" * 40,
    11: str(THIEF).swapcase(),
}


def test_bad_lines_are_named_and_all_others_are_answered(case: Harbour, tmp_path: Path) -> None:
    """By number on standard error, exit code 2 at the end: one mistyped line must not hold up a desk's whole list."""
    lines = [BAD.get(number, str(place(number))) for number in range(1, 13)]
    lines[3], lines[5] = "# a comment", ""
    answers, said = run(case, tmp_path, lines, code=2)

    assert [str(place(number)) for number in (1, 10, 12)] == [one["address_submitted"] for one in answers]
    named = [line for line in said.splitlines() if line.startswith("line ")]
    assert [f"line {number}" for number in BAD] == [line.split(":")[0] for line in named]
    assert all(len(line) < 400 for line in named)  # the longest names every chain that is known
    assert "7 bad lines: all others were answered" in said
    assert "Traceback" not in said


def test_addresses_named_one_by_one_are_all_right_or_none_is_answered(case: Harbour) -> None:
    """Who types them mends the one and asks again."""
    with start(case, str(place(1)), "nonsense", "--json") as process:
        out, err = process.communicate(timeout=60)
    assert (2, b"") == (process.returncode, out)
    assert b"nonsense" in err
    with pytest.raises(BadRows) as refused:
        asked([str(place(1)), "nonsense"])
    assert [2] == [row.line for row in refused.value.rows]


def test_an_exchange_is_told_whose_money_arrived(case: Harbour) -> None:
    """A deposit of 4, all of it the reported payment's under fifo: in words, and with the path that carried it."""
    exchange = place(1_000)
    with start(case, str(exchange), "--json") as process:
        out, _ = process.communicate(timeout=60)
    (exposure,) = json.loads(out)["exposures"]
    assert [{"asset": USDT.contract, "amount": "4", "whole": "4", "transactions": 1}] == exposure["arrived"]
    assert ("fifo", "4") == (exposure["path"]["method"], exposure["path"]["carried"])
    with start(case, str(exchange)) as process:
        out, _ = process.communicate(timeout=60)
    whose = f"come from the payment reported in {short(tx_hash(1))}, under fifo"
    assert f"    0.000004 USDT of the 0.000004 USDT that arrived {whose}" in out.decode().splitlines()


def test_json_is_one_object_a_line(case: Harbour) -> None:
    """Also for addresses named one by one; without it a person reads the same in words."""
    exposed = next(iter(case.exposed))
    with start(case, str(exposed), str(place(77)), "--json") as process:
        out, _ = process.communicate(timeout=60)
    assert ["exposed", "unknown"] == [json.loads(line)["known"] for line in out.splitlines()]
    with start(case, str(exposed), str(place(77))) as process:
        words, _ = process.communicate(timeout=60)
    assert f"{exposed}: EXPOSED" in words.decode()
    assert f"{place(77)}: UNKNOWN" in words.decode()


@pytest.mark.parametrize("name", ["missing.txt", "."])
def test_a_file_that_cannot_be_read_is_named(case: Harbour, name: str) -> None:
    """With exit code 2 and nothing answered."""
    with start(case, "--file", name) as process:
        out, err = process.communicate(timeout=60)
    assert (2, b"") == (process.returncode, out)
    assert f"cannot read {name}".encode() in err


def test_lines_may_come_in_any_pieces(tmp_path: Path) -> None:
    """A mark at the start, ends of other systems, a list longer than what is read at once."""
    many = [str(place(number)) for number in range(1, 4_000)]
    path = tmp_path / "asked.txt"
    path.write_bytes("\ufeff".encode() + "\r\n".join(many).encode())
    refused: list[BadRow] = []

    pieces = list(streamed(path, refused.append))
    assert len(pieces) > 1
    assert many == [submitted for piece in pieces for submitted, _ in piece]
    assert [] == refused
    with pytest.raises(InputError, match="cannot read"):
        list(streamed(tmp_path, refused.append))
