"""A node of an EVM chain: ERC-20 transfers, coins moved by transactions and by contracts, and fees.

Only final blocks are read. What moves without a transaction (block rewards, withdrawals of stakers) is not seen.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tracer.chains import Family, family, parse_chain, parse_tx_hash
from tracer.errors import ConfigError, InputError, Reorg, SourceBusy, SourceError, SourceRefused
from tracer.model import NATIVE, Address, Checkpoint, Coverage, Kind, Transaction
from tracer.sources import decode
from tracer.sources.base import Page, SourceSettings
from tracer.sources.blocks import CALL_TRACER, Blocks, Tokens, promised
from tracer.sources.budget import Budget
from tracer.sources.decode import Block, Move, Place, Receipt
from tracer.sources.events import LogPage, NodeEvents
from tracer.sources.finding import Finder, Found, Header, Way, block_call, header
from tracer.sources.rpc import Call, Node, Reply
from tracer.sources.secrets import host

REPLY = 256 << 20  # bytes of a reply that are read
PATIENCE = 10  # times `timeout_seconds` that a whole reply may take
CHUNK = 1 << 16
CONFIRMATIONS = 64
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
        self._confirmations = CONFIRMATIONS if settings.confirmations is None else settings.confirmations
        budget = budget or Budget(self.name)
        self._node = Node(settings.url, _through_web3(settings, budget), settings.batch_requests)
        self._blocks = Blocks(self._node)
        self._tokens = Tokens(self._node)
        self._finder = Finder(self._node, self._blocks, settings)
        self._events = NodeEvents(self._node, self._blocks)
        self._right_chain = False  # not asked yet

    def __repr__(self) -> str:
        return f"Evm({self.name})"

    def pull(self, address: Address, checkpoint: Checkpoint | None) -> Page:
        """The next page of an address; see Source."""
        if address.chain != self.chain:
            raise InputError(f"{address} is not of {self.chain}, which {self.name} reads")
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

    def logs(self, contract: Address, topics: Sequence[str], checkpoint: Checkpoint | None) -> LogPage:
        """The next logs of a contract; see EventSource."""
        before = checkpoint or Checkpoint()
        head = self._head(before)
        start = self._settings.start_block if before.block is None else before.block + 1
        return self._events.read(contract, topics, before, start, head.number)

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
        if start > head.number:
            return self._page(head, checkpoint, {}, [], _raw([]))
        found = self._finder.find(address, start, head.number)
        blocks = self._blocks.read({place.block for place in found.moves})
        for place in found.moves:
            _check_same(place.block, place.block_hash, blocks[place.block].hash)
        receipts = self._receipts(address, found, blocks)
        with promised(self._node):
            made = [self._made(address, found, place, blocks[place.block], receipts) for place in found.moves]
        transactions = sorted((one for one in made if one.transfers), key=lambda one: (one.block, one.tx_index))
        used = {one.block: blocks[one.block] for one in transactions if one.block is not None}
        raw = _raw(found.replies, used, transactions, receipts, found.inner)
        end = Checkpoint(block=found.end.number, block_hash=found.end.hash)
        return self._page(head, end, used, transactions, raw)

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
        return {tx_hash: self._receipt(answer) for tx_hash, answer in zip(wanted, answers, strict=True)}

    def _receipt(self, answer: Any) -> Receipt:
        if answer is None:
            raise SourceBusy(f"{self._node.host} does not have a receipt yet that it should have")
        with promised(self._node):
            return decode.receipt(answer)

    def _made(
        self, address: Address, found: Found, place: Place, block: Block, receipts: Mapping[str, Receipt]
    ) -> Transaction:
        """A transaction as far as it is the address's."""
        moves, receipt = found.moves[place], receipts.get(place.tx_hash)
        if receipt is not None:
            _check_same(place.block, place.block_hash, receipt.place.block_hash)
            moves = _settled(moves, receipt)
            if _initiated(address, block, place.tx_hash):
                moves += _fee(block, place.tx_hash, receipt)
        # Another's transaction without a receipt was found by what it moved: it did not fail.
        ok = receipt is None or receipt.ok
        return decode.transaction(self.chain, block, place.tx_hash, moves, ok=ok, whole=False)

    # --- one whole transaction ----------------------------------------------------------------------------------------

    def _transaction(self, tx_hash: str) -> Page:
        head = self._head(Checkpoint())
        (answer,), replies = self._node.ask([Call("eth_getTransactionReceipt", [tx_hash])])
        if answer is None:
            return self._page(head, Checkpoint(), {}, [], _raw(replies))
        receipt = self._receipt(answer)
        number = receipt.place.block
        if number > head.number:
            return self._page(head, Checkpoint(), {}, [], _raw(replies), done=False)
        block = self._blocks.read([number])[number]
        _check_same(number, receipt.place.block_hash, block.hash)
        traced, more = self._traced(tx_hash, head)
        with promised(self._node):
            tokens = [move for _, move in decode.token_moves(answer["logs"])]
            coins = _own_call(block, tx_hash) if traced is None else traced
            moves = [*_settled([*tokens, *coins], receipt), *_fee(block, tx_hash, receipt)]
            one = decode.transaction(self.chain, block, tx_hash, moves, ok=receipt.ok, whole=traced is not None)
        raw = _raw([*replies, *more], {number: block}, [one], {tx_hash: receipt})
        return self._page(head, Checkpoint(), {number: block}, [one], raw, traced=traced is not None)

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
        blocks: Mapping[int, Block],
        transactions: list[Transaction],
        raw: bytes,
        *,
        done: bool | None = None,
        traced: bool | None = None,
    ) -> Page:
        hashes = {number: block.hash for number, block in blocks.items()}
        if checkpoint.block is not None and checkpoint.block_hash is not None:
            hashes[checkpoint.block] = checkpoint.block_hash
        return Page(
            source=self.name,
            raw=raw,
            transactions=tuple(transactions),
            assets=self._tokens.read(transfer.asset for one in transactions for transfer in one.transfers),
            checkpoint=checkpoint,
            head=head.number,
            blocks=hashes,
            coverage=self._coverage(head, traced),
            done=(checkpoint.block is None or checkpoint.block >= head.number) if done is None else done,
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


def _own_call(block: Block, tx_hash: str) -> list[Move]:
    """What a transaction itself moved, without a trace."""
    tx = block.txs[tx_hash]
    return [Move(Kind.NATIVE, NATIVE, tx.amount, tx.sender, tx.to)] if tx.amount else []


def _settled(moves: Iterable[Move], receipt: Receipt) -> list[Move]:
    """What a transaction moved in the end: nothing if it failed. What made a contract went to that contract."""
    return [move if move.recipient else move._replace(recipient=receipt.made) for move in moves if receipt.ok]


def _fee(block: Block, tx_hash: str, receipt: Receipt) -> list[Move]:
    return [Move(Kind.FEE, NATIVE, receipt.fee, block.txs[tx_hash].sender, None)] if receipt.fee else []


def _raw(
    replies: Iterable[bytes],
    blocks: Mapping[int, Block] | None = None,
    transactions: Iterable[Transaction] = (),
    receipts: Mapping[str, Receipt] | None = None,
    inner: Mapping[str, list[Move]] | None = None,
) -> bytes:
    """What a page was read from, as JSON: replies as they came, and what was used of those that many pages share."""
    used = [one.tx_hash for one in transactions]
    shared = {
        "blocks": [(one.number, one.hash, one.parent, one.at.isoformat()) for _, one in sorted((blocks or {}).items())],
        "transactions": {
            one.tx_hash: (*blocks[one.block].txs[one.tx_hash], one.block)
            for one in transactions
            if blocks and one.block is not None
        },
        "receipts": {one: receipts[one][:3] for one in used if receipts and one in receipts},
        "moves": {one: inner[one] for one in used if inner and one in inner},
    }
    return b'{"replies":[' + b",".join(replies) + b"]," + json.dumps(shared).encode()[1:]


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
