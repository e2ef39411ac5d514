"""One entry of a YAML file, read strictly: each reader gives a checked value or an InputError that says where."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tracer.detect.kyc import days
from tracer.errors import InputError

QUOTE_WORDS = 20


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys an entry must and may have, blank-separated."""

    must: str
    may: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping and where it stands. Null is the same as absent. Every reader raises InputError."""

    where: str
    fields: dict[str, object]

    @classmethod
    def of(cls, where: str, item: object, keys: Keys, name: str = "id") -> Entry:
        """An entry whose keys are those expected; `name` is the key that messages show it by."""
        if not isinstance(item, dict):
            raise InputError(f"{where} is no mapping: write key: value lines")
        entry = cls(f"{where} ({item[name]})" if item.get(name) else where, item)
        must, may = keys.must.split(), keys.may.split()
        unknown = sorted(str(key) for key in item if key not in {*must, *may})
        if unknown:
            raise entry.wrong(f"unknown key {', '.join(unknown)}", f"known are {', '.join([*must, *may])}")
        missing = [key for key in must if item.get(key) is None]
        if missing:
            raise entry.wrong(f"{', '.join(missing)} missing", "add it")
        return entry

    def wrong(self, what: str, remedy: str) -> InputError:
        """The error to raise: file, entry, what is wrong, and what to do."""
        return InputError(f"{self.where}: {what}: {remedy}")

    def maybe(self, key: str) -> str | None:
        """Text that may be absent. Numbers and dates must be in quotes, else YAML would change them."""
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{key} is no text", "write it in quotes")
        if not value.isprintable():
            raise self.wrong(f"{key} holds control characters {value!r}", "remove them")
        return value

    def text(self, key: str) -> str:
        """Text that must be there."""
        value = self.maybe(key)
        if value is None:
            raise self.wrong(f"{key} missing", "add it")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; absent is empty."""
        values = self.fields.get(key) or []
        if not isinstance(values, list):
            raise self.wrong(f"{key} is no list", "write one entry a dash")
        return tuple(Entry(self.where, {key: value}).text(key) for value in values)

    def entries(self, key: str, keys: Keys) -> tuple[Entry, ...]:
        """The entries of a list; absent is empty."""
        items = self.fields.get(key) or []
        if not isinstance(items, list):
            raise self.wrong(f"{key} is no list", "write one entry a dash")
        return tuple(Entry.of(f"{self.where}, {key} {number}", item, keys) for number, item in enumerate(items, 1))

    def entry(self, key: str, keys: Keys) -> Entry | None:
        """An entry inside this one, or None where it is absent."""
        item = self.fields.get(key)
        return None if item is None else Entry.of(f"{self.where}, {key}", item, keys)

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """One of a few words."""
        value = self.text(key)
        if value not in allowed:
            raise self.wrong(f"{key} {value!r} is unknown", f"write one of {', '.join(sorted(allowed))}")
        return value

    def maybe_choice(self, key: str, allowed: Collection[str]) -> str | None:
        """One of a few words, or absent."""
        return None if self.maybe(key) is None else self.choice(key, allowed)

    def yes_no(self, key: str) -> bool | None:
        """YAML reads a bare yes as true: both are taken."""
        value = self.fields.get(key)
        if value is None or isinstance(value, bool):
            return value
        return self.choice(key, ("yes", "no")) == "yes"

    def date(self, key: str) -> str | None:
        """An ISO day, month or year, or absent."""
        value = self.maybe(key)
        if value is not None:
            try:
                days(value)
            except ValueError as wrong:
                raise self.wrong(f"{key}: {wrong}", "write it in quotes") from None
        return value

    def day(self, key: str) -> str:
        """An ISO day that must be there."""
        value = self.date(key)
        if value is None or len(value) != len("2026-11-21"):
            raise self.wrong(f"{key} {value!r} is no day", "write YYYY-MM-DD in quotes")
        return value

    def url(self, key: str) -> str:
        """A web address."""
        value = self.text(key)
        if not value.startswith(("https://", "http://")) or " " in value:
            raise self.wrong(f"{key} {value!r} is no web address", "write http(s)://…")
        return value

    def quote(self, key: str) -> str:
        """Words of the source, at most twenty: enough to find the place, no copy of the text."""
        value = self.text(key)
        if len(value.split()) > QUOTE_WORDS:
            raise self.wrong(f"{key} has {len(value.split())} words", f"keep to {QUOTE_WORDS}")
        return value
