"""Nothing secret in any message, log line or kept reply: keys, and whatever of a URL is not its host."""

from __future__ import annotations

import logging
from base64 import b64encode
from urllib.parse import quote, unquote, unquote_plus, urlsplit

from tracer.errors import ConfigError
from tracer.sources.cells import clean

LETTERS = 200  # of a foreign text in a message
HIDDEN = "***"
SHORTEST = 4  # letters of what is hidden in messages: /v1 is no secret
TELLING = 8  # and in replies
_SECRETS: set[str] = set()
_LOGGERS = (
    "urllib3.connectionpool",
    "urllib3.util.retry",
    "web3.providers.HTTPProvider",
    "web3._utils.http_session_manager.HTTPSessionManager",
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.proxy",
)


class _Scrub(logging.Filter):
    """Takes the secrets out of what vendors log: they name the whole URL."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrubbed(record.getMessage()), ()
        return True


_SCRUB = _Scrub()


def host(url: str) -> str:
    """What may be shown of a URL: scheme and host. Raises ConfigError if it is no HTTP address."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("the url of a source must be http://HOST… or https://HOST…")
    return f"{parts.scheme}://{parts.hostname}{port}"


def hide(url: str) -> None:
    """From now on no message of ours, and no log line of the vendors, shows more of this URL than its host."""
    parts = urlsplit(url)
    login = [parts.username or "", parts.password or ""]
    # Of a parameter the value is hidden; one without a value is one.
    values = [value or name for name, _, value in (one.partition("=") for one in parts.query.split("&"))]
    known = {parts.query, *login, *parts.path.split("/"), *values}
    known |= {form(piece) for piece in known for form in (unquote, unquote_plus, _requoted)}
    if any(login):
        known.add(b64encode(":".join(map(unquote, login)).encode("latin1", "replace")).decode().rstrip("="))
    _hide(known)


def hide_key(key: str) -> None:
    """From now on no message, log line or kept reply shows this key, as it is or as a URL writes it."""
    _hide({key, quote(key, safe="")})


def _hide(pieces: set[str]) -> None:
    _SECRETS.update(piece for piece in pieces if len(piece) >= SHORTEST)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_SCRUB)  # the same filter is added once


def _requoted(piece: str) -> str:
    return quote(unquote(piece))


def scrubbed(text: str) -> str:
    """A text without any secret of a source."""
    for secret in sorted(_SECRETS, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def without_secrets(body: bytes) -> bytes:
    """A reply as it is kept: nodes add their own URL to answers. Short words of a path are words of replies, too."""
    for secret in sorted(_SECRETS, key=len, reverse=True):
        if len(secret) >= TELLING and (word := secret.encode()) in body:
            body = body.replace(word, HIDDEN.encode())
    return body


def shown(text: str) -> str:
    """A foreign text as a message may show it: no secret, no control characters, not longer than a line or two."""
    text = clean(scrubbed(text))
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"
