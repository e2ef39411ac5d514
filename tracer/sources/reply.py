"""What one request to a provider came to: one of seven, and only the first two may move a cursor."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from tracer.errors import RangeTooLarge, SourceBroken, SourceBusy, SourceError, SourceRefused


class Rows(NamedTuple):
    """What was asked for. `more`: where the provider says it goes on; None: it does not say."""

    rows: list[Any]
    more: Any = None


class Empty(NamedTuple):
    """Proven: the provider says in words it is known to use that there is nothing."""


class Partial(NamedTuple):
    """Some of it: what is there may be kept, but nothing says that it is all."""

    reason: str
    rows: list[Any]


class Busy(NamedTuple):
    """Ask again, after so many seconds if the provider names them."""

    reason: str
    retry_after_seconds: float | None = None


class Refused(NamedTuple):
    """This plan, key or chain is not served: asking again in this run is of no use."""

    reason: str


class TooLarge(NamedTuple):
    """Ask for less; `hint` would do, if the provider names it."""

    reason: str
    hint: int | None = None


class Broken(NamedTuple):
    """Not what is documented."""

    reason: str


Good: TypeAlias = Rows | Empty | Partial
Reply: TypeAlias = Good | Busy | Refused | TooLarge | Broken


def good(reply: Reply, who: str) -> Good:
    """The reply, if it says something of the chain. Raises the SourceError that it stands for, naming `who`."""
    if isinstance(reply, Rows | Empty | Partial):
        return reply
    raise _error(reply, f"{who}: {reply.reason}")


def _error(reply: Busy | Refused | TooLarge | Broken, message: str) -> SourceError:
    match reply:
        case Busy():
            return SourceBusy(message, reply.retry_after_seconds)
        case Refused():
            return SourceRefused(message)
        case TooLarge():
            return RangeTooLarge(message, reply.hint)
        case Broken():
            return SourceBroken(message)
