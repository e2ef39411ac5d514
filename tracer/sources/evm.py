"""A node of an EVM chain: ERC-20 transfers, coins moved by transactions and by contracts, and fees.

Only final blocks are read, unless it is told to include what is not.
What moves without a transaction (block rewards, withdrawals of stakers) is not seen.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tracer.chains import Family, family, parse_chain, parse_tx_hash
from tracer.errors import ConfigError, InputError, Reorg, SourceBusy, SourceError, SourceRefused
from tracer.model import Address, Checkpoint, Coverage, Kind
from tracer.sources import decode
from tracer.sources.base import Page, SourceSettings
from tracer.sources.blocks import CALL_TRACER, Blocks, Tokens, promised
from tracer.sources.budget import Budget
from tracer.sources.decode import Block, Move, Receipt
from tracer.sources.events import LogPage, NodeEvents
from tracer.sources.finding import Finder, Found, Header, Way, block_call, header
from tracer.sources.providers import confirmations
from tracer.sources.rpc import Call, Node, Reply
from tracer.sources.secrets import host
from tracer.sources.told import About, about, raw, said

REPLY = 256 << 20  # bytes of a reply that are read
PATIENCE = 10  # times `timeout_seconds` that a whole reply may take
CHUNK = 1 << 16
NESTED = 3_000  # levels of JSON that are read: calls nest up to 1,024 deep, two levels each
_NO_TRACES = "no traces"


class Evm:
    """A Source (see there): one JSON-RPC node. Raises ConfigError if the settings cannot be used."""

    def __init__(self, settings: SourceSettings, budget: Budget | None = None) -> None:
        self.chain = parse_chain(settings.chain)
        if family(self.chain) is not Family.EVM:
            raise ConfigError(f"source {settings.name or settings.kind}: {self.chain} is no EVM chain")
        self.name = settings.name or f"{settings.kind}@{host(settings.url).partition('://')[2]}"
        self._settings = settings
        self._confirmations = confirmations(self.chain) if settings.confirmations is None else settings.confirmations
        budget = budget or Budget(self.name)
        self._node = Node(settings.url, _through_web3(settings, budget), settings.batch_requests)
        self._blocks = Blocks(self._node)
        self._tokens = Tokens(self._node)
        self._finder = Finder(self._node, self._blocks, settings, budget)
        self._events = NodeEvents(self._node, self._blocks)
        self._right_chain = False  # not asked yet

    def __repr__(self) -> str:
        return f"Evm({self.name})"

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """The next page of an address; see Source."""
        self._check_address(address)
        try:
            return self._pull(address, checkpoint or Checkpoint())
        except Reorg:  # it may be what is kept of the blocks that is wrong
            self._blocks.forget()
            return self._pull(address, checkpoint or Checkpoint())

    def transaction(self, tx_hash: str) -> Page:
        """The whole transaction, as far as the node traces; see Source."""
        tx_hash = parse_tx_hash(self.chain, tx_hash)
        try:
            return self._transaction(tx_hash)
        except Reorg:
            self._blocks.forget()
            return self._transaction(tx_hash)

    def block_hash(self, number: int) -> str | None:
        """The hash that a block has now; see Source."""
        (answer,) = self._node.ask([block_call(number)]).results
        return None if answer is None else header(self._node, answer).hash

    def logs(self, contract: Address, signatures: Sequence[str], checkpoint: Checkpoint | None) -> LogPage:
        """The next logs of a contract; see EventSource."""
        self._check_address(contract)
        before = checkpoint or Checkpoint()
        head = self._head(before)
        start = self._settings.start_block if before.block is None else before.block + 1
        return self._events.read(contract, signatures, before, start, head.number)

    def _check_address(self, address: Address) -> None:
        if address.chain != self.chain:
            raise InputError(f"{address} is not of {self.chain}, which {self.name} reads")

    # --- what is final ------------------------------------------------------------------------------------------------

    def _head(self, checkpoint: Checkpoint) -> Header:
        """The newest final block. Raises Reorg if the checkpoint's block is not what it was."""
        self._check_chain()
        since = [] if checkpoint.block is None or checkpoint.block_hash is None else [block_call(checkpoint.block)]
        final, *before = self._node.outcomes([block_call("finalized"), *since]).results
        if isinstance(final, SourceBusy):
            raise final
        for answer in before:
            if isinstance(answer, SourceError):
                raise answer
            if answer is not None and header(self._node, answer).hash != checkpoint.block_hash:
                raise Reorg(f"block {checkpoint.block} is no longer {checkpoint.block_hash}")
        return self._confirmed() if final is None or isinstance(final, SourceError) else header(self._node, final)

    def _confirmed(self) -> Header:
        """The newest block that is deep enough, for a node that does not say which one is final."""
        (newest,) = self._node.ask([Call("eth_blockNumber", [])]).results
        with promised(self._node):
            number = max(0, decode.quantity(newest) - self._confirmations)
        return header(self._node, *self._node.ask([block_call(number)]).results)

    def _check_chain(self) -> None:
        """Refuse a node of another chain; asked once."""
        if not self._right_chain:
            (answer,) = self._node.ask([Call("eth_chainId", [])]).results
            with promised(self._node):
                found = f"eip155:{decode.quantity(answer)}"
            if found != self.chain:
                raise SourceRefused(f"{self._node.host} is a node of {found}, not of {self.chain}")
            self._right_chain = True

    # --- a page of an address -----------------------------------------------------------------------------------------

    def _pull(self, address: Address, checkpoint: Checkpoint) -> Page:
        head = self._head(checkpoint)
        start = self._settings.start_block if checkpoint.block is None else checkpoint.block + 1
        newest = self._newest(head)
        if start > newest:
            return self._page(head, checkpoint, about(self.chain, address, {}, (), {}, {}), done=True)
        found = self._finder.find(address, start, newest)
        blocks = self._blocks.read({place.block for place in found.moves})
        for place in found.moves:
            _check_same(place.block, place.block_hash, blocks[place.block].hash)
        receipts = self._receipts(address, found, blocks)
        places = [(place.tx_hash, place.block) for place in found.moves]
        kept = about(self.chain, address, blocks, places, receipts, found.inner)
        end = Checkpoint(block=found.end.number, block_hash=found.end.hash)
        return self._page(head, end, kept, found.rows, found.replies, done=found.end.number >= newest)

    def _newest(self, head: Header) -> int:
        """The block that is read to: the newest final one, or the newest of all."""
        if not self._settings.include_unconfirmed:
            return head.number
        (answer,) = self._node.ask([Call("eth_blockNumber", [])]).results
        with promised(self._node):
            return max(head.number, decode.quantity(answer))

    def _receipts(self, address: Address, found: Found, blocks: Mapping[int, Block]) -> dict[str, Receipt]:
        """The receipts of what the address initiated and, without traces, of all that moved coins.

        Raises Reorg if the last block of what was found is no longer what it was before anything was.
        """
        bare = self._finder.way(found.end.number) is Way.BARE
        with promised(self._node):
            wanted = [
                place.tx_hash
                for place, moves in found.moves.items()
                if _initiated(address, blocks[place.block], place.tx_hash)
                or (bare and any(move.kind is Kind.NATIVE for move in moves))
            ]
        calls = [Call("eth_getTransactionReceipt", [tx_hash]) for tx_hash in wanted]
        *answers, last = self._node.ask([*calls, block_call(found.end.number)]).results
        _check_same(found.end.number, found.end.hash, header(self._node, last).hash)
        receipts = {tx_hash: self._receipt(answer) for tx_hash, answer in zip(wanted, answers, strict=True)}
        for place in found.moves:
            if place.tx_hash in receipts:
                _check_same(place.block, place.block_hash, receipts[place.tx_hash].place.block_hash)
        return receipts

    def _receipt(self, answer: Any) -> Receipt:
        if answer is None:
            raise SourceBusy(f"{self._node.host} does not have a receipt yet that it should have")
        with promised(self._node):
            return decode.receipt(answer)

    # --- one whole transaction ----------------------------------------------------------------------------------------

    def _transaction(self, tx_hash: str) -> Page:
        head = self._head(Checkpoint())
        (answer,), replies = self._node.ask([Call("eth_getTransactionReceipt", [tx_hash])])
        nothing = about(self.chain, None, {}, (), {}, {})
        if answer is None:
            return self._page(head, Checkpoint(), nothing, (), replies, done=True)
        receipt = self._receipt(answer)
        number = receipt.place.block
        if number > self._newest(head):
            return self._page(head, Checkpoint(), nothing, (), replies, done=False)
        block = self._blocks.read([number])[number]
        _check_same(number, receipt.place.block_hash, block.hash)
        traced, more = self._traced(tx_hash, head)
        moves, whole = {} if traced is None else {tx_hash: traced}, traced is not None
        kept = about(self.chain, None, {number: block}, [(tx_hash, number)], {tx_hash: receipt}, moves, whole=whole)
        return self._page(head, Checkpoint(), kept, [answer], [*replies, *more], done=True)

    def _traced(self, tx_hash: str, head: Header) -> tuple[list[Move] | None, list[bytes]]:
        """All that the calls of a transaction moved, and the reply that says so; None if the node traces none."""
        calls = [Call("trace_transaction", [tx_hash]), Call("debug_traceTransaction", [tx_hash, CALL_TRACER])]
        for call in calls if self._finder.way(head.number) is Way.FILTER else reversed(calls):
            (result,), replies = self._node.outcomes([call])
            if isinstance(result, SourceBusy):
                raise result
            with promised(self._node):
                if isinstance(result, list) and result:
                    return decode.coin_moves(frame for _, frame in decode.flat_frames(result)), replies
                if isinstance(result, dict) and "type" in result:  # else its tracer is another
                    return decode.coin_moves(decode.nested_frames(result)), replies
        return None, []

    # --- values -------------------------------------------------------------------------------------------------------

    def _page(  # noqa: PLR0917 - the parts of a page
        self,
        head: Header,
        checkpoint: Checkpoint,
        kept: About,
        rows: Iterable[Any] = (),
        replies: Iterable[bytes] = (),
        *,
        done: bool,
    ) -> Page:
        with promised(self._node):
            transactions = said(kept, rows)
        assets = self._tokens.read(transfer.asset for one in transactions for transfer in one.transfers)
        used = {one.block for one in transactions}
        hashes = {number: block_hash for number, block_hash, *_ in kept["blocks"] if number in used}
        if checkpoint.block is not None and checkpoint.block_hash is not None:
            hashes[checkpoint.block] = checkpoint.block_hash
        described = {"assets": [(one.id.contract, one.symbol, one.decimals) for one in assets]}
        single = kept["address"] is None and kept["transactions"]
        return Page(
            source=self.name,
            raw=raw(kept | described, replies),
            transactions=transactions,
            assets=assets,
            checkpoint=checkpoint,
            head=head.number,
            blocks=hashes,
            coverage=self._coverage(head, kept["whole"] if single else None),
            done=done,
        )

    def _coverage(self, head: Header, traced: bool | None) -> Coverage:
        """How far what was read is all: `partial(no traces)`, `partial(from block N)`, or both."""
        since = self._settings.start_block
        no_traces = self._finder.way(head.number) is Way.BARE if traced is None else not traced
        reasons = [_NO_TRACES] if no_traces else []
        reasons += [f"from block {since}"] if since and traced is None else []
        return Coverage("partial", ", ".join(reasons)) if reasons else Coverage("complete")


