"""The door to HTTP: what is tried again, what is obeyed, and what nobody sees, on a real server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import stamina

from tests.servers.serve import COMMON, Given, serving
from tracer.errors import RangeTooLarge, SourceBroken, SourceBusy, SourceError, SourceRefused
from tracer.sources import web
from tracer.sources.budget import Alone, Budget
from tracer.sources.reply import Broken, Empty, Refused, Reply, Rows
from tracer.sources.web import Answer, Web, usual

KEY = "k3y-that-nobody-sees"


def read(answer: Answer) -> Reply:
    """What a plain provider means."""
    wrong = usual(answer)
    if wrong is not None:
        return wrong
    if answer.status == 403:
        return Refused(f"no: {answer.said}")
    if not isinstance(answer.said, list):
        return Broken("no list")
    return Rows(answer.said) if answer.said else Empty()


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=web.ATTEMPTS, cap=True):
        yield


def asked(replies: list[Given]) -> tuple[object, Alone, int]:
    """What a request comes to if the server answers so in turn; the bank; how many requests came."""
    left, bank = list(replies), Alone()
    with serving(lambda _: left.pop(0) if len(left) > 1 else left[0]) as served:
        made = Web(served.url, Budget("explorer", None, None, bank), read, key=KEY)
        try:
            said: object = made.get("/rows", {"apikey": KEY}).reply
        except SourceError as error:
            said = error
        made.client.close()
    return said, bank, sum(bank.used.values())


GOOD = Given(200, b"[1, 2]")


@pytest.mark.parametrize("fault", sorted(set(COMMON) - {"drip"}))
def test_a_bad_moment_is_asked_again(fault: str) -> None:
    """Busy, cut off, HTML or nonsense: asked again, and what comes then is what counts."""
    first = COMMON[fault](GOOD)
    said, _, requests = asked([first, GOOD])
    assert (Rows([1, 2]), 2) == (said, requests)


@pytest.mark.parametrize(
    ("always", "kind", "requests"),
    [
        (Given(503, b""), SourceBusy, 3),
        (Given(200, b"<html>"), SourceBroken, 3),
        (Given(403, b'"no plan"'), SourceRefused, 1),
    ],
)
def test_a_bad_day_is_named(always: Given, kind: type[Exception], requests: int) -> None:
    """What stays bad is told by its class after three attempts; a refusal is not argued with."""
    said, bank, came = asked([always])
    assert (kind, requests) == (type(said), came)
    assert str(said) == bank.errors["explorer"]


def test_nothing_is_proven_by_an_empty_list_alone() -> None:
    """What a provider calls empty is Empty; the caller need not count."""
    assert Empty() == asked([Given(200, b"[]")])[0]


def test_retry_after_is_kept_by_all() -> None:
    """The bank gives out no turn before the provider's own moment."""
    said, bank, requests = asked([Given(429, b"", {"Retry-After": "100"})])

    assert (SourceBusy, 1) == (type(said), requests)
    assert bank.free["explorer"].timestamp() == pytest.approx(datetime.now(UTC).timestamp() + 100, abs=20)


def test_a_reply_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a size it is said to be too large."""
    monkeypatch.setattr(web, "SIZE", 1000)
    assert RangeTooLarge is type(asked([Given(200, json.dumps("x" * 2000).encode())])[0])


def test_the_key_stays_here(caplog: pytest.LogCaptureFixture) -> None:
    """No message, log line or kept reply shows the key, even where the provider echoes it."""
    caplog.set_level(logging.DEBUG)
    echo = json.dumps([f"Invalid API Key (#err2)|{KEY}"]).encode()
    with serving(lambda asked: Given(200 if "rows" in asked.path else 403, echo)) as served:
        made = Web(served.url, Budget("explorer"), read, key=KEY)
        raw = made.get("/rows", {"apikey": KEY}).raw
        with pytest.raises(SourceRefused) as caught:
            made.get("/other", {"apikey": KEY})
        made.client.close()

    assert b"***" in raw
    for text in (raw.decode(), str(caught.value), repr(made), caplog.text):
        assert KEY not in text
    assert caught.value.__cause__ is None
