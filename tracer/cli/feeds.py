"""`tracer feeds`: lists that others publish, taken in as a whole and kept up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tracer.actions.affected import Affected
from tracer.actions.feed import FEEDS, Synced, Taken, feed_named, import_feed, sync_feed
from tracer.cli.terminal import AsJson, answer, show, the_app
from tracer.errors import ConfigError
from tracer.exports.plain import moment

feeds_app = typer.Typer(
    no_args_is_help=True, help="Lists that others publish, taken in as a whole and kept up to date."
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A feed: `tracer feeds list` shows all.")]
COUNTS = ("added", "changed", "withdrawn", "conflicts", "left_out", "entities_added", "entities_withdrawn")


@feeds_app.command("list")
def feeds_list(as_json: AsJson = False) -> None:
    """The feeds there are, their licences, and the newest version of each that was taken in."""
    with the_app() as made:
        newest = {version.feed: version for version in made.store.feeds()}
        urls = made.settings.feeds.urls()
    rows: list[dict[str, Any]] = [
        {
            "feed": feed.name,
            "what": feed.what,
            "licence": feed.licence,
            "sync": feed.name in urls,
            "taken_in": [
                {
                    "unit": one.feed,
                    "version": one.version,
                    "sha256": one.sha256,
                    "counts": dict(one.counts),
                    "recorded_at": moment(one.recorded_at),
                }
                for unit, one in sorted(newest.items())
                if unit == feed.name or unit.startswith(f"{feed.name}/")
            ],
        }
        for feed in FEEDS.values()
    ]
    if as_json:
        answer("feeds", {"items": rows, "next": None})
        return
    for row in rows:
        show([f"{row['feed']:16} {row['what']} (licence: {row['licence']})"])
        show(f"  {one['unit']}: version {one['version']}, taken in {one['recorded_at']}" for one in row["taken_in"])


@feeds_app.command("import")
def feeds_import(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its file, or a folder of its files.")],
    as_of: Annotated[str | None, typer.Option(help="The day the list is of, where it does not say so itself.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take in a feed's file, or a folder of them, in one commit; what it no longer says is withdrawn."""
    with the_app() as made:
        _told(import_feed(made.store, name, file, made.actor, as_of=as_of), as_json)


@feeds_app.command("sync")
def feeds_sync(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A feed; default: all that have a url.")] = None,
    as_json: AsJson = False,
) -> None:
    """Download the feeds that have a url in the settings, and take them in."""
    with the_app() as made:
        urls = made.settings.feeds.urls()
        names = [feed_named(name).name] if name else [each for each in FEEDS if each in urls]
        if not names or not set(names) <= urls.keys():
            raise ConfigError(
                f"no url is set: write {name or 'NAME'} = 'https://…' under [tracer.feeds] in tracer.toml"
            )
        done = [sync_feed(made.store, each, urls[each], made.actor) for each in names]
        taken = tuple(one for each in done for one in each.taken)
        cases = {one.case: one for each in done for one in each.affected}
        _told(Synced(taken, tuple(cases.values())), as_json)


def _told(done: Synced, as_json: bool) -> None:
    if as_json:
        answer("feed", {"items": [_taken(one) for one in done.taken], "affected": affected_rows(done.affected)})
        return
    for one in done.taken:
        if one.version is None:
            show([f"{one.unit}: nothing new"])
            continue
        counts = ", ".join(f"{one.version.counts.get(key, 0)} {key.replace('_', ' ')}" for key in COUNTS)
        show([f"{one.unit}: version {one.version.version}: {counts}"])
        show(f"  left out: {count} times: {reason}" for reason, count in one.reasons.items())
    show(affected_lines(done.affected))


def _taken(one: Taken) -> dict[str, Any]:
    head = {"unit": one.unit, "new": one.version is not None}
    if one.version is None:
        return head
    told = {"version": one.version.version, "sha256": one.version.sha256, "licence": one.version.licence}
    return head | told | {"counts": dict(one.version.counts), "left_out": dict(one.reasons)}


def affected_rows(found: tuple[Affected, ...]) -> list[dict[str, Any]]:
    """Cases and flags that a change touches, as JSON."""
    return [{"case": one.case, "flags": list(one.flags)} for one in found]


def affected_lines(found: tuple[Affected, ...]) -> list[str]:
    """Cases and flags that a change touches, for a person."""
    lines = [f"touches case {one.case}: flags {', '.join(one.flags) or 'none'}" for one in found]
    return [*lines, "the jobs trace them again; or: tracer trace CASE"] if lines else []
