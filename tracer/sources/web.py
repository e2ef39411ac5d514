"""One provider over HTTP: asked within its budget, read up to a size, tried again where that may help, told in words.

The only door to httpx. What a reply means is the provider's own matter: it gives `read`, which names one of seven.
"""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import stamina

from tracer.errors import RangeTooLarge, SourceBroken, SourceBusy, SourceError
from tracer.sources.budget import Budget
from tracer.sources.reply import Broken, Busy, Good, Reply, good
from tracer.sources.rpc import seconds
from tracer.sources.secrets import hide, hide_key, host, scrubbed, shown, without_secrets

SIZE = 64 << 20  # bytes of a reply that are read
PATIENCE = 10  # times `timeout_seconds` that a whole reply may take
ATTEMPTS = 3  # of one request: the second and third where the first was busy or broken
WAIT = 0.5  # seconds before the second; the third waits twice as long
LONGEST = 35.0  # seconds of silence that are waited for in a request: TronGrid suspends for up to 30

Params = Mapping[str, str | int]


class Answer(NamedTuple):
    """A reply as it came. `said` is what its JSON says, or NO_JSON; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    said: Any


NO_JSON = object()
Read = Callable[[Answer], Reply]


class Asked(NamedTuple):
    """What a request came to, and its body without secrets, to be kept."""

    reply: Good
    raw: bytes


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Web:
    """A provider at `url`. `read` says what an answer means; `key` and URL are never shown. Threads may share it.

    Its connections are closed when nobody holds it any more.
    """

    url: str = field(repr=False)
    budget: Budget
    read: Read
    timeout_seconds: float = 20
    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    client: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        hide(self.url)
        hide_key(self.key)
        made = httpx.Client(headers=dict(self.headers), timeout=self.timeout_seconds, follow_redirects=False)
        object.__setattr__(self, "client", made)
        weakref.finalize(self, made.close)

    @property
    def host(self) -> str:
        """What may be shown of the URL."""
        return host(self.url)

    def get(self, path: str = "", params: Params | None = None, read: Read | None = None) -> Asked:
        """Ask for a path under the URL. Raises SourceError; `read` in place of the provider's own.

        Busy and broken replies are tried again up to ATTEMPTS times, after as long as the provider says.
        """
        return self._tried("GET", path, params or {}, None, read or self.read)

    def post(self, path: str, content: Any, read: Read | None = None) -> Asked:
        """Send a JSON value; see get."""
        return self._tried("POST", path, {}, content, read or self.read)

    def _tried(self, method: str, path: str, params: Params, content: Any, read: Read) -> Asked:
        try:
            for attempt in stamina.retry_context(
                on=_worth_another, attempts=ATTEMPTS, timeout=None, wait_initial=WAIT, wait_jitter=0
            ):
                with attempt:
                    return self._once(method, path, params, content, read)
        except SourceError as error:
            self.budget.failed(str(error))
            raise
        raise AssertionError("a retry ends in a result or an error")

    def _once(self, method: str, path: str, params: Params, content: Any, read: Read) -> Asked:
        self.budget.take()
        answer = self._sent(method, path, params, content)
        reply = read(answer)
        if isinstance(reply, Busy) and reply.retry_after_seconds:
            self.budget.pause(reply.retry_after_seconds)
        if not isinstance(reply, Good):
            reply = reply._replace(reason=shown(reply.reason))
        return Asked(good(reply, self.host), without_secrets(answer.body))

    def _sent(self, method: str, path: str, params: Params, content: Any) -> Answer:
        deadline = time.monotonic() + PATIENCE * self.timeout_seconds
        body = bytearray()
        try:
            with self.client.stream(method, self.url + path, params=dict(params) or None, json=content) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > SIZE:
                        raise RangeTooLarge(f"{self.host}: the reply is too large")
                    if time.monotonic() > deadline:
                        raise TimeoutError
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            failed = type(error).__name__
        else:
            return Answer(response.status_code, response.headers, bytes(body), _said(bytes(body)))
        # raised here, not above: the cause's text names the URL, and a cause is printed and logged with its effect
        raise SourceBusy(f"{self.host} cannot be reached or does not finish its reply ({failed})")


def _worth_another(error: Exception) -> bool | float:
    """Whether to ask again. The silence that a provider asked for is kept by its budget, which lets no call through."""
    if isinstance(error, SourceBusy):
        return error.retry_after_seconds is None or error.retry_after_seconds <= LONGEST
    return isinstance(error, SourceBroken)


def _said(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (RecursionError, ValueError):
        return NO_JSON


def usual(answer: Answer) -> Reply | None:
    """What status and form say at any provider; None if it is JSON with a status that leaves the rest to its words."""
    if answer.status == 429:
        return Busy("too many requests", seconds(answer.headers.get("retry-after")))
    if answer.status >= 500 or answer.status == 408:
        return Busy(f"not working (HTTP {answer.status})", seconds(answer.headers.get("retry-after")))
    if answer.said is NO_JSON:
        excerpt = scrubbed(answer.body.decode("utf-8", "replace"))[:200]  # cut last, half a secret would stay
        return Broken(f"HTTP {answer.status} without JSON: {excerpt!a}")
    return None