def _check_same(number: int, expected: str, found: str) -> None:
    if expected != found:
        raise Reorg(f"block {number} changed while it was read")


def _initiated(address: Address, block: Block, tx_hash: str) -> bool:
    return block.txs[tx_hash].sender == address.text.lower()


# --- the door to the network ------------------------------------------------------------------------------------------


def _through_web3(settings: SourceSettings, budget: Budget) -> Callable[[bytes], Reply]:
    """What sends a body to the node: web3's provider and its sessions, without its retries, decoding and patience."""
    from web3.providers.rpc import HTTPProvider  # noqa: PLC0415 - it takes 0.6 s, which only who pulls should pay

    # Importing web3 leaves 100,000, at which a reply of nothing but brackets ends the process; 1,000 were too few.
    sys.setrecursionlimit(NESTED)
    url: Any = settings.url  # web3 has a type of its own for it
    seconds = settings.timeout_seconds
    provider = HTTPProvider(url, exception_retry_configuration=None)
    sessions, headers = provider._request_session_manager, provider.get_request_headers()

    def post(body: bytes) -> Reply:
        budget.take()
        session = sessions.cache_and_return_session(url)  # one a thread
        if session.trust_env:  # it would look through the whole environment for proxies at each request: 1 ms
            said = session.merge_environment_settings(url, {}, None, None, None)
            session.proxies, session.verify, session.trust_env = said["proxies"], said["verify"], False
        deadline = time.monotonic() + PATIENCE * seconds
        with session.post(
            url, data=body, headers=headers, timeout=seconds, stream=True, allow_redirects=False
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(CHUNK):
                content += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError
                if len(content) > REPLY:
                    return Reply(response.status_code, None, None)
            return Reply(response.status_code, response.headers.get("Retry-After"), bytes(content))

    return post
