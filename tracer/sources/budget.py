"""How often a provider may be asked: a turn for every call, and so many a day, for all who share it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol

from tracer.errors import SourceBusy

PATIENCE = 60.0  # seconds that a call waits for its turn; who would wait longer is told to come again


class Bank(Protocol):
    """Where turns are given out: the store for who shares it, `Alone` for one process. By the budget's name."""

    def take_turn(
        self, name: str, now: datetime, *, seconds_apart: float, per_day: int | None, calls: int
    ) -> datetime | None:
        """When so many calls may begin, each `seconds_apart` from the one before; None if the day (UTC) has none left.

        One step: of two who ask at the same moment each has its own turn.
        """
        ...

    def pause(self, name: str, until: datetime) -> None:
        """Give out no turn before this moment."""
        ...

    def failed(self, name: str, now: datetime, error: str) -> None:
        """Keep the last error, without secrets, to be shown."""
        ...

    def learn(self, name: str, blocks: int) -> None:
        """Keep how many blocks turned out to be given at once."""
        ...

    def learnt(self, name: str) -> int | None:
        """How many blocks turned out to be given at once; None: nothing was learnt."""
        ...


@dataclass(slots=True)
class Alone:
    """A Bank in memory."""

    free: dict[str, datetime] = field(default_factory=dict)
    used: dict[tuple[str, str], int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    ranges: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def take_turn(
        self, name: str, now: datetime, *, seconds_apart: float, per_day: int | None, calls: int
    ) -> datetime | None:
        """See Bank."""
        day = name, now.date().isoformat()
        with self.lock:
            used = self.used.get(day, 0) + calls
            if per_day is not None and used > per_day:
                return None
            self.used[day] = used
            turn = max(now, self.free.get(name, now))
            self.free[name] = turn + timedelta(seconds=seconds_apart * calls)
            return turn

    def pause(self, name: str, until: datetime) -> None:
        """See Bank."""
        with self.lock:
            self.free[name] = max(until, self.free.get(name, until))

    def failed(self, name: str, now: datetime, error: str) -> None:
        """See Bank."""
        self.errors[name] = error

    def learn(self, name: str, blocks: int) -> None:
        """See Bank."""
        self.ranges[name] = blocks

    def learnt(self, name: str) -> int | None:
        """See Bank."""
        return self.ranges.get(name)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one source and key may be asked. `name` is shown and holds no secret. None: no limit."""

    name: str
    calls_per_second: float | None = None
    calls_per_day: int | None = None
    bank: Bank = field(default_factory=Alone)
    now: Callable[[], datetime] = _now
    sleep: Callable[[float], None] = time.sleep

    def take(self, calls: int = 1) -> None:
        """Wait until so many calls may be made. Raises SourceBusy where that takes too long or not today."""
        now = self.now()
        apart = 1 / self.calls_per_second if self.calls_per_second else 0.0
        turn = self.bank.take_turn(self.name, now, seconds_apart=apart, per_day=self.calls_per_day, calls=calls)
        if turn is None:
            tomorrow = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            message = f"{self.name}: today's {self.calls_per_day:,} calls are used up; they are counted from 00:00 UTC"
            raise SourceBusy(message, (tomorrow - now).total_seconds())
        wait = (turn - now).total_seconds()
        if wait > PATIENCE:
            raise SourceBusy(f"{self.name} asked for {wait:.0f} seconds of silence", wait)
        if wait > 0:
            self.sleep(wait)

    def pause(self, seconds: float) -> None:
        """The provider asks everybody who shares this budget to be silent for so long."""
        self.bank.pause(self.name, self.now() + timedelta(seconds=seconds))

    def failed(self, error: str) -> None:
        """Remember what went wrong last; the text holds no secret."""
        self.bank.failed(self.name, self.now(), error)

    def learn(self, blocks: int) -> None:
        """Remember how many blocks turned out to be given at once, for whoever asks next."""
        self.bank.learn(self.name, blocks)

    def learnt(self) -> int | None:
        """How many blocks turned out to be given at once; None: nothing was learnt."""
        return self.bank.learnt(self.name)
