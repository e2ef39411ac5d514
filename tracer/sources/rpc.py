"""JSON-RPC over HTTP: requests in batches, what a refusal means, and nothing secret in any message or log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from tracer.errors import RangeTooLarge, SourceBroken, SourceBusy, SourceError, SourceRefused
from tracer.sources.secrets import LETTERS, hide, host, scrubbed, shown, without_secrets


class Call(NamedTuple):
    """One request."""

    method: str
    params: list[Any]


class Reply(NamedTuple):
    """What came over the wire. `body` is None where it was too large to be read."""

    status: int
    retry_after: str | None
    body: bytes | None


class Answers(NamedTuple):
    """The results in the order of the calls, and the bodies they came in, without the secrets of the URL."""

    results: list[Any]
    raw: list[bytes]


class Node:
    """A node behind `post`, which sends a body and gives the reply or raises OSError. Threads may share it.

    Calls are sent `batch` at once, fewer where the node refuses so many.
    """

    def __init__(self, url: str, post: Callable[[bytes], Reply], batch: int) -> None:
        self.host = host(url)
        self._post = post
        self._batch = max(1, batch)
        hide(url)

    def ask(self, calls: Sequence[Call]) -> Answers:
        """The results of all calls. Raises the first SourceError."""
        answers = self.outcomes(calls)
        for result in answers.results:
            if isinstance(result, SourceError):
                raise result
        return answers

    def outcomes(self, calls: Sequence[Call]) -> Answers:
        """The results of all calls; where the node refused one, its SourceError. Raises what concerns them all."""
        answers, rest = Answers([], []), list(calls)
        while rest:
            part = rest[: self._batch]
            parsed, body = self._send(part)
            if parsed is None:
                self._batch = max(1, len(part) // 2)
                continue
            answers.results.extend(parsed)
            answers.raw.append(without_secrets(body))
            del rest[: len(part)]
        return answers

    def broken(self, why: str) -> SourceBroken:
        """An error that says what is wrong with a reply."""
        return SourceBroken(f"{self.host}: {shown(why)}")

    def _send(self, part: list[Call]) -> tuple[list[Any] | None, bytes]:
        """The outcomes of calls sent at once; None if the node does not take so many."""
        asked = [{"jsonrpc": "2.0", "id": n, "method": one.method, "params": one.params} for n, one in enumerate(part)]
        many = len(part) > 1
        body, parsed = self._exchange(json.dumps(asked if many else asked[0]).encode())
        if parsed is None:
            return (None if many else [self._too_large(part[0].method)]), b""
        if many and isinstance(parsed, dict):  # one refusal for all
            refusal = self._outcome(part[0].method, parsed)
            if isinstance(refusal, SourceBusy):
                raise refusal
            return None, b""
        return self._matched(part, parsed if many else [parsed]), body

    def _too_large(self, method: str) -> RangeTooLarge:
        return RangeTooLarge(f"{self.host}: {method}: the reply is too large")

    def _exchange(self, body: bytes) -> tuple[bytes, Any]:
        """The reply's body and what it says; None if it, or what was asked, is too large."""
        try:
            reply = self._post(body)
        except (OSError, ValueError) as error:  # requests' own are OSErrors; a password may fit no header
            failed = type(error).__name__
        else:
            return self._read(reply)
        # raised here, not above: the cause's text names the URL, and a cause is printed and logged with its effect
        raise SourceBusy(f"{self.host} cannot be reached ({failed})")

    def _read(self, reply: Reply) -> tuple[bytes, Any]:
        status, body = reply.status, reply.body
        if status == 429:
            raise SourceBusy(f"{self.host} says: too many requests", seconds(reply.retry_after))
        if status in (401, 402, 403):
            raise SourceRefused(f"{self.host} refuses access (HTTP {status})")
        if status == 413 or body is None:
            return b"", None
        parsed = _parsed(body)
        if isinstance(parsed, list) or (isinstance(parsed, dict) and ("result" in parsed or "error" in parsed)):
            return body, parsed  # whatever the status: refusals come with 200, 400 and 500
        if status >= 500 or status == 408:
            raise SourceBusy(f"{self.host} is not working (HTTP {status})", seconds(reply.retry_after))
        excerpt = scrubbed(body.decode("utf-8", "replace"))[:LETTERS]  # cut first, half a secret would stay
        raise self.broken(f"HTTP {status} without a JSON-RPC answer: {ascii(excerpt)}")

    def _matched(self, part: list[Call], parsed: list[Any]) -> list[Any]:
        """The outcomes in the order of the calls: a batch may be answered in any."""
        if len(part) == 1 == len(parsed):
            return [self._outcome(part[0].method, parsed[0])]
        by_id = {one["id"]: one for one in parsed if isinstance(one, dict) and isinstance(one.get("id"), int)}
        if len(parsed) != len(part) or by_id.keys() != set(range(len(part))):
            raise self.broken(f"{len(part)} requests, {len(parsed)} answers that do not match them")
        return [self._outcome(one.method, by_id[n]) for n, one in enumerate(part)]

    def _outcome(self, method: str, answer: Any) -> Any:
        if isinstance(answer, dict):
            if answer.get("error") is not None:
                return refusal(f"{self.host}: {method}", method, answer["error"])
            if "result" in answer:
                return answer["result"]
        return self.broken(f"{method}: neither a result nor an error")


