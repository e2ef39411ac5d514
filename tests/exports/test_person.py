"""What a person reads: exact amounts, every part of a proof, and nothing a terminal obeys."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exports.documents import (
    EXCHANGE,
    FRIEND,
    LABELS,
    PEEL,
    ROUTER,
    THIEF,
    VICTIM,
    empty,
    flow,
    sample,
    small,
    told,
)
from tests.exports.hostile import HOSTILE
from tests.makers import ETHEREUM, USDT, address, transaction, tx_hash
from tracer.exports.document import document
from tracer.exports.person import (
    assets_of,
    case_lines,
    flag_lines,
    money,
    origin_name,
    plain_text,
    short,
    unread_lines,
    when,
)
from tracer.model import OriginSpec
from tracer.taint.methods import METHODS

MOST = 2**256 - 1
MEME = (ETHEREUM, "0x00000000000000000000000000000000000beef0")


def priced(amount: int | str, decimals: int | None, symbol: str = "MEME") -> str:
    """An amount of an unlisted token with these decimals."""
    return money(amount, MEME, {MEME: {"symbol": symbol, "decimals": decimals}})


@pytest.mark.parametrize(
    ("amount", "decimals", "said"),
    [
        (0, 0, "0 MEME"),
        (0, 18, "0 MEME"),
        (1234567, 0, "1,234,567 MEME"),
        (1, 18, "0.000000000000000001 MEME"),
        (10**18, 18, "1 MEME"),
        (1_500_000, 6, "1.5 MEME"),
        (MOST, 0, f"{MOST:,} MEME"),
        (MOST, 18, f"{MOST // 10**18:,}.{MOST % 10**18:018d} MEME"),
        (MOST, None, f"{MOST:,} base units of MEME"),
        (5, None, "5 base units of MEME"),
        (1, 255, f"0.{'0' * 254}1 MEME"),
    ],
)
def test_money_is_exact(amount: int, decimals: int | None, said: str) -> None:
    """0, 18, 255 and no decimals, up to the largest number a token can move; the same from digits as text."""
    assert priced(amount, decimals) == said
    assert priced(str(amount), decimals) == said


@given(st.integers(0, MOST), st.integers(0, 255))
def test_money_can_be_read_back(amount: int, decimals: int) -> None:
    """No digit is lost for any amount and any decimals."""
    number = priced(amount, decimals).removesuffix(" MEME").replace(",", "")
    with localcontext(prec=400):
        assert Decimal(number).scaleb(decimals) == amount


def test_money_of_what_nobody_described() -> None:
    """A verified token goes by its list, whatever a file calls it; another by its contract."""
    assert money(1_500_000, USDT, {}) == "1.5 USDT"
    assert money(1_500_000, USDT, {USDT: {"symbol": "FREE", "decimals": 6}}) == "1.5 USDT"
    assert money(7, MEME, {}) == f"7 base units of {short(MEME[1])}"
    assert priced(7, 0, symbol="") == f"7 {short(MEME[1])}"


def test_names_are_short_and_moments_to_the_minute() -> None:
    """The start and end of a hash; short text stays."""
    assert short("0x" + "ab" * 32) == "0xababab…ababab"
    assert short("native") == "native"
    assert when("2026-03-05T18:12:59Z") == "2026-03-05 18:12"


def test_a_flag_is_told_with_its_proof() -> None:
    """Entity, address, why, every method's amount, and each hop with its hash and what it went through."""
    made = small()
    flag = next(flag for flag in made["flags"] if flag["rule"] == "low_kyc_arrival")
    lines = list(flag_lines(flag, assets_of(made)))
    text = "\n".join(lines)

    assert lines[0] == "HIGH    low_kyc_arrival   Example Exchange (exchange)"
    assert f"ethereum:{EXCHANGE.text}" in text
    assert flag["message"] in text
    for method in METHODS:
        amount = sum(int(one["amount"]) for one in flag["amounts"] if one["method"] == method)
        assert f"  tainted {money(amount, USDT, {}):>28}   {method:12} {METHODS[method].says}" in lines
    for hop in flag["paths"][0]["hops"]:
        assert f"tx {hop['tx_hash']}" in text
    assert f"{short(THIEF.text)} -> {short(PEEL.text)} via {short(ROUTER.text)}" in text


