"""Across: a depositor pays a SpokePool, a relayer pays the recipient on the other chain and says for which deposit.

Anyone may "fill" a deposit that never was, at his own cost: only a fill with all of the deposit's terms is its other
side. Events: V3SpokePoolInterface.sol of across-protocol/contracts@03365c1; addresses: its deployments.json@001bcaa.
"""

from __future__ import annotations

from tracer.detect.bridges.message import Message, Protocol, Way, evm, number, place, places, token, words
from tracer.model import Log

POOLS = places(
    """
ethereum 0x5c7BCd6E7De5423a257D81B442095A1a6ced35C5
optimism 0x6f26Bf09B1C792e3228e5467807a900A503c0281
polygon 0x9295ee1d8C5b022Be115A2AD3c30C72E34e7F096
base 0x09aea4b2242abC8bb4BB78D537A67a245A7bEC64
arbitrum 0xe35e9842fceaCA96570B734083f4a58e8F7C5f2A
"""
)


def _deposited(log: Log) -> Message:
    """FundsDeposited; V3FundsDeposited has the same words."""
    paid, got, amount, least, _, deadline, exclusive, recipient, relayer, *_ = words(log)
    _, to, deposit, depositor = log.topics
    chain = log.contract.chain
    terms = (paid, got, amount, least, deadline, exclusive, relayer, depositor.removeprefix("0x"), recipient)
    return Message(
        *("across", f"{chain.removeprefix('eip155:')}:{number(deposit)}", Way.OUT, log),
        *(token(place(chain, paid)), number(amount), place(evm(number(to)), recipient)),
        terms=(str(number(to)), *terms),
        ends=(log.contract,),
    )


def _filled(log: Log) -> Message:
    """FilledRelay, whose last four words say whom it paid how much in the end."""
    paid_to, _, paid_out, _ = words(log)[11:15]
    return _payout(log, paid_to, paid_out)


def _filled_before(log: Log) -> Message:
    """FilledV3Relay: the same, but that its end is told elsewhere, where the twelfth word points."""
    found = words(log)
    start = number(found[11]) // 32
    return _payout(log, found[start], found[start + 2])


def _payout(log: Log, paid_to: str, paid_out: str) -> Message:
    paid, got, amount, least, _, deadline, exclusive, relayer, depositor, recipient = words(log)[:10]
    _, origin, deposit, _ = log.topics
    chain = log.contract.chain
    return Message(
        *("across", f"{number(origin)}:{number(deposit)}", Way.IN, log),
        *(token(place(chain, got)), number(paid_out), place(chain, paid_to)),
        terms=(
            chain.removeprefix("eip155:"),
            *(paid, got, amount, least, deadline, exclusive, relayer, depositor, recipient),
        ),
    )


ACROSS = Protocol(
    name="across",
    entity="Across Protocol",
    contracts=POOLS,
    holds=POOLS,
    events={
        "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,uint32,uint32,uint32,bytes32,bytes32,bytes32,"
        "bytes)": ("0x32ed1a409ef04c7b0227189c3a103dc5ac10e775a15b785dcc510201f7c25ad3", _deposited),
        "V3FundsDeposited(address,address,uint256,uint256,uint256,uint32,uint32,uint32,uint32,address,address,address,"
        "bytes)": ("0xa123dc29aebf7d0c3322c8eeb5b999e859f39937950ed31056532713d0de396f", _deposited),
        "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,uint32,bytes32,bytes32,bytes32,"
        "bytes32,bytes32,(bytes32,bytes32,uint256,uint8))": (
            "0x44b559f101f8fbcc8a0ea43fa91a05a729a5ea6e14a7c75aa750374690137208",
            _filled,
        ),
        "FilledV3Relay(address,address,uint256,uint256,uint256,uint256,uint32,uint32,uint32,address,address,address,"
        "address,bytes,(address,bytes,uint256,uint8))": (
            "0x571749edf1d5c9599318cdbc4e28a6475d65e87fd3b2ddbe1e9a8d5e7a0f0ff7",
            _filled_before,
        ),
    },
)