def _parsed(body: bytes) -> Any:
    """What JSON says; "" if it is none."""
    try:
        return json.loads(body)
    except (RecursionError, ValueError):
        return ""


def seconds(text: str | None) -> float | None:
    """What Retry-After says, seconds or a date; None if it says nothing that makes sense."""
    if text is None:
        return None
    try:
        wait = float(text) if text.strip().isdecimal() else _until(text)
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), 86_400.0)


def _until(text: str) -> float:
    return (parsedate_to_datetime(text).astimezone(UTC) - datetime.now(UTC)).total_seconds()


# --- what a refusal means ---------------------------------------------------------------------------------------------

_RANGED = frozenset(
    ("eth_getLogs", "trace_filter", "trace_transaction", "debug_traceBlockByNumber", "debug_traceTransaction")
)
_MEANINGS: tuple[tuple[type[SourceError], re.Pattern[str]], ...] = tuple(
    # The first that fits counts. Providers' codes are no classes: the same ones are used for all of these.
    (kind, re.compile(words, re.IGNORECASE))
    for kind, words in (
        (
            SourceBusy,
            r"rate.?limit|request rate|too many requests|requests per|quota|credits|compute unit|capacity|throughput"
            r"|busy|overload|temporar|try again later|(header|block) not found|unknown block|cannot be found|beyond"
            r"|future",
        ),
        (SourceRefused, r"not (found|supported|available|allowed|enabled|whitelisted)|does not exist|unsupported"),
        (RangeTooLarge, r"\brange|limit|results|size|too (large|many|big|long|wide)|exceed|time(d )?.?out"),
        (SourceRefused, r"unauthori[sz]ed|forbidden|api.?key|authenticat|permission|denied|\bplan\b|upgrade"),
        (SourceBusy, r"internal|time(d )?.?out|unavailable|limit|exceed"),
    )
)
# A node that has thrown away its old blocks: fewer of them are refused as well.
_PRUNED = re.compile(r"archive|trie node|\bstate\b.*available|histor|pruned", re.IGNORECASE)
_TEMPORARY = next(words for kind, words in _MEANINGS if kind is SourceBusy)  # that goes first
NOTHING = 0  # as a hint: no range from there on will do
_NO_METHOD = -32601
_BETWEEN = re.compile(r"\[(0x[0-9a-f]{1,16}), ?(0x[0-9a-f]{1,16})\]", re.IGNORECASE)
_AT_MOST = re.compile(
    r"(?:limit(?:ed)?(?: of| to)?|max(?:imum)?(?: block range| is)?|up to|over|than)(?: a)?:? (\d[\d,]{0,9})(k?)\b"
    r"(?! *(?:result|log))",
    re.IGNORECASE,
)


def refusal(who: str, method: str, error: Any) -> SourceError:
    """What the error object of an answer means for us; `who` is named in the message."""
    code, text = (error.get("code"), _text(error)) if isinstance(error, dict) else (None, str(error))
    message = f"{who}: {shown(text)}"
    if code == _NO_METHOD:
        return SourceRefused(message)
    if method in _RANGED and _PRUNED.search(text) and not _TEMPORARY.search(text):
        remedy = "this node does not keep blocks that old: take an archive node, or set start_block"
        return RangeTooLarge(f"{message}: {remedy}", NOTHING)
    for kind, words in _MEANINGS:
        if (kind is not RangeTooLarge or method in _RANGED) and words.search(text):
            return RangeTooLarge(message, hint(text)) if kind is RangeTooLarge else kind(message)
    return SourceBroken(message)


def _text(error: dict[str, Any]) -> str:
    data = error.get("data")
    return f"{error.get('message')} {data if isinstance(data, str) else json.dumps(data) if data else ''}".strip()


def hint(text: str) -> int | None:
    """How many blocks a refusal says would do; None if it does not say."""
    if found := _BETWEEN.search(text):
        return max(1, int(found[2], 16) - int(found[1], 16) + 1)
    if found := _AT_MOST.search(text):
        return max(1, int(found[1].replace(",", "")) * (1000 if found[2] else 1))
    return None
