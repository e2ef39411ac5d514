"""A provider is asked no oftener than allowed, whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracer.errors import SourceBusy
from tracer.sources.budget import Alone, Budget

START = datetime(2026, 11, 27, 23, 59, 58, tzinfo=UTC)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        """The time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let so much time pass."""
        self.time += timedelta(seconds=seconds)


def budget(clock: Clock, rate: float | None, per_day: int | None, bank: Alone | None = None) -> Budget:
    """A budget by this clock."""
    return Budget("explorer", rate, per_day, bank or Alone(), clock.now, clock.sleep)


def test_calls_stand_apart() -> None:
    """At four a second, eight calls take a second and three quarters, and calls made at once count as many."""
    clock = Clock()
    mine = budget(clock, 4, None)
    for _ in range(6):
        mine.take()
    mine.take(2)
    mine.take()

    assert START + timedelta(seconds=2) == clock.time


def test_two_who_share_a_bank_share_the_turns() -> None:
    """A key is asked at its rate, however many budgets of one name there are."""
    clock, bank = Clock(), Alone()
    for one in (budget(clock, 2, None, bank), budget(clock, 2, None, bank)) * 2:
        one.take()

    assert START + timedelta(seconds=1.5) == clock.time


def test_the_day_has_an_end_and_the_next_a_beginning() -> None:
    """When a day's calls are used up, it is said until when; after midnight they are there again."""
    clock = Clock()
    mine = budget(clock, None, 2)
    mine.take(2)
    with pytest.raises(SourceBusy, match="explorer: today's 2 calls are used up; .* 00:00 UTC") as caught:
        mine.take()
    assert 2.0 == caught.value.retry_after_seconds
    clock.sleep(2)
    mine.take()


def test_a_suspension_is_kept() -> None:
    """After the provider asked for 27 seconds of silence the next call begins 27 seconds later."""
    clock = Clock()
    mine = budget(clock, 10, None)
    mine.pause(27)
    mine.take()

    assert START + timedelta(seconds=27) == clock.time


def test_a_long_suspension_is_told_not_waited_for() -> None:
    """Nobody sleeps for an hour inside a call."""
    clock = Clock()
    mine = budget(clock, 10, None)
    mine.pause(3600)
    with pytest.raises(SourceBusy, match="3600 seconds of silence") as caught:
        mine.take()

    assert (START, 3600.0) == (clock.time, caught.value.retry_after_seconds)
