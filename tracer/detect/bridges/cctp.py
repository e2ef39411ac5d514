"""CCTP, Circle's own bridge: its token is burned on one chain, and minted on the other by a message Circle attests.

Version 1 numbers its messages; version 2 does so only when they are attested, so that the burn does not know its
number: there the message itself joins both sides, and of equal ones the first burn is the first mint.
Events and message layouts: circlefin/evm-cctp-contracts@1ddc505 (v1), @0790159 (v2). Addresses and domains:
developers.circle.com/cctp/v1/evm-smart-contracts and /cctp/evm-smart-contracts, read 2026-11-27.
"""

from __future__ import annotations

from tracer.chains import parse_chain, zero_address
from tracer.detect.bridges.message import Message, Protocol, Way, issued, number, place, places, tail, token, words
from tracer.model import Address, Log

# chain, domain, TokenMessenger, MessageTransmitter, TokenMinter (which takes what is burned)
_FIRST = """
ethereum 0 0xBd3fa81B58Ba92a82136038B25aDec7066af3155 0x0a992d191DEeC32aFe36203Ad87D7d289a738F81 \
    0xc4922d64a24675E16e1586e3e3Aa56C06fABe907
avalanche 1 0x6B25532e1060CE10cc3B0A99e5683b91BFDe6982 0x8186359aF5F57FbB40c6b14A588d2A59C0C29880 \
    0x420F5035fd5dC62a167E7e7f08B604335aE272b8
optimism 2 0x2B4069517957735bE00ceE0fadAE88a26365528f 0x4D41f22c5a0e5c74090899E5a8Fb597a8842b3e8 \
    0x33E76C5C31cb928dc6FE6487AB3b2C0769B1A1e3
arbitrum 3 0x19330d10D9Cc8751218eaf51E8885D058642E08A 0xC30362313FBBA5cf9163F0bb16a0e01f01A896ca \
    0xE7Ed1fa7f45D05C508232aa32649D89b73b8bA48
base 6 0x1682Ae6375C4E4A97e4B583BC394c861A46D8962 0xAD09780d193884d503182aD4588450C416D6F9D4 \
    0xe45B133ddc64bE80252b0e9c75A8E74EF280eEd6
polygon 7 0x9daF8c91AEFAE50b9c0E69629D3F6Ca40cA3B3FE 0xF3be9355363857F3e001be68856A2f96b4C39Ba9 \
    0x10f7835F827D6Cf035115E10c50A853d7FB2D2EC
"""
_SECOND = "\n".join(
    f"{line.split()[0]} {line.split()[1]} 0x28b5a0e9C621a5BadaA536219b3a228C8168cf5d "
    "0x81D40F21F12A8F0E3252Bccb954D722d4c464B64 0xfd78EE919681417d192449715b2594ab58f5D002"
    for line in _FIRST.strip().splitlines()
)
DOMAINS: dict[int, str] = {int(line.split()[1]): parse_chain(line.split()[0]) for line in _FIRST.strip().splitlines()}
_NUMBERS = {chain: domain for domain, chain in DOMAINS.items()}
_ISSUED = ("USDC", "EURC")
FIRST_MESSENGERS, _TRANSMITTERS, FIRST_MINTERS = (places(_FIRST, column) for column in (2, 3, 4))
SECOND_MESSENGERS, _TRANSMITTERS2, SECOND_MINTERS = (places(_SECOND, column) for column in (2, 3, 4))


def _burned(log: Log, holds: frozenset[Address]) -> tuple[Address, ...]:
    """Where what is burned goes, the surest first: the zero address, or, as far as is known, what burns it."""
    chain = log.contract.chain
    zero = zero_address(chain)
    return (*([zero] if zero else []), *sorted(one for one in holds if one.chain == chain))


def _burn(log: Log) -> Message:
    """DepositForBurn of version 1: its nonce counts the messages of its domain."""
    amount, recipient, domain, *_ = words(log)
    _, nonce, burned, depositor = log.topics
    chain = log.contract.chain
    return Message(
        *("cctp", f"{_NUMBERS[chain]}:{number(nonce)}", Way.OUT, log),
        *(token(place(chain, burned)), number(amount), place(DOMAINS.get(number(domain)), recipient)),
        terms=(_hex(burned), recipient, amount, _hex(depositor)),
        ends=_burned(log, FIRST_MINTERS),
    )


