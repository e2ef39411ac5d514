"""What is said of the sources: what they can do, what they were asked, and whether a pull would work now."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.anvil import Anvil, proxied
from tests.jobs.story import Office, play
from tracer.actions.sources import known_address
from tracer.chains.chains import CHAINS
from tracer.store.rows import Disagreement
from tracer.store.store import Store

NODE = '[[tracer.sources]]\nname = "{name}"\nkind = "evm"\nchain = "ethereum"\nurl = "{url}"\n'


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An empty office."""
    return Office(tmp_path, f"sqlite:///{tmp_path / 'tracer.db'}", "")


def rows(office: Office, *words: str, code: int = 0) -> dict[str, Any]:
    """What `tracer sources --json` says, by name."""
    out = office.run("tracer", "sources", "--json", *words, code=code)
    answer = json.loads(out[out.index("{") : out.rindex("}") + 1])
    assert "tracer.sources/1" == answer["schema"]
    return {row["name"]: row for row in answer["items"]} | {"differ": answer["disagreements"]}


def test_each_source_is_told(office: Office, anvil: Anvil) -> None:
    """In words and as JSON: what it was asked today of what it may be, its last error, how far it is final."""
    play(anvil)
    with proxied(anvil) as proxy:
        limits = "calls_per_day = 500\ncalls_per_second = 1000\n"
        text = NODE.format(name="broken", url=proxy.url) + limits + NODE.format(name="good", url=anvil.url)
        (office.folder / "tracer.toml").write_text(text)
        proxy.reply = (503, {}, b"")
        address = f"ethereum:{anvil.accounts[5]}"
        said = office.run("tracer", "pull", address)
        assert "next source: eip155:1:" in said
        assert "1 of 1 addresses, 1 pages, " in said
        assert " calls to good today" in said
        found = rows(office)
        words = office.run("tracer", "sources")

    broken, good = found["broken"], found["good"]
    assert broken["calls_today"] + broken["calls_left"] == 500
    assert broken["calls_today"] > 0
    assert "is not working (HTTP 503)" in broken["last_error"]["error"]
    assert datetime.now(UTC).date().isoformat() >= broken["last_error"]["at"][:10]
    assert (None, anvil.final, None) == (good["calls_left"], good["final_block"], good["last_error"])
    assert good["calls_today"] > 3
    assert 64 == good["capabilities"]["confirmations"]
    assert f"{broken['calls_left']:,} of 500 left; 1000 a second" in words
    assert "no limit a day; no limit a second" in words


def test_a_check_makes_the_calls_of_a_pull(office: Office, anvil: Anvil) -> None:
    """A page, a block's hash, a transaction; a source that refuses one of them is named, and the exit code is 5."""
    anvil.send(anvil.accounts[0], known_address("eip155:1").text, value=5)
    anvil.mine(3)
    with proxied(anvil) as proxy:
        text = NODE.format(name="good", url=anvil.url) + NODE.format(name="broken", url=proxy.url)
        (office.folder / "tracer.toml").write_text(text)
        proxy.refuse = lambda method, _: {"code": -32000, "message": "archive only"} if "Logs" in method else None
        found = rows(office, "--check", code=5)

    good = [(one["call"].split()[0], one["ok"]) for one in found["good"]["checks"]]
    assert [("pull", True), ("block_hash", True), ("transaction", True)] == good
    assert "1 transactions, to block" in found["good"]["checks"][0]["says"]
    ((bad),) = found["broken"]["checks"]
    assert not bad["ok"]
    assert "take an archive node, or set start_block" in bad["says"]


def test_where_sources_differ_is_told(office: Office) -> None:
    """Both sides stand there with the day."""
    with Store.open(office.database_url) as store, store.act("job", "pull", "x") as work:
        work.disagree(Disagreement("eip155:1", "block", "5", "a", "0x1", "b", "0x2"))
    (one,) = rows(office)["differ"]
    assert ("a", "0x1", "b", "0x2") == (one["one"], one["one_says"], one["other"], one["other_says"])
    line = f"DISAGREEMENT {one['recorded_at']} eip155:1 block 5: a says 0x1; b says 0x2"
    assert line in office.run("tracer", "sources").splitlines()


def test_every_chain_has_an_address_to_try(office: Office) -> None:
    """One that everybody has paid."""
    assert list(CHAINS) == [known_address(chain).chain for chain in CHAINS]


def test_reparse_as_a_command(office: Office, anvil: Anvil) -> None:
    """It says how many pages were read again, and names a source that is unknown."""
    (office.folder / "tracer.toml").write_text(NODE.format(name="node", url=anvil.url))
    anvil.send(anvil.accounts[0], anvil.accounts[1], value=5)
    anvil.mine(3)
    office.run("tracer", "pull", f"ethereum:{anvil.accounts[1]}")

    said = office.run("tracer", "reparse", "--source", "node")
    assert "1 of 1 pages read again" in said
    assert "1 pages read again, 0 cannot be: 0 transactions and 0 transfers new, 0 and 0 withdrawn" in said
    assert "no page of a source 'x' is kept" in office.run("tracer", "reparse", "--source", "x", code=6)
