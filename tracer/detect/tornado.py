"""Tornado Cash: its pools on seven networks, and what their events say. A pool is a chain and an address: the same
address on two chains is two pools.

Addresses and denominations: config.js of tornadocash/tornado-cli@378ddf8, read 2026-11-21; the events: Tornado.sol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tracer.chains import is_zero, parse_address, parse_asset, parse_chain
from tracer.model import Address, AssetId, Log

DEPOSIT = "0xa945e51eec50ab98c161376f0db4cf2aeba3ec92755fe2fcd388bdbbb80ff196"
WITHDRAWAL = "0xe9e508bad6d4c3227e881ca19068f099da81b5164dd6d62b2eaf1e8bc6c34931"
SIGNATURES = {
    "Deposit(bytes32,uint32,uint256)": DEPOSIT,
    "Withdrawal(address,bytes32,address,uint256)": WITHDRAWAL,
}
ENTITY = "Tornado Cash"

_DAI, _CDAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F", "0x5d3a536E4D6DbD6114cc1Ead35777bAB948E3643"
_USDC, _USDT = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "0xdAC17F958D2ee523a2206206994597C13D831ec7"
_WBTC = "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599"
_COIN = "native"

# network, asset, its decimals, then denomination and pool, pair by pair
_TABLE = """
ethereum native 18 0.1 0x12D66f87A04A9E220743712cE6d9bB1B5616B8Fc 1 0x47CE0C6eD5B0Ce3d3A51fdb1C52DC66a7c3c2936
ethereum native 18 10 0x910Cbd523D972eb0a6f4cAe4618aD62622b39DbF 100 0xA160cdAB225685dA1d56aa342Ad8841c3b53f291
ethereum DAI 18 100 0xD4B88Df4D29F5CedD6857912842cff3b20C8Cfa3 1000 0xFD8610d20aA15b7B2E3Be39B396a1bC3516c7144
ethereum DAI 18 10000 0x07687e702b410Fa43f4cB4Af7FA097918ffD2730 100000 0x23773E65ed146A459791799d01336DB287f25334
ethereum CDAI 8 5000 0x22aaA7720ddd5388A3c0A3333430953C68f1849b 50000 0x03893a7c7463AE47D46bc7f091665f1893656003
ethereum CDAI 8 500000 0x2717c5e28cf931547B621a5dddb772Ab6A35B701 5000000 0xD21be7248e0197Ee08E0c20D4a96DEBdaC3D20Af
ethereum USDC 6 100 0xd96f2B1c14Db8458374d9Aca76E26c3D18364307 1000 0x4736dCf1b7A3d580672CcE6E7c65cd5cc9cFBa9D
ethereum USDT 6 100 0x169AD27A470D064DEDE56a2D3ff727986b15D52B 1000 0x0836222F2B2B24A3F36f98668Ed8F0B38D1a872f
ethereum WBTC 8 0.1 0x178169B423a011fff22B9e3F3abeA13414dDD0F1 1 0x610B717796ad172B316836AC95a2ffad065CeaB4
ethereum WBTC 8 10 0xbB93e510BbCD0B7beb5A853875f9eC60275CF498
bsc native 18 0.1 0x84443CFd09A48AF6eF360C6976C5392aC5023a1F 1 0xd47438C816c9E7f2E2888E060936a499Af9582b3
bsc native 18 10 0x330bdFADE01eE9bF63C209Ee33102DD334618e0a 100 0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD
arbitrum native 18 0.1 0x84443CFd09A48AF6eF360C6976C5392aC5023a1F 1 0xd47438C816c9E7f2E2888E060936a499Af9582b3
arbitrum native 18 10 0x330bdFADE01eE9bF63C209Ee33102DD334618e0a 100 0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD
optimism native 18 0.1 0x84443CFd09A48AF6eF360C6976C5392aC5023a1F 1 0xd47438C816c9E7f2E2888E060936a499Af9582b3
optimism native 18 10 0x330bdFADE01eE9bF63C209Ee33102DD334618e0a 100 0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD
polygon native 18 100 0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD 1000 0xdf231d99Ff8b6c6CBF4E9B9a945CBAcEF9339178
polygon native 18 10000 0xaf4c0B70B2Ea9FB7487C7CbB37aDa259579fe040 100000 0xa5C2254e4253490C54cef0a4347fddb8f75A4998
gnosis native 18 100 0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD 1000 0xdf231d99Ff8b6c6CBF4E9B9a945CBAcEF9339178
gnosis native 18 10000 0xaf4c0B70B2Ea9FB7487C7CbB37aDa259579fe040 100000 0xa5C2254e4253490C54cef0a4347fddb8f75A4998
avalanche native 18 10 0x330bdFADE01eE9bF63C209Ee33102DD334618e0a 100 0x1E34A77868E19A6647b1f2F47B51ed72dEDE95DD
avalanche native 18 500 0xaf8d1839c3c67cf571aa74B5c12398d4901147B3
"""
_CONTRACTS = {"native": _COIN, "DAI": _DAI, "CDAI": _CDAI, "USDC": _USDC, "USDT": _USDT, "WBTC": _WBTC}
ROUTERS = (
    ("ethereum", "0xd90e2f925DA726b50C4Ed8D0Fb90Ad053324F31b"),
    ("ethereum", "0x722122dF12D4e14e13Ac3b6895a86e84145b6967"),
    *((name, "0x0D5550d52428E7e3175bfc9550207e4ad3859b17") for name in ("bsc", "arbitrum", "optimism", "polygon")),
    *((name, "0x0D5550d52428E7e3175bfc9550207e4ad3859b17") for name in ("gnosis", "avalanche")),
)


class Pool(NamedTuple):
    """One pool: every note of it is worth `denomination` base units of `asset`."""

    address: Address
    asset: AssetId
    denomination: int
    name: str


@dataclass(frozen=True, slots=True)
class Deposit:
    """A note that went in. `leaf`: its number in the pool. `depositor`: who initiated the transaction, if known."""

    pool: Address
    tx_hash: str
    at: datetime
    block: int
    leaf: int
    depositor: Address | None = None
    gas_price: int | None = None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A note that came out: `recipient` got the denomination less `fee`, which went to `relayer`, if there was one.

    `initiator`: who sent the transaction; where that is the recipient nobody relayed it.
    """

    pool: Address
    tx_hash: str
    at: datetime
    block: int
    nullifier: str
    recipient: Address
    fee: int
    relayer: Address | None = None
    initiator: Address | None = None
    gas_price: int | None = None


