"""Which tokens are listed, and which only look as if they were.

Identity is chain and contract. A symbol is what a contract says of itself, so it is only ever used to *refuse* a token:
one that bears, look-alike letters folded, the symbol of a listed token without being it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tracer.chains.chains import CHAINS, Chain, parse_chain
from tracer.chains.verified import NOTES, SOURCES, TABLE
from tracer.model import NATIVE, AssetId

# Letters that look like a Latin one and that NFKD does not take apart: Cyrillic, Greek, Armenian, Cherokee, signs.
_CONFUSABLES = {
    "A": "АаΑαᎪ∀ɑ",
    "B": "ВвΒβᏴ฿₿ʙ",
    "C": "СсϹϲᏟ¢₵ᴄ",
    "D": "ԀԁᎠᗞᴅÐĐđ",
    "E": "ЕеΕεЄєᎬ€ᴇ℮",
    "F": "Ϝϝ₣ҒғᖴꜰꞘ",
    "G": "ԌԍᏀɢ₲",
    "H": "НнΗηᎻʜһҺ",
    "I": "ІіΙιӀӏᏆıƖɪ",
    "J": "ЈјͿϳᎫᴊ",
    "K": "КкΚκᏦ₭ᴋ",
    "L": "ԼʟᏞⅬ₤£Łł",
    "M": "МмΜμᎷᴍϺϻ",
    "N": "ΝνИиηп₦ɴՆ",
    "O": "ОоΟοՕօØøᴏσ",
    "P": "РрΡρᏢᴘ₱",
    "Q": "Ԛԛ",
    "R": "ᎡᏒʀЯя",
    "S": "ЅѕՏᏚꜱ$",
    "T": "ТтΤτᎢ₮₸ᴛŦŧŢţ",
    "U": "ՍսυᴜЦцԱ∪",
    "V": "ѴѵᏙνᴠ",
    "W": "ԜԝᎳᴡШшω₩Ѡѡ",
    "X": "ХхΧχ᙭×",
    "Y": "УуΥγҮүʏ¥",
    "Z": "ΖζᏃᴢ",
}
_LATIN: dict[str, str] = {}
for _latin, _alike in _CONFUSABLES.items():
    for _letter in _alike:
        _LATIN.setdefault(_letter, _latin)


@dataclass(frozen=True, slots=True)
class Token:
    """A listed asset. `token_class`: native, stable or wrapped; `form`: issued, bridged or None (not read).

    `decimals` is None where no source stated it; `sources` are keys of SOURCES; `others` are symbols the same contract
    also goes by; `wraps_native` marks the token that the chain's own coin is exchanged into one to one.
    """

    asset: AssetId
    symbol: str
    decimals: int | None
    token_class: str
    form: str | None
    confidence: str
    sources: tuple[str, ...]
    others: tuple[str, ...] = ()
    wraps_native: bool = False
    note: str = ""

    @property
    def issuer_destroys(self) -> bool:
        """True where what is sent to the zero address is known to be destroyed by its issuer, not bridged away."""
        return self.form == "issued"


def listed(asset: AssetId) -> Token | None:
    """The verified token, or native coin, that an asset is; None if it is not on the list."""
    return TOKENS.get(asset)


def is_listed(asset: AssetId) -> bool:
    """True for a native coin and for a token on its chain's verified list."""
    return asset in TOKENS


def wrapper(asset: AssetId) -> bool:
    """True if the token is its chain's native coin wrapped (WETH, WBNB, WTRX …)."""
    token = TOKENS.get(asset)
    return token is not None and token.wraps_native


@lru_cache(maxsize=1 << 14)
def fold(symbol: str) -> str:
    """A symbol as the eye reads it: look-alikes made Latin, accents, blanks, signs and invisible letters left out."""
    plain = (_LATIN.get(letter, letter) for letter in symbol)
    apart = unicodedata.normalize("NFKD", "".join(plain))
    latin = "".join(_LATIN.get(letter, letter) for letter in apart).upper()
    return "".join(letter for letter in latin if letter.isalnum())


def mimics(asset: AssetId, symbol: str) -> Token | None:
    """The listed token of the same chain whose symbol this unlisted asset bears; None if it bears none or is listed."""
    return None if asset in TOKENS else _BY_SYMBOL.get((asset.chain, fold(symbol)))


def _native(chain: Chain) -> Token:
    asset = AssetId(chain.id, NATIVE)
    return Token(asset, chain.symbol, chain.decimals, NATIVE, None, "high", (), others=chain.former)


def _wraps(chain: Chain, symbols: tuple[str, ...]) -> bool:
    return any("W" + coin in symbols for coin in (chain.symbol, *chain.former))


def _token(alias: str, row: str) -> Token:
    """One line of TABLE; its columns are described there."""
    contract, symbol, decimals, token_class, form, confidence, sources, *others = row.split()
    symbols = (symbol, *(others[0].split(",") if others else ()))
    chain = CHAINS[parse_chain(alias)]
    return Token(
        asset=AssetId(chain.id, contract),
        symbol=symbol,
        decimals=None if decimals == "-" else int(decimals),
        token_class=token_class,
        form=None if form == "-" else form,
        confidence=confidence,
        sources=tuple(sources.split(",")),
        others=symbols[1:],
        wraps_native=_wraps(chain, symbols),
        note=NOTES.get((alias, contract), ""),
    )


def _tokens() -> Iterator[Token]:
    yield from map(_native, CHAINS.values())
    for alias, rows in TABLE.items():
        yield from (_token(alias, row) for row in rows.strip().splitlines())


def _by_symbol() -> dict[tuple[str, str], Token]:
    """Chain and folded symbol to the first listed token that bears it: by its own symbol before by another's."""
    found: dict[tuple[str, str], Token] = {}
    second: dict[tuple[str, str], Token] = {}
    for token in TOKENS.values():
        found.setdefault((token.asset.chain, fold(token.symbol)), token)
        for other in token.others:
            second.setdefault((token.asset.chain, fold(other)), token)
    return second | found


TOKENS: dict[AssetId, Token] = {token.asset: token for token in _tokens()}
_BY_SYMBOL = _by_symbol()

__all__ = ["SOURCES", "TOKENS", "Token", "fold", "is_listed", "listed", "mimics", "wrapper"]
