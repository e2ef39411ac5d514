"""The door for addresses, assets and hashes: what is taken, in what form it is kept, what is refused and why."""

import base58
import pytest
from bech32 import bech32_hrp_expand, bech32_polymod, convertbits
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from tracer.chains import (
    CHAINS,
    is_on_chain,
    is_zero,
    parse_address,
    parse_asset,
    parse_caip10,
    parse_tx_hash,
    script,
    tron_contract,
    zero_address,
)
from tracer.errors import BadAddress, InputError, UnknownAsset, UnknownChain
from tracer.model import Address, AssetId

TRON = "tron:728126428"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

# The examples of EIP-55, and of BIP 173 and BIP 350.
EIP55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
SEGWIT = [
    "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
]
BAD_SEGWIT = [
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",  # checksum
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",  # bech32 where bech32m is due
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",  # bech32m where bech32 is due
    "bc1pw5dgrnzv",  # one byte of program
    "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",  # checksum of BIP 173 in version 16
    "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",  # mixed case
    "bc1qr508d6qejxtdg4y5r3zarvaryv98gj9p",  # program length of version 0
    "bc1",
    "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",  # test network
]


@pytest.mark.parametrize("text", EIP55)
def test_eip55_examples(text: str) -> None:
    """The standard's own examples are taken as they are, and from lower case and upper case hex."""
    for form in (text, text.lower(), "0x" + text[2:].upper()):
        assert parse_address("ethereum", form) == Address("eip155:1", to_checksum_address(text.lower()))


@given(st.binary(min_size=20, max_size=20))
def test_evm_round_trip(raw: bytes) -> None:
    """Every 20 bytes are an address with one form, whatever case they come in."""
    text = parse_address("eip155:1", "0x" + raw.hex()).text

    assert text.lower() == "0x" + raw.hex()
    assert parse_address("eip155:1", text).text == text


@given(st.binary(min_size=20, max_size=20), st.integers(0, 39))
def test_evm_one_letter_of_other_case(raw: bytes, position: int) -> None:
    """Turning the case of one letter of a checksummed address is noticed, unless it leaves only one case."""
    text = parse_address("eip155:1", "0x" + raw.hex()).text
    body = text[2:]
    turned = body[:position] + body[position].swapcase() + body[position + 1 :]
    if turned == body or turned in (turned.lower(), turned.upper()):
        return

    with pytest.raises(BadAddress, match="EIP-55"):
        parse_address("eip155:1", "0x" + turned)


@given(st.binary(min_size=20, max_size=20))
def test_tron_round_trip(raw: bytes) -> None:
    """TRON's hex and base58 forms of the same 21 bytes become the same base58 text."""
    text = base58.b58encode_check(b"\x41" + raw).decode()

    assert parse_address(TRON, text) == parse_address("tron", "41" + raw.hex()) == Address(TRON, text)


@given(st.binary(min_size=20, max_size=20), st.sampled_from([b"\x00", b"\x05"]))
def test_bitcoin_base58_round_trip(raw: bytes, prefix: bytes) -> None:
    """Both base58 script forms are kept as written."""
    text = base58.b58encode_check(prefix + raw).decode()

    assert parse_address("bitcoin", text) == Address(BITCOIN, text)


@given(st.integers(0, 16), st.binary(min_size=2, max_size=40))
def test_segwit_round_trip(version: int, program: bytes) -> None:
    """A witness program is taken with the checksum constant of its version, and refused with the other's."""
    numbers = [version, *(convertbits(program, 8, 5) or [])]
    valid = version > 0 or len(program) in (20, 32)
    for constant in (1, 0x2BC830A3):
        text = _bech32(numbers, constant)
        if valid and (constant == 1) == (version == 0):
            assert parse_address("bitcoin", text).text == text
        else:
            with pytest.raises(BadAddress):
                parse_address("bitcoin", text)


def _bech32(numbers: list[int], constant: int) -> str:
    sealed = bech32_polymod([*bech32_hrp_expand("bc"), *numbers, 0, 0, 0, 0, 0, 0]) ^ constant
    check = [sealed >> 5 * (5 - place) & 31 for place in range(6)]
    return "bc1" + "".join(LETTERS[number] for number in numbers + check)


@pytest.mark.parametrize("text", SEGWIT)
def test_segwit_examples(text: str) -> None:
    """The standards' own valid examples are taken and kept in lower case."""
    assert parse_address("bitcoin", text) == Address(BITCOIN, text.lower())


@pytest.mark.parametrize("text", BAD_SEGWIT)
def test_bad_segwit_examples(text: str) -> None:
    """The standards' own invalid examples are refused."""
    with pytest.raises(BadAddress):
        parse_address("bitcoin", text)


@given(st.sampled_from(["ethereum", "tron", "bitcoin"]), st.text(max_size=60))
def test_hostile_text(chain: str, text: str) -> None:
    """Whatever text comes, it is an address or a BadAddress whose message is one short printable line."""
    try:
        address = parse_address(chain, text)
    except BadAddress as refused:
        assert str(refused).isprintable()
        assert len(str(refused)) < 250
    else:
        assert parse_address(chain, address.text) == address