def _pools() -> Iterator[Pool]:
    for line in _TABLE.strip().splitlines():
        network, symbol, decimals, *pairs = line.split()
        chain = parse_chain(network)
        asset = parse_asset(chain, _CONTRACTS[symbol])
        for amount, where in zip(pairs[::2], pairs[1::2], strict=True):
            whole, _, part = amount.partition(".")
            units = int(whole + part) * 10 ** (int(decimals) - len(part))
            yield Pool(parse_address(chain, where), asset, units, f"{amount} {symbol} on {network}")


POOLS: dict[Address, Pool] = {pool.address: pool for pool in _pools()}


def notes(logs: Iterable[Log]) -> tuple[list[Deposit], list[Withdrawal]]:
    """What the logs of pools say, in their order; logs of other contracts, and other events, say nothing."""
    deposits, withdrawals = [], []
    for log in logs:
        words = [log.data[n : n + 64] for n in range(2, len(log.data), 64)]
        if log.contract in POOLS and log.topics[0] == DEPOSIT:
            deposits.append(_deposit(log, words))
        elif log.contract in POOLS and log.topics[0] == WITHDRAWAL:
            withdrawals.append(_withdrawal(log, words))
    return deposits, withdrawals


def _deposit(log: Log, words: list[str]) -> Deposit:
    leaf, _ = words
    return Deposit(log.contract, log.tx_hash, log.at, log.block, int(leaf, 16), log.initiator, log.gas_price)


def _withdrawal(log: Log, words: list[str]) -> Withdrawal:
    recipient, nullifier, fee = words
    chain = log.contract.chain
    relayer = parse_address(chain, "0x" + log.topics[1][-40:])
    return Withdrawal(
        log.contract,
        log.tx_hash,
        log.at,
        log.block,
        "0x" + nullifier,
        parse_address(chain, "0x" + recipient[-40:]),
        int(fee, 16),
        None if is_zero(relayer) else relayer,
        log.initiator,
        log.gas_price,
    )
