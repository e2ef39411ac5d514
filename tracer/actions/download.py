"""Download a list to a file. Only scheme and host of a URL are ever shown: the rest may hold a key."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import httpx

from tracer.errors import InputError, SourceBroken, SourceBusy

LARGEST = 1 << 30  # bytes
SECONDS = 60.0  # that a server may stay silent
_NAME = 100  # letters


@contextmanager
def download(url: str) -> Iterator[tuple[Path, str]]:
    """The file behind a URL, under the name the URL gives it, and scheme and host; the file is gone afterwards.

    Raises InputError for what is no web address, SourceBusy where it may work later, SourceBroken where it will not.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as wrong:
        raise InputError("the feed's url is no web address: write http(s)://…") from wrong
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InputError("the feed's url is no web address: write http(s)://…")
    where = f"{parsed.scheme}://{parsed.host}"
    with tempfile.TemporaryDirectory(prefix="tracer-feed-") as home:
        path = Path(home) / (PurePosixPath(parsed.path).name[-_NAME:] or "download")
        try:
            _fetch(parsed, where, path)
        except httpx.HTTPError as wrong:
            raise SourceBusy(f"{where} cannot be read: {type(wrong).__name__}: try again later") from None
        yield path, where


def _fetch(url: httpx.URL, where: str, path: Path) -> None:
    with httpx.stream("GET", url, timeout=SECONDS, follow_redirects=True) as reply, path.open("wb") as file:
        if reply.status_code != httpx.codes.OK:
            kind = (
                SourceBusy
                if reply.status_code == httpx.codes.TOO_MANY_REQUESTS or reply.is_server_error
                else SourceBroken
            )
            raise kind(f"{where} answered {reply.status_code}: see the feed's url")
        size = 0
        for piece in reply.iter_bytes(1 << 20):
            size += len(piece)
            if size > LARGEST:
                raise SourceBroken(f"{where} sends more than {LARGEST >> 30} GiB: import the file by hand")
            file.write(piece)
