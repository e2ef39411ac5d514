"""One cell of a file: checked and turned into what it means, or InputError with the remedy. "" is unknown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from tracer.errors import InputError

AMOUNT_DIGITS = 78  # 2**256 has 78
_COUNT_DIGITS = 15  # exact in any JSON reader, and far above every chain
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SHARE = re.compile(r"[01](\.\d{1,18})?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2009, 2100  # the first block was mined in 2009

# C0 and C1 controls, bidi embeddings, overrides and isolates: what can hide or turn around what a person reads
_HOSTILE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def show(text: str) -> str:
    """A value as a message may show it: in ASCII, control characters escaped, not longer than a line."""
    shown = ascii(text)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"


def clean(text: str) -> str:
    """Free text with every control and bidi control replaced by U+FFFD."""
    return text if text.isascii() and text.isprintable() else _HOSTILE.sub("\ufffd", text)


def prose(text: str, what: str) -> str:
    """Free text that must be there, cleaned."""
    if not text.strip():
        raise InputError(f"{what} is missing: write it")
    return clean(text)


def name(text: str, what: str) -> str:
    """A name that must be there. Cleaning could make two names one, so a hostile one is refused."""
    if not text.strip() or _HOSTILE.search(text):
        raise InputError(f"{what} {show(text)} is empty or holds control characters: write a plain name")
    return text


def amount(text: str) -> int:
    """Whole base units."""
    if not (text.isdigit() and text.isascii() and len(text) <= AMOUNT_DIGITS):
        raise InputError(
            f"amount {show(text)} is not in whole base units: write digits only, at most {AMOUNT_DIGITS}, "
            "no sign, point, exponent or separator"
        )
    return int(text)


def count(text: str, what: str) -> int | None:
    """A block, a position or an index; None if unknown."""
    if not text:
        return None
    if not (text.isdigit() and text.isascii() and len(text) <= _COUNT_DIGITS):
        raise InputError(f"{what} {show(text)} is no whole number from 0: write digits only, or leave it empty")
    return int(text)


def decimals(text: str) -> int | None:
    """How many digits an asset has behind the point; None if unknown."""
    if not text:
        return None
    if not (text.isdigit() and text.isascii() and len(text) <= 3 and int(text) <= 255):
        raise InputError(f"decimals {show(text)} is not 0 to 255: write digits only, or leave it empty")
    return int(text)


def moment(text: str, what: str = "time") -> datetime:
    """An ISO time with Z or an offset, in UTC, in a year in which there are chains."""
    if not _MOMENT.fullmatch(text):
        raise InputError(f"{what} {show(text)} is no ISO time with a zone: write it as 2026-03-05T18:12:00Z")
    return _plausible(text, what)


def maybe_day(text: str, what: str) -> datetime | None:
    """An ISO time, or a day, which stands for its first moment (0:00 UTC); None if unknown."""
    if not text:
        return None
    return _plausible(f"{text}T00:00:00Z", what) if _DAY.fullmatch(text) else moment(text, what)


def _plausible(text: str, what: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo is UTC else at.astimezone(UTC)
    except (ValueError, OverflowError) as wrong:
        raise InputError(f"{what} {show(text)} is no time: {wrong}") from None
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise InputError(f"{what} {show(text)} is absurd: the year must be {_FIRST_YEAR} to {_LAST_YEAR}")
    return at


def share(text: str, what: str) -> Decimal:
    """A decimal from 0 to 1."""
    if not _SHARE.fullmatch(text) or Decimal(text) > 1:
        raise InputError(f"{what} {show(text)} is not a decimal from 0 to 1: write it as 0.9")
    return Decimal(text)
