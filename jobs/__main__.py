"""`python -m jobs`: the scheduler. One acts at a time: a lease in the database decides, a second stands by.

python -m jobs                run for good; SIGTERM or Ctrl-C finishes the page in hand
python -m jobs --list         what runs, how often, and how it went last
python -m jobs --once NAME    one job now (with `all`: each job once, in order)
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from types import FrameType

from jobs.runner import Runner, Standby
from jobs.schedule import SCHEDULE
from jobs.tasks import Desk
from tracer.app import opened
from tracer.cli import complain, exit_code
from tracer.errors import NotFound, TracerError
from tracer.settings import Settings

LOG = logging.getLogger("tracer.jobs")


def main(words: list[str] | None = None) -> int:
    """Run as the words say; -> the exit code of the command line's table."""
    asked = _parser().parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of every round that a long pull delays
    try:
        return _run(asked)
    except TracerError as error:
        complain(error)
        return exit_code(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m jobs", description="Pull, trace, flag and notify by themselves.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--once", metavar="NAME", help=f"run one job now: {', '.join(SCHEDULE)}, or all in this order")
    choice.add_argument("--list", action="store_true", help="show the schedule and how each job went last")
    return parser


def _run(asked: argparse.Namespace) -> int:
    if asked.once is not None and asked.once not in (*SCHEDULE, "all"):
        raise NotFound(f"no job {asked.once!r}: there are {', '.join(SCHEDULE)}, and all")
    with opened(Settings.load()) as app:
        holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        runner = Runner(Desk(app), holder)
        if asked.list:
            return _list(runner)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stopping(runner))
        if asked.once is None:
            runner.forever()
            return 0
        try:
            return runner.once(list(SCHEDULE) if asked.once == "all" else [asked.once])
        except Standby as other:
            sys.stderr.write(f"another scheduler is at work: {other}\n")
            return 4


def _stopping(runner: Runner) -> Callable[[int, FrameType | None], None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        LOG.info("stopping: the page in hand is finished first; start again to go on")
        runner.stop()

    return stop


def _list(runner: Runner) -> int:
    for name, job in SCHEDULE.items():
        runs = runner.desk.app.store.runs(name, 1)
        last = "never run"
        if runs:
            how = runs[0].error or runs[0].result or "nothing to do"
            last = f"last {runs[0].started_at:%Y-%m-%d %H:%M:%S}: {how if runs[0].ended_at else 'not ended'}"
        sys.stdout.write(f"{name:8} every {job.every_seconds:g} s  {job.says}; {last}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
