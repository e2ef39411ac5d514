"""Text of many values at once, compiled: numbers, amounts, moments, words, each with a comma after it or an end."""

from __future__ import annotations

from tracer.taint.kernel.compiled import compiled
from tracer.taint.kernel.wide import HALF, LOW, TOP, ZERO, U

COMMA, MINUS, NOUGHT, BLANK = 44, 45, 48, 32
MOMENT = 27  # YYYY-MM-DD HH:MM:SS.ffffff and a comma


@compiled
def integers(text, out):
    """Read whole numbers, some of them below zero."""
    at, value, sign = 0, 0, 1
    for place in range(len(text)):
        sort = text[place]
        if sort == COMMA:
            out[at] = sign * value
            at, value, sign = at + 1, 0, 1
        elif sort == MINUS:
            sign = -1
        else:
            value = value * 10 + (sort - NOUGHT)
    if len(text):
        out[at] = sign * value


@compiled
def pairs(text, index, n):
    """Read an index and an n with a blank between; what is left out is -1, and with its blank 0."""
    at, value, into = 0, -1, index
    for place in range(len(text) + 1):
        sort = text[place] if place < len(text) else COMMA
        if sort == COMMA:
            into[at] = value
            at, value, into = at + 1, -1, index
        elif sort == BLANK:
            index[at] = value
            value, into = 0, n
        else:
            value = max(value, 0) * 10 + (sort - NOUGHT)


@compiled
def words(text, out):
    """A number for each word, the same for the same one."""
    at, value = 0, 0
    for place in range(len(text)):
        if text[place] == COMMA:
            out[at] = value
            at, value = at + 1, 0
        else:
            value = value * 256 + text[place]
    if len(text):
        out[at] = value


@compiled
def amounts(text, high, low):
    """Read amounts in two limbs; -> whether all are below 2**127."""
    at, h, n = 0, ZERO, ZERO
    for place in range(len(text) + 1):
        if place == len(text) or text[place] == COMMA:
            high[at], low[at] = h, n
            at, h, n = at + 1, ZERO, ZERO
        else:
            if h > TOP // U(10):
                return False
            lower = (n & LOW) * U(10) + U(text[place] - NOUGHT)
            upper = (n >> HALF) * U(10) + (lower >> HALF)
            h, n = h * U(10) + (upper >> HALF), (upper << HALF) | (lower & LOW)
            if h >= TOP:
                return False
    return True


@compiled
def moments(text, out):
    """Read moments as microseconds since 1970."""
    for n in range(len(out)):
        start = n * MOMENT
        year, month, day = _digits(text, start, 4), _digits(text, start + 5, 2), _digits(text, start + 8, 2)
        hour, minute = _digits(text, start + 11, 2), _digits(text, start + 14, 2)
        second, part = _digits(text, start + 17, 2), _digits(text, start + 20, 6)
        seconds = ((_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
        out[n] = seconds * 1_000_000 + part


@compiled
def _digits(text, start, size):
    value = 0
    for place in range(start, start + size):
        value = value * 10 + (text[place] - NOUGHT)
    return value


@compiled
def _days(year, month, day):
    """Days from 1970 to a date of the Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms")."""
    if month <= 2:
        year, month = year - 1, month + 12
    era, of_era = year // 400, year % 400
    of_year = (153 * (month - 3) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