@pytest.mark.parametrize(
    ("chain", "text", "why"),
    [
        ("ethereum", USDT[:-1], "40 hex digits"),
        ("ethereum", USDT + "0", "40 hex digits"),
        ("ethereum", USDT + "\n", "control characters"),
        ("ethereum", " " + USDT, "blanks"),
        ("ethereum", "", "40 hex digits"),
        ("ethereum", None, "not text"),
        ("tron", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb ", "blanks"),
        ("tron", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwc", "checksum"),
        ("tron", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "starting with T"),
        ("tron", USDT, "checksum"),
        ("bitcoin", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "another chain"),
        ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"),
    ],
)
def test_refusals_say_why(chain: str, text: str, why: str) -> None:
    """A refused address is named, with what is wrong with it."""
    with pytest.raises(BadAddress, match=why) as refused:
        parse_address(chain, text)

    assert repr(text) in str(refused.value)


def test_caip10() -> None:
    """CAIP-10 takes a chain's id or alias; its own text reads back as the same address."""
    address = Address("eip155:1", USDT)

    assert parse_caip10(f"ethereum:{USDT.lower()}") == parse_caip10(str(address)) == address
    assert str(parse_caip10("bitcoin:" + SEGWIT[0])) == f"{BITCOIN}:{SEGWIT[0].lower()}"


def test_caip10_without_chain() -> None:
    """An address alone names no chain, and an unknown chain is named with those known."""
    with pytest.raises(BadAddress, match="CHAIN:ADDRESS"):
        parse_caip10(USDT)
    with pytest.raises(UnknownChain, match=r"'bitcoincash'.*ethereum \(eip155:1\)"):
        parse_caip10("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a")


@pytest.mark.parametrize("chain", CHAINS)
def test_zero_address(chain: str) -> None:
    """Every account chain has a zero address in its parsed form; bitcoin has none."""
    zero = zero_address(chain)

    if zero is None:
        assert chain == BITCOIN
    else:
        assert is_zero(zero)
        assert parse_address(chain, zero.text) == zero


def test_other_addresses_are_not_zero() -> None:
    """Only the zero address of the address's own chain counts as zero."""
    assert not is_zero(Address("eip155:1", USDT))
    assert not is_zero(Address(TRON, "0x" + "0" * 40))
    assert not is_zero(Address("unknown", "0x" + "0" * 40))


@pytest.mark.parametrize(
    ("chain", "text", "contract", "on_chain"),
    [
        ("ethereum", "native", "native", True),
        ("ethereum", USDT.lower(), USDT, True),
        ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", True),
        ("tron", "41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", True),
        ("bitcoin", "native", "native", True),
        ("ethereum", "usd", "usd", False),
        ("bitcoin", "usd.cents_2-x", "usd.cents_2-x", False),
    ],
)
def test_assets(chain: str, text: str, contract: str, on_chain: bool) -> None:
    """Native, contracts and value identifiers each have one form, and only the last is no on-chain asset."""
    asset = parse_asset(chain, text)

    assert asset.contract == contract
    assert is_on_chain(asset) is on_chain
    assert parse_asset(chain, asset.contract) == asset


@pytest.mark.parametrize("text", ["USD", "", "usd\n", "-usd", "a" * 33, "us d", "Native", "uѕd"])
@pytest.mark.parametrize("chain", ["ethereum", "tron", "bitcoin"])
def test_unknown_assets(chain: str, text: str) -> None:
    """What is neither native, a contract nor an identifier is refused with the remedy."""
    with pytest.raises(UnknownAsset, match="write native"):
        parse_asset(chain, text)


@pytest.mark.parametrize("text", ["0x12", USDT[:-1] + "8", USDT[:-1]])
def test_mistyped_contract(text: str) -> None:
    """A mistyped contract is told so, and never taken for an identifier."""
    with pytest.raises(BadAddress):
        parse_asset("ethereum", text)


def test_tx_hash() -> None:
    """A hash is kept in lower case, with 0x on EVM chains only."""
    assert parse_tx_hash("ethereum", "0x" + "AB" * 32) == "0x" + "ab" * 32
    assert parse_tx_hash("tron", "AB" * 32) == "ab" * 32
    assert parse_tx_hash("bitcoin", "01" * 32) == "01" * 32


@pytest.mark.parametrize(
    ("chain", "text"),
    [
        ("ethereum", "ab" * 32),
        ("ethereum", "0x" + "ab" * 31),
        ("bitcoin", "0x" + "ab" * 32),
        ("tron", "ab" * 32 + "\n"),
    ],
)
def test_bad_tx_hash(chain: str, text: str) -> None:
    """Any other text is refused, shown so that no control character reaches a terminal."""
    with pytest.raises(InputError, match="no transaction hash") as refused:
        parse_tx_hash(chain, text)

    assert str(refused.value).isprintable()


def test_value_of_asset_id_text() -> None:
    """An asset id shows its chain and contract."""
    assert str(AssetId("eip155:1", "native")) == "eip155:1/native"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "p2pkh"),
        ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "p2sh"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "p2wpkh"),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "p2wpkh"),
        ("bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3", "p2wsh"),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "p2tr"),
        ("bc1sw50qgdz25j", "other"),
    ],
)
def test_a_bitcoin_address_tells_its_script(text: str, expected: str) -> None:
    """Version and length of the witness program, or the version byte of base58: BIP 173 and BIP 350."""
    assert expected == script(parse_address(BITCOIN, text))


def test_the_contract_that_a_tron_transaction_makes() -> None:
    """Its address follows from transaction and owner: the example of TRON's documentation of deploycontract."""
    owner = parse_address(TRON, "41c4db2c9dfbcb6aa344793f1dda7bd656598a06d8")
    made = tron_contract("598d8aafbf9340e92c8f72a38389ce9661b643ff37dd2a609f393336a76025b9", owner)

    assert parse_address(TRON, "41dfd93697c0a978db343fe7a92333e11eeb2f967d") == made