def test_a_flag_says_how_much_is_whose() -> None:
    """Of 120 that arrived 90 are the two reports', which name the same payment: one sum, listed under both."""
    made = small()
    flag = next(flag for flag in made["flags"] if flag["rule"] == "low_kyc_arrival")
    lines = list(flag_lines(flag, assets_of(made)))

    assert [
        "  whose   0.00009 USDT of the 0.00012 USDT that arrived come from report r1, under fifo",
        "  whose   0.00009 USDT of the 0.00012 USDT that arrived come from report r2, under fifo",
        "          r1 and r2 report the same money: it is counted once and listed under each",
    ] == lines[lines.index(next(line for line in lines if line.startswith("  whose"))) :][:3]


def test_two_reports_stay_apart_through_a_merge() -> None:
    """Two victims' payments meet at one wallet, are paid on in two parts and arrive: each report has its own share."""
    history = [
        transaction((VICTIM, PEEL, 300), tx=1, block=1),
        transaction((FRIEND, PEEL, 200), tx=2, block=2),
        transaction((PEEL, THIEF, 400), tx=3, block=3),
        transaction((THIEF, EXCHANGE, 350), tx=4, block=4),
        transaction((PEEL, EXCHANGE, 100), tx=5, block=5),
    ]
    specs = [OriginSpec(PEEL, USDT, tx_hash(n), report_ids=(f"R-{n}",)) for n in (1, 2)]
    made = document(told(flow(history, LABELS, specs)))
    (flag,) = made["flags"]
    lines = [line for line in flag_lines(flag, assets_of(made), paths=9) if line.startswith(("  whose", "  path"))]

    assert [
        "  whose   0.0003 USDT of the 0.00035 USDT that arrived come from report R-1, under fifo",
        "  whose   0.00015 USDT of the 0.00045 USDT that arrived in 2 transactions come from report R-2, under fifo",
    ] == lines[:2]
    assert ["0.0003", "0.0001", "0.00005"] == [line.split(": ")[1].split()[0] for line in lines[2:]]


def test_what_goes_by_smaller_paths_is_named() -> None:
    """Five mules pass on 1 to 5 to one wallet: three paths are told, and that 3 more came by smaller ones."""
    mules = [address(20 + n) for n in range(5)]
    history = [
        *(transaction((THIEF, mule, n), tx=n, block=n) for n, mule in enumerate(mules, 1)),
        *(transaction((mule, PEEL, n), tx=10 + n, block=10 + n) for n, mule in enumerate(mules, 1)),
        transaction((PEEL, EXCHANGE, 15), tx=20, block=20),
    ]
    fed = flow(history, LABELS, [OriginSpec(THIEF, USDT)])
    fed.feed([], mules)
    made = document(told(fed))
    (flag,) = [flag for flag in made["flags"] if flag["rule"].endswith("_arrival")]
    lines = list(flag_lines(flag, assets_of(made), paths=3))

    assert "  spread  0.000003 USDT more came with it, spread over smaller paths" in lines
    assert not any(line.startswith("  spread") for line in flag_lines(flag, assets_of(made), paths=2))


def test_as_many_paths_as_asked_for() -> None:
    """One by default, none or all on request; what is left out is counted."""
    made = sample()
    flag = max(made["flags"], key=lambda flag: len(flag["paths"]))
    count = len(flag["paths"])

    for asked, shown in ((0, 0), (1, 1), (count, count), (count + 5, count)):
        lines = list(flag_lines(flag, assets_of(made), paths=asked))
        assert sum(line.startswith("  path ") for line in lines) == shown
        assert any(f"{count - shown} more path" in line for line in lines) == (shown < count)


