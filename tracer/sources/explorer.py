"""What all explorers of EVM chains have in common: what is final, reorganisations, a whole transaction, pages."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tracer.chains import parse_chain, parse_tx_hash
from tracer.errors import ConfigError, InputError, Reorg, SourceBroken, SourceBusy, SourceRefused
from tracer.model import Address, Checkpoint, Coverage
from tracer.sources import decode
from tracer.sources.base import Page, Said, SourceSettings, envelope
from tracer.sources.budget import Budget
from tracer.sources.providers import provider
from tracer.sources.reply import Broken, Busy, Refused, Reply, Rows
from tracer.sources.rpc import refusal
from tracer.sources.secrets import host
from tracer.sources.web import Answer, Asked, Read, Web, usual

HEAD_SECONDS = 10.0  # the newest final block is asked for again after so long: one call for many addresses


class Head(NamedTuple):
    """The newest final block, and when that was (monotonic seconds)."""

    number: int
    hash: str
    read: float


@dataclass(frozen=True, slots=True)
class Part:
    """What a page is made of: the blocks it ends at and rests on, what it says, and why it may not be all.

    `lasting`: reasons that hold for what follows as well.
    """

    raw: bytes
    said: Said
    checkpoint: Checkpoint
    blocks: Mapping[int, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    done: bool = True


class Explorer(ABC):
    """A Source (see there). Raises ConfigError if the provider does not serve the chain, or not without a key."""

    def __init__(self, settings: SourceSettings, budget: Budget, *, read: Read, headers: Mapping[str, str]) -> None:
        self.chain = parse_chain(settings.chain)
        self.name = settings.name or f"{settings.kind}@{host(settings.url).partition('://')[2]}"
        self.kind, self.key, self.start_block = settings.kind, settings.key, settings.start_block
        self.provider = provider(settings.kind)
        self._support = self.provider.support(self.chain)
        if self.provider.needs_key and not settings.key and host(settings.url) == host(self.provider.at(self.chain)):
            raise ConfigError(f"source {self.name}: {self.kind} needs a key: write key or key_env")
        known = self._support.confirmations
        self._confirmations = known if settings.confirmations is None else settings.confirmations
        self.web = Web(settings.url.rstrip("/"), budget, read, settings.timeout_seconds, settings.key, headers)
        self._newest: Head | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name})"

    # --- what each explorer does its own way --------------------------------------------------------------------------

    @abstractmethod
    def node(self, method: str, *params: Any) -> Asked:
        """Ask as one would ask a node; the reply's one row is the result, which may be None."""

    @abstractmethod
    def read(self, address: Address, checkpoint: Checkpoint, start: int, head: Head) -> Part:
        """The next page of an address from block `start` on, or as far down as it was not read yet."""

    @abstractmethod
    def beside(self, tx_hash: str) -> tuple[dict[str, list[bytes]], str]:
        """What a node does not tell of a transaction ("inner": its calls), and why the replies may not be all."""

    @abstractmethod
    def parse(self, raw: bytes) -> tuple[Said, dict[int, str]]:
        """What a page's raw content says, and the block hashes it names. Pure."""

    @abstractmethod
    def forget(self) -> None:
        """Remember nothing of what lists said."""

    # --- the two verbs ------------------------------------------------------------------------------------------------

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """The next page of an address; see Source."""
        checkpoint, start, head = self.going_on(address, checkpoint)
        if start > head.number:
            part = Part(envelope(self.kind, {}), Said((), ()), checkpoint, reasons=self.lasting(checkpoint))
        else:
            part = self.read(address, checkpoint, start, head)
        since = (f"from block {self.start_block}",) if self.start_block else ()
        return self._page(part, head, (*since, *((self._support.lacks,) if self._support.lacks else ())))

    def lasting(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        """What is known to be missing before a checkpoint."""
        return ()

    def transaction(self, tx_hash: str) -> Page:
        """The whole transaction; see Source."""
        tx_hash, head = parse_tx_hash(self.chain, tx_hash), self._head()
        receipt, raw = self._asked("eth_getTransactionReceipt", tx_hash)
        replies = {"receipt": [raw]}
        nothing = Part(envelope(self.kind, replies), Said((), ()), Checkpoint())
        if receipt is None:
            return self._page(nothing, head, ())
        number = self.promised(lambda: decode.quantity(receipt["blockNumber"]))
        if number > head.number:
            return self._page(nothing, head, (), done=False)
        tx, replies["transaction"] = self._needed("eth_getTransactionByHash", tx_hash)
        block, replies["block"] = self._needed("eth_getBlockByNumber", hex(number), False)
        more, lacks = self.beside(tx_hash)
        kept = envelope(self.kind, replies | more, chain=self.chain, tx_hash=tx_hash, whole=not lacks)
        said, blocks = self.parse(kept)
        no_fee = self._support.lacks if "l1Fee" not in receipt and "fee" not in more else ""
        reasons = tuple(filter(None, (lacks, no_fee)))
        return self._page(Part(kept, said, Checkpoint(), blocks, reasons), head, ())

    def block_hash(self, number: int) -> str | None:
        """The hash that a block has now; see Source."""
        block, _ = self._asked("eth_getBlockByNumber", hex(number), False)
        return None if block is None else self.promised(lambda: _hash(block, number))

    # --- helpers ------------------------------------------------------------------------------------------------------

    def going_on(self, address: Address, checkpoint: Checkpoint | None) -> tuple[Checkpoint, int, Head]:
        """Where reading goes on: the checkpoint, the first block to read, the newest final one. Raises Reorg."""
        if address.chain != self.chain:
            raise InputError(f"{address} is not of {self.chain}, which {self.name} reads")
        checkpoint = checkpoint or Checkpoint()
        head = self._head()
        self._check(checkpoint, head)
        return checkpoint, self.start_block if checkpoint.block is None else checkpoint.block + 1, head

    def hash_now(self, number: int, head: Head) -> str:
        """The hash of a block that is final. Raises SourceBusy if there is none."""
        found = head.hash if number == head.number else self.block_hash(number)
        if found is None:
            raise SourceBusy(f"{self.name} does not have block {number}, which is final")
        return found

    def promised(self, decoded: Callable[[], Any]) -> Any:
        """What a reply says. Raises SourceBroken if it is not as documented."""
        try:
            return decoded()
        except decode.WRONG as wrong:
            text = f"{self.web.host}: the reply is not as documented: {type(wrong).__name__} {wrong}"
            raise SourceBroken(text) from None

    def _check(self, checkpoint: Checkpoint, head: Head) -> None:
        """Raise Reorg if the checkpoint's block is not what it was."""
        block, hashed = checkpoint.block, checkpoint.block_hash
        if block is not None and hashed is not None and self.hash_now(block, head) != hashed:
            raise Reorg(f"block {block} is no longer {hashed}")

    def _head(self) -> Head:
        """The newest final block. If the one before it is gone, so may be what is remembered of lists."""
        kept = self._newest
        if kept is not None and time.monotonic() - kept.read < HEAD_SECONDS:
            return kept
        if kept is not None and self.block_hash(kept.number) != kept.hash:
            self.forget()
        newest, _ = self._asked("eth_blockNumber")
        number = self.promised(lambda: max(0, decode.quantity(newest) - self._confirmations))
        hashed = self.block_hash(number)
        if hashed is None:
            raise SourceBusy(f"{self.name} does not have block {number} yet")
        self._newest = Head(number, hashed, time.monotonic())
        return self._newest

    def _asked(self, method: str, *params: Any) -> tuple[Any, bytes]:
        asked = self.node(method, *params)
        return asked.reply.rows[0] if isinstance(asked.reply, Rows) else None, asked.raw

    def _needed(self, method: str, *params: Any) -> tuple[Any, list[bytes]]:
        result, raw = self._asked(method, *params)
        if result is None:
            raise SourceBusy(f"{self.name}: {method} has nothing yet of a transaction that has a receipt")
        return result, [raw]

    def _page(self, part: Part, head: Head, lacks: tuple[str, ...], *, done: bool | None = None) -> Page:
        reasons = [*part.reasons, *lacks]
        end, blocks = part.checkpoint, dict(part.blocks)
        if end.block is not None and end.block_hash is not None:
            blocks[end.block] = end.block_hash
        return Page(
            source=self.name,
            raw=part.raw,
            transactions=part.said.transactions,
            assets=part.said.assets,
            checkpoint=end,
            head=head.number,
            blocks=blocks,
            coverage=Coverage("partial", "; ".join(reasons)) if reasons else Coverage("complete"),
            done=part.done if done is None else done,
        )


def _hash(block: Any, number: int) -> str:
    if decode.quantity(block["number"]) != number:
        raise ValueError(f"another block than {number}")
    return decode.block_hash(block["hash"])


# --- what replies mean at any of them ---------------------------------------------------------------------------------


def denied(answer: Answer) -> Reply | None:
    """What status and form say at any explorer; see web.usual."""
    if answer.status in (401, 402, 403):
        text = answer.body.decode("utf-8", "replace")
        return Refused(f"access is refused (HTTP {answer.status}): {text}")
    if answer.status == 429 and (wait := answer.headers.get("x-ratelimit-reset", "")).isdecimal():
        return Busy("too many requests", int(wait) / 1000)
    return usual(answer)


def node_reply(answer: Answer, otherwise: Callable[[Answer], Reply]) -> Reply:
    """What an answer in the form of JSON-RPC means: one row, the result. `otherwise`: it has another form."""
    wrong = denied(answer)
    if wrong is not None:
        return wrong
    said = answer.said
    if isinstance(said, dict) and said.get("error") is None and "jsonrpc" in said and "result" in said:
        return Rows([said["result"]])
    if isinstance(said, dict) and "jsonrpc" in said and said.get("error") is not None:
        return _refused(said["error"])
    return otherwise(answer)


_UNKNOWN = re.compile(r"(transaction|receipt|block) not found\.?", re.IGNORECASE)


def _refused(error: Any) -> Reply:
    """What the error of an answer means; Blockscout says in one that there is no such block or transaction."""
    text = str(error.get("message") if isinstance(error, dict) else error)
    if _UNKNOWN.fullmatch(text.strip()):
        return Rows([None])
    meant = refusal("", "", error)
    if isinstance(meant, SourceBusy):
        return Busy(text)
    return Refused(text) if isinstance(meant, SourceRefused) else Broken(text)
