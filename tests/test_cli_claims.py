"""`tracer who`, `feeds`, `labels`, `entities`, `reports` as a person runs them; names that somebody chose to hurt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.exports.hostile import HOSTILE
from tests.test_cli import Run, run  # noqa: F401 - the fixture
from tracer.chains import parse_address
from tracer.exports.graph import graphml
from tracer.exports.table import csv
from tracer.store.store import Store

PLACE = parse_address("ethereum", "0x00000000000000000000000000000000000000aa")
THIEF = parse_address("ethereum", "0x00000000000000000000000000000000000000bb")
NAMES = [*HOSTILE, "\u202e\u2066\u200f right to left \u061c", "y" * (1 << 20)]
HEAD = "chain,tx_hash,block,tx_index,index,time,kind,sender,recipient,asset,symbol,decimals,amount,outpoint,initiator\n"
PAID = f"ethereum,0x{'1' * 64},1,0,,2024-01-01T00:00:00Z,native,{THIEF.text},{PLACE.text},native,ETH,18,5,,\n"


def feed(folder: Path, *names: str) -> Path:
    """A list that gives an address these names, in turn a line apart."""
    path = folder / "labels.json"
    path.write_text(json.dumps({PLACE.text.lower(): {"name": names[0], "labels": ["exchange"]}}), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:24])
def test_a_hostile_name_is_kept_inert_and_shown_safe(run: Run, tmp_path: Path, name: str) -> None:  # noqa: F811
    """From a feed into the store, out to the terminal, JSON, CSV and GraphML: nothing obeys it, nothing is lost."""
    assert run("feeds", "import", "etherscan", feed(tmp_path, name)).code == 0
    (tmp_path / "t.csv").write_text(HEAD + PAID)
    for words in (("import", "transfers", "t.csv"), ("case", "open", "c", "--origin", f"ethereum:{THIEF.text}")):
        assert run(*words).code == 0
    assert run("trace", "c", "--offline").code == 0
    with Store.open("sqlite:///tracer.db") as store:
        (kept,) = store.labels([PLACE])
        newest = store.latest_trace(store.cases()[0].id)
    assert not set(map(chr, [*range(32), 127, *range(128, 160), 0x202E, 0x2066])) & set(kept.entity)
    assert len(kept.entity) in (len(name), len(name.strip()), len("exchange"))

    shown = [
        run(*words).out
        for words in (("who", f"ethereum:{PLACE.text}"), ("screen", f"ethereum:{PLACE.text}"), ("flags",))
    ]
    assert all(letter.isprintable() for out in shown for line in out.split("\n") for letter in line)
    assert max(len(line) for out in shown for line in out.split("\n")) < 5000
    assert run("who", f"ethereum:{PLACE.text}", "--json").json["winner"]["entity"] == kept.entity
    assert newest is not None
    document = json.loads(newest.result)
    assert len(csv(document).decode().split("\n")) == 3
    assert b"<script" not in graphml(document)


def test_who_feeds_and_withdrawals_answer_in_json(run: Run, tmp_path: Path) -> None:  # noqa: F811
    """Every command's answer has its schema, and the same words as in the model."""
    taken = run("feeds", "import", "etherscan", feed(tmp_path, "Binance 14"), "--json").json
    assert (taken["schema"], taken["items"][0]["counts"]["added"]) == ("tracer.feed/1", 1)
    assert run("feeds", "import", "etherscan", feed(tmp_path, "Binance 14")).out == "etherscan: nothing new\n"
    listed = {one["feed"]: one for one in run("feeds", "list", "--json").json["items"]}
    assert listed["etherscan"]["taken_in"][0]["sha256"] == taken["items"][0]["sha256"]
    assert "etherscan: version sha256:" in run("feeds", "list").out

    told = run("who", f"ethereum:{PLACE.text}", "--at", "2024-01-01", "--json").json
    assert (told["schema"], told["entities"][0]["id"]) == ("tracer.who/1", "binance")
    gone = run("labels", "withdraw", f"ethereum:{PLACE.text}", "--reason", "mistaken", "--json").json
    assert (gone["schema"], gone["withdrawn"], gone["affected"]) == ("tracer.withdrawn/1", 1, [])
    lines = run("who", f"ethereum:{PLACE.text}").out
    assert "counts     nobody known: of 1 claims ever made 0 stood then" in lines
    assert ": mistaken" in lines
    assert run("labels", "withdraw", f"ethereum:{PLACE.text}", "--reason", "again").code == 3


def test_entities_are_listed_shown_and_stated_on(run: Run) -> None:  # noqa: F811
    """A fact stated on the command line is cited by its id, and taken back by it."""
    rows = {one["id"]: one for one in run("entities", "list", "--at", "2025-05-01", "--json").json["items"]}
    (before,) = rows["grinex"]["predecessors"]
    assert (rows["grinex"]["sanctioned"]["answer"], before["name"]) == ("no", "Garantex")
    assert before["sanctioned"] == rows["garantex"]["sanctioned"]
    assert before["sanctioned"]["answer"] == "yes"
    fact = {"kind": "licence", "source_url": "https://invented.example", "quote": "licensed", "read_on": "2024-01-01"}
    added = run("entities", "add-fact", "Binance", json.dumps(fact), "--json").json
    assert added["entity"] == "binance"
    assert added["id"] in run("entities", "show", "binance").out
    assert run("entities", "add-fact", "Binance", "[]").code == 2
    assert run("entities", "add-fact", "nobody", json.dumps(fact)).code == 3
    assert run("entities", "withdraw-fact", added["id"], "--reason", "mistaken").code == 0
    history = run("entities", "show", "binance", "--json").json["facts"]
    assert [one["withdrawn_reason"] for one in history if one["id"] == added["id"]] == ["mistaken"]


def test_reports_in_quarantine_are_listed_and_released(run: Run, tmp_path: Path) -> None:  # noqa: F811
    """The import says so, the list says why, a release needs a reason."""
    usdt = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
    head = "report_id,chain,address,tx_hash,asset,amount,time,reporter,note\n"
    (tmp_path / "r.csv").write_text(f"{head}r1,ethereum,{usdt},,,,,Ana Muster,my savings\n")
    assert "1 line held" in run("import", "reports", "r.csv").out
    (held,) = run("reports", "list", "--json").json["items"]
    assert (held["report_id"], held["address"], held["reason"]) == ("r1", usdt, "contract: it is a token's contract")
    assert "Muster" not in json.dumps(held)
    assert run("reports", "release", "r1", "--reason", " ").code == 2
    assert "released" in run("reports", "release", "r1", "--reason", "seen").out
    assert run("reports", "list").out == "no report is in quarantine\n"
    assert "released" in run("reports", "list", "--all").out
    assert run("reports", "quarantine", "r9", "--reason", "x").code == 3


def test_a_sync_without_a_url_says_what_to_set(run: Run) -> None:  # noqa: F811
    """Nothing is downloaded that nobody asked for."""
    assert (run("feeds", "sync").code, run("feeds", "sync", "ofac").code) == (6, 6)
    assert "[tracer.feeds]" in run("feeds", "sync", "ofac").err
    assert run("feeds", "sync", "nonsense").code == 3
