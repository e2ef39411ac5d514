"""The table of chains and of verified tokens, row by row, and what counts as looking like one of them."""

import pytest

from tracer.chains import (
    CHAINS,
    SOURCES,
    TOKENS,
    Family,
    Token,
    fold,
    is_listed,
    listed,
    mimics,
    parse_address,
    parse_chain,
    wrapper,
)
from tracer.chains.verified import NOTES, TABLE
from tracer.errors import UnknownChain
from tracer.model import NATIVE, AssetId

ETHEREUM = "eip155:1"
USDT = AssetId(ETHEREUM, "0xdAC17F958D2ee523a2206206994597C13D831ec7")
OTHER = AssetId(ETHEREUM, "0x00000000000000000000000000000000000000AA")
TOKEN_ROWS = [token for token in TOKENS.values() if token.asset.contract != NATIVE]


@pytest.mark.parametrize("chain", CHAINS.values(), ids=lambda chain: chain.alias)
def test_chains(chain) -> None:
    """Every chain is found by id and alias in any case, and its native coin is listed with its decimals."""
    native = listed(AssetId(chain.id, NATIVE))

    assert parse_chain(chain.id) == parse_chain(chain.alias) == parse_chain(chain.alias.upper()) == chain.id
    assert isinstance(chain.family, Family)
    assert native is not None
    assert (native.symbol, native.decimals) == (chain.symbol, chain.decimals)


@pytest.mark.parametrize("text", ["", "etherium", "eip155:2", "\x1b[31m", None])
def test_unknown_chain(text: str) -> None:
    """An unknown chain is shown escaped, with the known ones."""
    with pytest.raises(UnknownChain, match="known: ethereum") as refused:
        parse_chain(text)

    assert str(refused.value).isprintable()


@pytest.mark.parametrize("token", TOKEN_ROWS, ids=lambda token: f"{token.asset}")
def test_verified_tokens(token: Token) -> None:
    """Every row of the list has a contract in its one form, plain decimals, and sources that are cited."""
    assert parse_address(*token.asset).text == token.asset.contract
    assert token.decimals is None or 0 <= token.decimals <= 18
    assert token.token_class in {"stable", "wrapped"}
    assert token.form in {"issued", "bridged", None}
    assert token.confidence in {"high", "medium", "low"}
    assert token.sources
    assert set(token.sources) <= SOURCES.keys()
    assert (token.decimals is None) == (token.confidence == "low")


def test_list_is_whole() -> None:
    """No contract stands twice, every note belongs to a row, every citation is used and is a web address."""
    rows = sum(len(text.strip().splitlines()) for text in TABLE.values())

    assert rows == len(TOKEN_ROWS) == 140
    assert all(listed(AssetId(parse_chain(chain), contract)) for chain, contract in NOTES)
    assert {source for token in TOKEN_ROWS for source in token.sources} == SOURCES.keys()
    assert all(citation.url.startswith("https://") for citation in SOURCES.values())


def test_wrappers() -> None:
    """Each chain's wrapped native coin is derived from the list; a bridged WETH elsewhere is none."""
    found = {(CHAINS[token.asset.chain].alias, token.symbol) for token in TOKENS.values() if wrapper(token.asset)}

    assert found == {
        ("ethereum", "WETH"),
        ("arbitrum", "WETH"),
        ("optimism", "WETH"),
        ("base", "WETH"),
        ("bsc", "WBNB"),
        ("polygon", "WMATIC"),
        ("avalanche", "WAVAX"),
        ("tron", "WTRX"),
    }
    assert not wrapper(OTHER)


def test_burns() -> None:
    """Only a token known to be issued on its chain is destroyed at the zero address; renBTC is given back elsewhere."""
    ren = listed(AssetId(ETHEREUM, "0xEB4C2781e4ebA804CE9a9803C67d0893436bB27D"))
    usdt = listed(USDT)

    assert usdt is not None
    assert usdt.issuer_destroys
    assert ren is not None
    assert not ren.issuer_destroys


@pytest.mark.parametrize(
    "symbol",
    ["USDT", "usdt", "UЅDТ", "ＵＳＤＴ", "U\u200bS\u00adDT", "ÙŚḊŤ", "US DT", "USD₮", "$USDT", "U.S.D.T", "υSDT"],
)
def test_look_alikes_fold(symbol: str) -> None:
    """A symbol that a person reads as USDT mimics it at another contract, and is USDT at its own."""
    found = mimics(OTHER, symbol.replace("$", ""))

    assert found is not None
    assert found.asset == USDT
    assert mimics(USDT, symbol) is None


@pytest.mark.parametrize("symbol", ["", "\u200b", "USDTX", "SHIB", "LP-USDT", "42"])
def test_other_symbols(symbol: str) -> None:
    """Other symbols, empty ones too, mimic nothing."""
    assert mimics(OTHER, symbol) is None


@pytest.mark.parametrize(
    ("chain", "contract", "symbol"),
    [
        ("eip155:56", "0x2cD1075682b0FCCaADd0Ca629e138E64015Ba11c", None),
        ("eip155:137", "0x0000000000000000000000000000000000001234", "MATIC"),
        ("eip155:137", "0x0000000000000000000000000000000000001234", "POL"),
        ("eip155:137", "0x0000000000000000000000000000000000001234", "WPOL"),
        ("eip155:137", "0x0000000000000000000000000000000000001234", "USDT0"),
        ("eip155:43114", "0xaBe7a9dFDA35230ff60D1590a929aE0644c47DC1", "aUSD"),
        ("tron:728126428", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "TRX"),
        ("tron:728126428", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "USDT"),
    ],
)
def test_former_and_native_symbols(chain: str, contract: str, symbol: str | None) -> None:
    """Native coins, former and other symbols count too; tBTC is not listed on BNB Smart Chain."""
    asset = AssetId(chain, contract)

    assert not is_listed(asset)
    assert (mimics(asset, symbol or "tBTC") is not None) is (symbol is not None)


def test_mimicry_is_of_one_chain() -> None:
    """A symbol listed on another chain only is no mimicry here."""
    assert mimics(AssetId("eip155:56", OTHER.contract), "renBTC") is None
    assert mimics(OTHER, "renBTC") is not None


def test_fold_is_stable() -> None:
    """Folding a folded symbol changes nothing, and no listed symbol folds to nothing."""
    for token in TOKENS.values():
        assert fold(fold(token.symbol)) == fold(token.symbol) != ""
