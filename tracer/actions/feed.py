"""Take in lists that others publish: each as a whole, in one commit, with its version, hash and what it changed.

What a newer version no longer says is withdrawn, with the cause. The same file again changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from tracer.actions.affected import Affected, affected
from tracer.actions.intake import keep
from tracer.actions.registry import refresh
from tracer.errors import BadRows, Conflict, InputError, NotFound
from tracer.model import Address, Label
from tracer.registry.actors import read_actors
from tracer.registry.lists import read_etherscan, read_scamsniffer
from tracer.registry.ofac import read_addresses_list, read_sdn
from tracer.registry.registry import Registry
from tracer.registry.reserves import read_binance, read_okx
from tracer.registry.said import About, Said, Tally
from tracer.registry.tagpacks import read_tagpack
from tracer.sources.files import RawFile, Remarks, opened, stream_labels
from tracer.store.rows import FeedVersion
from tracer.store.store import Store
from tracer.store.work import Work

Reader = Callable[[BinaryIO, About], Said]
GONE = "no longer part of the feed"


@dataclass(frozen=True, slots=True)
class Feed:
    """A row of FEEDS. `endings`: of its files' names in a folder. `many`: each file is a list of its own.

    `keeps`: a newer version does not unsay an older one.
    """

    name: str
    what: str
    licence: str
    read: Reader
    endings: tuple[str, ...]
    many: bool = False
    keeps: bool = False

    def unit(self, file_name: str) -> str:
        """What a file of it is called here: the feed, and where it has many lists the file's name too."""
        return f"{self.name}/{file_name}" if self.many else self.name


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was taken in; `version` None: the store has it already. `reasons`: of what was left out."""

    unit: str
    version: FeedVersion | None
    reasons: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Synced:
    """What an import did, and which cases and flags it touches: the jobs run them again."""

    taken: tuple[Taken, ...]
    affected: tuple[Affected, ...] = ()


def _tagpack(content: BinaryIO, about: About) -> Said:
    pack = read_tagpack(content, about.name)
    left_out = Tally()
    for tag in pack.left_out:
        left_out.add(tag.reason)
    lastmod = (pack.lastmod or "")[:10]
    return Said(about.as_of or (lastmod if _is_day(lastmod) else None), pack.labels, (), left_out, pack.tags)


def _labels_csv(content: BinaryIO, about: About) -> Said:
    said = Said(about.as_of, ())
    said.labels = _stream(RawFile(about.name, content), said)
    return said


def _stream(file: RawFile, said: Said) -> Iterator[Label]:
    """The labels one after the other; BadRows at the end, so that nothing of a file with bad rows is kept."""
    left_out, refused = Remarks(), Remarks()
    for label in stream_labels(file, left_out, refused):
        said.rows += 1
        yield label
    if refused.total:
        raise BadRows(tuple(refused.rows), refused.total)
    for row in left_out.rows:
        said.rows += 1
        said.left_out.add(row.reason)


FEEDS: dict[str, Feed] = {
    feed.name: feed
    for feed in (
        Feed("tagpacks", "GraphSense TagPacks", "MIT", _tagpack, (".yaml", ".yml"), many=True),
        Feed("actors", "GraphSense actor pack: who a tag's actor is", "MIT", read_actors, (".yaml", ".yml")),
        Feed("ofac", "OFAC SDN list: sdn.xml or sdn_advanced.xml", "US public domain", read_sdn, (".xml",)),
        Feed(
            "ofac_addresses",
            "OFAC's addresses, one file a ticker",
            "data US public domain; lists of github.com/0xB10C MIT",
            read_addresses_list,
            (".txt",),
            many=True,
        ),
        Feed(
            "okx", "OKX proof of reserves, signed CSV or its ZIP", "none stated", read_okx, (".csv", ".zip"), keeps=True
        ),
        Feed(
            "binance",
            "Binance proof of reserves, its ZIP or CSV",
            "none stated",
            read_binance,
            (".csv", ".zip"),
            keeps=True,
        ),
        Feed("scamsniffer", "ScamSniffer's phishing addresses", "GPL-3.0; 7 days late", read_scamsniffer, (".json",)),
        Feed("etherscan", "Etherscan's labels as JSON", "MIT; the data was scraped", read_etherscan, (".json",)),
        Feed("labels", "a labels CSV that is renewed as a whole", "yours", _labels_csv, (".csv",), many=True),
    )
}


def feed_named(name: str) -> Feed:
    """The feed of that name. Raises NotFound naming those there are."""
    if name not in FEEDS:
        raise NotFound(f"no feed {name!a}: there are {', '.join(FEEDS)}")
    return FEEDS[name]


def import_feed(store: Store, name: str, path: Path, actor: str, *, as_of: str | None = None) -> Synced:
    """Take in a feed's file, or a folder of them, in one commit: all of it or nothing.

    A folder of a feed with many lists is the whole feed: lists that are not in it any more are withdrawn. `as_of`: the
    ISO day the list is of, where it states none. Raises NotFound for the feed, InputError for a file that is not its,
    Conflict for a version older than the one taken in.
    """
    feed = feed_named(name)
    if as_of is not None and not _is_day(as_of):
        raise InputError(f"--as-of {as_of!a} is no day: write YYYY-MM-DD")
    files = _files(feed, path)
    return _take(store, feed, files, actor, as_of=as_of, whole=path.is_dir() and feed.many)


def sync_feed(store: Store, name: str, url: str, actor: str) -> Synced:
    """Download a feed and take it in. Raises SourceError where the download fails; then nothing is changed."""
    feed = feed_named(name)
    from tracer.actions.download import download  # noqa: PLC0415 - httpx is loaded by those who need it

    with download(url) as (path, host):
        return _take(store, feed, [path], actor, url=host)


def _files(feed: Feed, path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.suffix.lower() in feed.endings and one.is_file())
    names = [one.name for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not found or (len(found) > 1 and not feed.many) or twice:
        what = f"two files {twice[0]}" if twice else f"{len(found)} files of {feed.name}"
        raise InputError(f"{path.name} holds {what}: name one file")
    return found


@dataclass(frozen=True, slots=True)
class _Taking:
    """What is the same for every file of an import."""

    store: Store
    work: Work
    feed: Feed
    registry: Registry
    newest: Mapping[str, FeedVersion]
    as_of: str | None
    url: str | None

    def file(self, path: Path) -> Taken:
        """One file: read, compared, kept."""
        with opened(path) as file:
            digest, unit = file.digest(), self.feed.unit(file.name)
            last = self.newest.get(unit)
            if last is not None and last.sha256 == digest and self.as_of in (None, last.version):
                return Taken(unit, None, {})
            file.content.seek(0)
            said = self.feed.read(file.content, self._about(file.name, unit))
            number = said.version or f"sha256:{digest[:12]}"
            _refuse_older(unit, number, last)
            counts = self.work.replace_feed(unit, number, said.labels, said.entities, keeps=self.feed.keeps)
            counts = {"rows": said.rows, "left_out": said.left_out.total, **counts}
            version = FeedVersion(unit, number, digest, self.feed.licence, self.url, counts)
            self.work.add_feed_version(version)
            keep(self.work, file, digest, f"feed {self.feed.name}")
        return Taken(unit, version, said.left_out.reasons)

    def gone(self, units: Collection[str]) -> Iterator[Taken]:
        """The lists of the feed that are not among these any more say nothing more."""
        prefix = self.feed.unit("")
        for unit, last in self.newest.items():
            if unit.startswith(prefix) and unit not in units and last.sha256:
                counts = self.work.replace_feed(unit, GONE, (), ())
                version = FeedVersion(unit, GONE, "", self.feed.licence, self.url, counts)
                self.work.add_feed_version(version)
                yield Taken(unit, version, {})

    def _about(self, name: str, unit: str) -> About:
        return About(
            name,
            self.registry,
            self.as_of,
            before=lambda: self.store.feed_claims(unit),
            whose=lambda places: _whose(self.store, places),
        )


def _take(
    store: Store,
    feed: Feed,
    files: list[Path],
    actor: str,
    *,
    as_of: str | None = None,
    url: str | None = None,
    whole: bool = False,
) -> Synced:
    registry = refresh(store)
    newest = {version.feed: version for version in store.feeds()}
    with store.act(actor, "feed", feed.name) as work:
        taking = _Taking(store, work, feed, registry, newest, as_of, url)
        taken = [taking.file(path) for path in files]
        taken += taking.gone({one.unit for one in taken}) if whole else ()
        did = {one.unit: dict(one.version.counts) for one in taken if one.version}
        work.note(units=did)
        at = work.at
    return Synced(tuple(taken), affected(store, at) if did else ())


def _refuse_older(unit: str, number: str, last: FeedVersion | None) -> None:
    if last is not None and _is_day(number) and _is_day(last.version) and number < last.version:
        raise Conflict(f"{unit} was taken in as of {last.version}: this one, of {number}, is older")


def _is_day(text: str) -> bool:
    try:
        return len(text) == len("2026-11-21") and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _whose(store: Store, places: Collection[Address]) -> dict[Address, list[str]]:
    """By which names addresses are labelled, a list of bare addresses aside."""
    names: dict[Address, list[str]] = defaultdict(list)
    for label in store.labels(places):
        if not (label.feed or "").startswith("ofac_addresses/"):
            names[label.address].append(label.entity)
    return names