def _mint(log: Log) -> Message:
    """MessageReceived of version 1, whose body says what was burned: version, token, recipient, amount, sender."""
    domain, nonce, body = _sent(log, FIRST_MESSENGERS), number(log.topics[2]), tail(log, 2)
    burned, recipient, amount, sender = (body[8 + n : 72 + n] for n in range(0, 256, 64))
    chain = log.contract.chain
    return Message(
        *("cctp", f"{domain}:{nonce}", Way.IN, log),
        *(issued(chain, _ISSUED), number(amount), place(chain, recipient)),
        terms=(burned, recipient, amount, sender),
    )


def _burn_again(log: Log) -> Message:
    """DepositForBurn of version 2."""
    amount, recipient, domain, _, _, most, *_ = words(log)
    _, burned, depositor, _ = log.topics
    chain = log.contract.chain
    said = (_hex(burned), recipient, amount, _hex(depositor), most, tail(log, 6))
    return Message(
        *("cctp2", ":".join((str(_NUMBERS[chain]), str(number(domain)), *said)), Way.OUT, log),
        *(token(place(chain, burned)), number(amount), place(DOMAINS.get(number(domain)), recipient)),
        ends=_burned(log, SECOND_MINTERS),
    )


def _mint_again(log: Log) -> Message:
    """MessageReceived of version 2: the body goes on with the highest fee, the fee, an expiry, and what a hook is told.

    The recipient got the amount less the fee.
    """
    domain, body = _sent(log, SECOND_MESSENGERS), tail(log, 2)
    burned, recipient, amount, sender, most, fee = (body[8 + n : 72 + n] for n in range(0, 384, 64))
    chain = log.contract.chain
    said = (burned, recipient, amount, sender, most, body[456:])
    return Message(
        *("cctp2", ":".join((str(domain), str(_NUMBERS[chain]), *said)), Way.IN, log),
        *(issued(chain, _ISSUED), number(amount) - number(fee), place(chain, recipient)),
        name=_hex(log.topics[2]),
    )


def _sent(log: Log, messengers: frozenset[Address]) -> int:
    """The domain from which a messenger sent it. Raises ValueError for anybody else's message: anyone may send any."""
    domain, sender, *_ = words(log)
    if place(DOMAINS.get(number(domain)), sender) not in messengers:
        raise ValueError("not sent by a messenger")
    return number(domain)


def _hex(topic: str) -> str:
    return topic.removeprefix("0x")


CCTP = Protocol(
    name="cctp",
    entity="CCTP",
    contracts=FIRST_MESSENGERS | _TRANSMITTERS,
    holds=FIRST_MINTERS,
    events={
        "DepositForBurn(uint64,address,uint256,address,bytes32,uint32,bytes32,bytes32)": (
            "0x2fa9ca894982930190727e75500a97d8dc500233a5065e0f3126c48fbe0343c0",
            _burn,
        ),
        "MessageReceived(address,uint32,uint64,bytes32,bytes)": (
            "0x58200b4c34ae05ee816d710053fff3fb75af4395915d3d2a771b24aa10e3cc5d",
            _mint,
        ),
    },
)
CCTP2 = Protocol(
    name="cctp2",
    entity="CCTP",
    contracts=SECOND_MESSENGERS | _TRANSMITTERS2,
    holds=SECOND_MINTERS,
    events={
        "DepositForBurn(address,uint256,address,bytes32,uint32,bytes32,bytes32,uint256,uint32,bytes)": (
            "0x0c8c1cbdc5190613ebd485511d4e2812cfa45eecb79d845893331fedad5130a5",
            _burn_again,
        ),
        "MessageReceived(address,uint32,bytes32,bytes32,uint32,bytes)": (
            "0xff48c13eda96b1cceacc6b9edeedc9e9db9d6226afbc30146b720c19d3addb1c",
            _mint_again,
        ),
    },
    repeats=True,
)
