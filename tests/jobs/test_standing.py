"""The jobs alone pull, trace and flag a case from a real node; a reorg withdraws what rested on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.anvil import Anvil
from tests.jobs.story import EXCHANGE, Office, deposit, play, settings
from tracer.chains import parse_address
from tracer.store.rows import Flag
from tracer.store.store import Store


@pytest.fixture
def office(tmp_path: Path, database_url: str, anvil: Anvil) -> Office:
    """An empty office beside the node."""
    return Office(tmp_path, database_url, settings(anvil.url))


def low_kyc(url: str) -> Flag | None:
    """The flag at the exchange."""
    with Store.open(url) as store:
        found = [flag for flag in store.flags() if flag.rule == "low_kyc_arrival"]
    assert len(found) <= 1
    assert all(flag.address == parse_address("ethereum", EXCHANGE) for flag in found)
    return found[0] if found else None


def written(url: str) -> tuple[int, int, int, int]:
    """How many traces, flag versions, audit rows and transfers there are."""
    with Store.open(url) as store:
        counts = store.status().counts
    return counts["traces"], counts["flags"], counts["audit"], counts["transfers"]


def test_three_rounds_flag_the_deposit_and_a_fourth_writes_nothing(office: Office, anvil: Anvil) -> None:
    """What three victims paid is followed through the swap and the split to the low-KYC exchange."""
    story = play(anvil)
    office.open(story)
    for _ in range(3):
        office.run("jobs", "--once", "all")
    flag = low_kyc(office.database_url)

    assert flag is not None
    assert story.deposit == flag.now.body["arrivals"][0]["tx_hash"]
    fifo = sum(int(one["amount"]) for one in flag.now.body["amounts"] if one["method"] == "fifo")
    assert 3 * 10**18 == fifo
    hops = [hop["by"] for hop in flag.now.body["paths"][0]["hops"]]
    assert ["payment", "inferred_exchange", "payment", "payment"] == hops
    before = written(office.database_url)
    office.run("jobs", "--once", "all")
    assert before == written(office.database_url)


def test_a_reorg_withdraws_the_flag_and_a_new_deposit_brings_it_back(office: Office, anvil: Anvil) -> None:
    """The flag is not deleted: it names the block that is gone, and returns as a new version."""
    story = play(anvil)
    office.open(story)
    for _ in range(3):
        office.run("jobs", "--once", "all")
    block = int(anvil.receipt(story.deposit)["blockNumber"], 16)
    anvil.reorg(anvil.head - block + 1)
    anvil.mine(3)
    office.run("jobs", "--once", "all")
    gone = low_kyc(office.database_url)

    assert gone is not None
    assert ("withdrawn", 2) == (gone.state, gone.now.version)
    assert f"block {block}" in gone.now.reason
    assert "reorg" in gone.now.reason
    again = deposit(story)
    office.run("jobs", "--once", "all")
    back = low_kyc(office.database_url)
    assert back is not None
    assert ("open", 3) == (back.state, back.now.version)
    assert again in {arrival["tx_hash"] for arrival in back.now.body["arrivals"]}
