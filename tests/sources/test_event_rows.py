"""What rows of explorers' events say, row by row; and the replies that were recorded."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.sources.issuer_story import DESTROYED, FROZEN, SIGNATURES, USDT, USDT_ON_TRON
from tracer.chains import event_topic, parse_address
from tracer.detect.freezes import contract, freezes
from tracer.errors import InputError
from tracer.model import AssetId
from tracer.sources import etherscan_rows, tron_events
from tracer.sources.decode import WRONG
from tracer.sources.reply import Broken, Empty, Rows
from tracer.sources.web import Answer

TRON = contract(USDT_ON_TRON)
WHO = "b2" * 20
Row = dict[str, Any]


def tron_row(**other: Any) -> Row:
    """A row in the shape that TronGrid was seen to give."""
    return {
        "block_number": 57_652_937,
        "block_timestamp": 1_756_892_487_000,
        "caller_contract_address": TRON.text,
        "contract_address": TRON.text,
        "event_index": 2,
        "event_name": "DestroyedBlackFunds",
        "result": {"0": f"0x{WHO}", "1": "250", "_blackListedUser": f"0x{WHO}", "_balance": "250"},
        "result_type": {"_blackListedUser": "address", "_balance": "uint256"},
        "event": "DestroyedBlackFunds(address indexed _blackListedUser, uint256 _balance)",
        "transaction_id": "ab" * 32,
    } | other


def test_arguments_stand_where_the_contract_has_them() -> None:
    """What is indexed is a topic, the rest is the data, as a node has it; the place is that in the transaction."""
    (one,) = tron_events.logs(TRON, SIGNATURES, [tron_row()])

    assert (event_topic(DESTROYED), f"0x{WHO:0>64}") == one.topics
    assert f"0x{250:064x}" == one.data
    assert ("ab" * 32, 2, 57_652_937) == (one.tx_hash, one.index, one.block)
    assert datetime(2025, 9, 3, 9, 41, 27, tzinfo=UTC) == one.at
    assert (None, None) == (one.initiator, one.gas_price)


@pytest.mark.parametrize(
    "other",
    [
        {"event": "DestroyedBlackFunds(address,uint256)"},  # as documented
        {"event": None},  # as before 2023
        {"result": {"_blackListedUser": f"41{WHO}", "_balance": "250"}},
        {"event_index": "2"},  # documented as text
    ],
)
def test_every_shape_says_the_same_of_whom(other: Row) -> None:
    """Rows with bare types, without a signature, with names only: each names the address and the amount."""
    (one,) = freezes(tron_events.logs(TRON, SIGNATURES, [tron_row(**other)]))

    assert parse_address(TRON.chain, f"41{WHO}") == one.address
    assert ("destroyed", 250) == (one.state, one.amount)


@pytest.mark.parametrize(
    "other",
    [
        {"result": {}, "result_type": {}},  # a contract whose interface is not on the chain
        {"contract_address": "TXWkP3jLBqRGojUih1ShzNyDaN5Csnebok"},
        {"_unconfirmed": True},
        {"event_name": "Transfer", "event": "Transfer(address,address,uint256)"},  # the filter was not heeded
        {"result": {"0": "0xb2", "1": "250"}},
        {"result": {"0": f"0x{WHO}", "1": "-1"}},
        {"block_timestamp": None},
    ],
)
def test_what_cannot_be_read_is_no_silence(other: Row) -> None:
    """A row that does not say what it should is not left out."""
    with pytest.raises((*WRONG, InputError)):
        tron_events.logs(TRON, SIGNATURES, [tron_row(**other)])


def test_a_namesake_is_another_event() -> None:
    """An event of the same name with other arguments is not the one that was asked for; a row told twice is one."""
    namesake = tron_row(event="DestroyedBlackFunds(address indexed _user, uint256 _balance, string _why)")

    assert 1 == len(tron_events.logs(TRON, SIGNATURES, [tron_row(), namesake, tron_row()]))


def etherscan_row(**other: Any) -> Row:
    """A row in the shape that Etherscan was seen to give."""
    return {
        "address": USDT.contract.lower(),
        "topics": [event_topic(FROZEN)],
        "data": f"0x{WHO:0>64}",
        "blockNumber": "0xa3769b",
        "blockHash": f"0x{'1' * 64}",
        "timeStamp": "0x5f419a17",
        "gasPrice": "0x10c388d000",
        "gasUsed": "0x16c9b",
        "logIndex": "0x",
        "transactionHash": f"0x{'2' * 64}",
        "transactionIndex": "0x",
    } | other


@pytest.mark.parametrize(
    "other",
    [
        {"address": USDT_ON_TRON.contract},
        {"topics": [event_topic(DESTROYED)]},
        {"topics": [None] * 4},
        {"logIndex": None},
        {"timeStamp": ""},
        {"transactionHash": "0x22"},
    ],
)
def test_a_row_of_something_else_is_wrong(other: Row) -> None:
    """Another contract or event than was asked for, or half a row, is not as documented."""
    with pytest.raises(WRONG):
        etherscan_rows.log(contract(USDT), event_topic(FROZEN), etherscan_row(**other))


def test_zero_is_written_without_digits() -> None:
    """0x is a place, too: the first; and a price that nobody told is unknown."""
    one = etherscan_rows.log(contract(USDT), event_topic(FROZEN), etherscan_row(gasPrice=None))

    assert (0, None, 10_712_731) == (one.index, one.gas_price, one.block)
    assert datetime(2020, 8, 22, 22, 20, 7, tzinfo=UTC) == one.at


@pytest.mark.parametrize("words", ["No records found", "No logs found"])
def test_only_known_words_prove_that_there_is_nothing(words: str) -> None:
    """Etherscan's and Blockscout's; others are broken."""
    for said, kind in ((words, Empty), (f"{words} yet", Broken)):
        body = {"status": "0", "message": said, "result": []}
        assert isinstance(etherscan_rows.list_reply(Answer(200, {}, b"", body), 0, 9, 1000), kind)


# --- recorded replies -------------------------------------------------------------------------------------------------

DATA = os.environ.get("TRACER_EVALUATION_DATA")


@pytest.mark.skipif(DATA is None, reason="TRACER_EVALUATION_DATA names no folder with recorded replies")
def test_three_explorers_recorded_the_same_log() -> None:
    """One Transfer of 2020, as Etherscan, Blockscout and Routescan gave it in December 2025."""
    token = AssetId(USDT.chain, parse_address(USDT.chain, "0xdf5e0e81dff6faf3a7e52ba697820c5e32d806a8").text)
    transfer = event_topic("Transfer(address,address,uint256)")
    found = set()
    for path in (Path(DATA or "") / "api" / "rotki_local").glob("*/get_logs.json"):
        for record in json.loads(path.read_text())["records"]:
            answer = Answer(200, {}, b"", record["response"]["body"])
            reply = etherscan_rows.list_reply(answer, 10_712_531, 10_712_753, 1000)
            assert isinstance(reply, Rows)
            found.update((path.parent.name, etherscan_rows.log(contract(token), transfer, row)) for row in reply.rows)

    assert ["blockscout", "etherscan", "routescan"] == sorted(name for name, _ in found)
    (one,) = {log for _, log in found}
    assert (10_712_731, 157, 72_000_000_000) == (one.block, one.index, one.gas_price)
    assert 3 == len(one.topics)
