"""What an answer of TronGrid is: rows, proven empty, or in its own words why not. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tracer.sources.reply import Broken, Busy, Empty, Refused, Reply, Rows
from tracer.sources.web import Answer, usual

DAY_SPENT = 3_600.0  # seconds until it is asked again: when its day ends is not published
_SUSPENDED = re.compile(r"suspended for (\d+) ?s")
_TOO_FAST = ("frequency limit", "request rate exceeded")
_LIMIT = "HTTP 400 with an empty body, as for a limit above 200 rows: page_rows is too large"


def trouble(answer: Answer) -> Reply | None:
    """What an answer means that says nothing of the chain; None if it does. A 403 is not always a limit."""
    said = answer.said if isinstance(answer.said, dict) else {}
    words = said.get("Error") or said.get("error")
    if isinstance(words, str):
        return _in_words(words, answer)
    if answer.status in (401, 403):
        return Refused(f"access refused (HTTP {answer.status})")
    if answer.status == 400 and not answer.body:
        return Broken(_LIMIT)
    wrong = usual(answer)
    return Broken(f"HTTP {answer.status}") if wrong is None and answer.status != 200 else wrong


def _in_words(words: str, answer: Answer) -> Reply:
    suspended = _SUSPENDED.search(words)
    if suspended:
        return Busy(words, float(suspended[1]))
    if "daily usage" in words:
        return Busy(words, DAY_SPENT)
    if any(each in words for each in _TOO_FAST):
        return Busy(words)
    if answer.status in (401, 403):
        return Refused(words)
    wrong = usual(answer)
    return wrong._replace(reason=words) if isinstance(wrong, Busy) else Broken(words)


def looked_up(answer: Answer) -> Reply:
    """What a node knows by number or hash. It says {} where it knows nothing."""
    wrong = trouble(answer)
    if wrong is not None:
        return wrong
    if answer.said == {}:
        return Empty()
    if isinstance(answer.said, dict) and answer.said.keys() & {"blockID", "txID", "id"}:
        return Rows([answer.said])
    return Broken("neither what was asked for nor {}")


def listed_rows(start: int, end: int, answer: Answer) -> Reply:
    """The rows of a list between two moments, and the fingerprint of what follows."""
    wrong = trouble(answer)
    if wrong is not None:
        return wrong
    said = answer.said if isinstance(answer.said, dict) else {}
    rows, meta = said.get("data"), said.get("meta")
    if said.get("success") is not True or not isinstance(rows, list) or not isinstance(meta, dict):
        return Broken("a list without success, data and meta")
    if not rows:
        return Empty()
    moments = [row.get("block_timestamp") if isinstance(row, dict) else None for row in rows]
    if not _ascending([start, *moments, end]):
        return Broken(f"the rows are not in order of time between {start} and {end}, as was asked")
    return Rows(rows, meta.get("fingerprint"))


def _ascending(moments: Sequence[Any]) -> bool:
    if not all(type(moment) is int for moment in moments):
        return False
    return all(one <= next_ for one, next_ in zip(moments, moments[1:], strict=False))
