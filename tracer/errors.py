"""Everything Tracer raises on purpose.

TracerError
├── ConfigError         the settings or the store are not usable: mend them and start again
├── InputError          what was given is wrong: the message names the value and the remedy
│   ├── BadAddress
│   ├── UnknownChain
│   ├── UnknownAsset
│   ├── UnknownMethod
│   └── BadRows         rows of a file, each named by line and reason
├── NotFound            there is no such case, flag or report
├── Conflict            it clashes with what is stored
├── Denied              the actor may not do this
├── StoreError          the store refused: locked, full, read-only, of another version
└── SourceError         a provider of chain data failed
    ├── SourceBusy      ask again after `retry_after_seconds`
    ├── SourceRefused   this source is out for this run
    ├── SourceBroken    the reply is not as promised; the raw reply is kept
    ├── RangeTooLarge   ask for less; `hint` is a range that would do, if known
    └── Reorg           rewind to the common ancestor and pull again
"""

from dataclasses import dataclass


class TracerError(Exception):
    """Base of all; callers show the message to the user."""


class ConfigError(TracerError):
    """Settings cannot be used; the caller stops at start and shows the name of the setting."""


class InputError(TracerError):
    """The caller gave something wrong and can mend it."""


class BadAddress(InputError):
    """Not an address of that chain, or its checksum fails."""


class UnknownChain(InputError):
    """A chain Tracer does not know."""


class UnknownAsset(InputError):
    """An asset that is neither native, a contract nor a value identifier."""


class UnknownMethod(InputError):
    """A method that is not in METHODS."""


@dataclass(frozen=True)
class BadRow:
    """One refused row of a file: its line (1 is the header) and why."""

    line: int
    reason: str


class BadRows(InputError):
    """Rows of a file were refused; the caller lists them and stores nothing of the file."""

    def __init__(self, rows: tuple[BadRow, ...], total: int) -> None:
        super().__init__(f"{total} bad row{'s' if total != 1 else ''}")
        self.rows = rows
        self.total = total


class NotFound(TracerError):
    """What was asked for does not exist."""


class Conflict(TracerError):
    """The request clashes with what is stored; nothing was changed."""


class Denied(TracerError):
    """The actor may not do this; nothing was changed."""


class StoreError(TracerError):
    """The store could not be read or written; nothing of the act in hand was kept."""


class SourceError(TracerError):
    """A provider failed; checkpoints do not move."""


class SourceBusy(SourceError):
    """Ask this source again after a while."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceRefused(SourceError):
    """This source will not answer in this run; the caller goes on with the others."""


class SourceBroken(SourceError):
    """The reply was not as documented; the caller keeps it raw and moves no checkpoint."""


class RangeTooLarge(SourceError):
    """The range was refused; the caller asks for `hint`, or for half; where it is 0 nothing will do."""

    def __init__(self, message: str, hint: int | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Reorg(SourceError):
    """A block that was read is gone; the caller rewinds to the common ancestor."""