@pytest.mark.parametrize("made", [sample, small])
def test_every_ledger_line_adds_up_as_it_is_printed(made: Any) -> None:
    """The printed parts, read as numbers, are the printed whole, to the last decimal."""
    lines = [line for line in case_lines(made(), METHODS) if line.startswith("ledger")]
    assert len(lines) % len(METHODS) == 0
    assert lines
    for line in lines:
        whole, _, parts = line.split(maxsplit=2)[2].partition(" = ")
        amounts = [Decimal(part.split()[1].replace(",", "")) for part in parts.split(" + ")]
        assert Decimal(whole.split()[0].replace(",", "")) == sum(amounts)


def test_a_case_without_anything_is_told_in_a_few_lines() -> None:
    """No ledger, no gaps, nothing that cannot be read."""
    told = list(case_lines(empty(), METHODS))
    assert "addresses 1: 1 origin" in told
    assert not any(line.startswith(("ledger", "gaps")) for line in told)


def test_one_gap_is_one_thing_and_sums_name_their_asset() -> None:
    """A person reads no `1 things`, and is told that sums are in the asset reported, not in the one that arrived."""
    made = sample()
    for count, said in ((1, "1 thing not known"), (2, "2 things not known")):
        made["gaps"] = [{}] * count
        assert any(line.startswith(f"gaps      {said}") for line in case_lines(made, METHODS))
    *_, last = case_lines(made, METHODS)

    assert "          each in the asset in which it was reported, whatever it was exchanged for on its way" == last


def test_the_worthiest_unread_addresses_are_named() -> None:
    """Each with its share, its distance and what is known of it; of many the first, and how many more there are."""
    made = small()
    one = next(row for row in made["addresses"] if row["role"] == "frontier")
    left = [one | {"address": f"0x{n:040x}", "worth": f"0.{n}"} for n in range(1, 8)]
    made["addresses"] = [row for row in made["addresses"] if row["role"] != "frontier"] + left
    first, *names, rest = unread_lines(made)

    assert first == "unread    7 tainted addresses, the worthiest first"
    assert [line.split()[0] for line in names] == ["0.700000", "0.600000", "0.500000", "0.400000", "0.300000"]
    assert names[0].endswith(f"ethereum:0x{7:040x}, {one['hops']} hops away, unread")
    assert rest == "          and 2 more: `tracer case show small --json` has them all"


def test_origins_are_told_in_words() -> None:
    """A payment by its hash, an address by itself."""
    hash_ = "0x" + "ab" * 32
    assert origin_name(f"payment:{ETHEREUM}:{hash_}:token:0x1:0x2:0x3:5:0") == f"the payment reported in {short(hash_)}"
    assert origin_name(f"address:{THIEF}:{USDT.contract}") == f"the reported address {THIEF}"


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_reaches_the_terminal_as_a_command(name: str) -> None:
    """Escapes, line breaks, text that runs backwards: as many lines as before, all printable."""
    made = small()
    made["case"] = name
    made["assets"] = [asset | {"symbol": name, "decimals": None} for asset in made["assets"]]
    for flag in made["flags"]:
        flag |= {"entity": name, "message": name}
        for arrival in (*flag["amounts"], *(hop for path in flag["paths"] for hop in path["hops"])):
            arrival["asset"] = MEME[1]
    made["assets"] += [{"chain": MEME[0], "asset": MEME[1], "symbol": name, "decimals": None}]
    assets = assets_of(made)
    lines = [
        *case_lines(made, METHODS),
        *(line for flag in made["flags"] for line in flag_lines(flag, assets, paths=9)),
    ]
    shown = plain_text(lines)

    assert any(plain_text([name]) in line for line in shown.split("\n"))
    assert len(shown.split("\n")) == len(lines)
    assert all(letter.isprintable() for line in shown.split("\n") for letter in line)


def test_letters_of_all_scripts_are_shown() -> None:
    """Only what is not printable is replaced."""
    assert plain_text(["Ünïcödé 交易所 🦊", "a\x1b[31mb\u202ec"]) == "Ünïcödé 交易所 🦊\na\ufffd[31mb\ufffdc"
