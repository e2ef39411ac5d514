"""The sources of one chain, read in order: what the first does not give of an address is asked of the next.

Threads ask and decode, one thread a chain writes. The next page of an address is asked for before the one in hand is
written, so that no thread waits for the disk; an address whose page was refused is lost for this run, and what was
asked meanwhile is not kept.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from tracer.actions.keeping import Run, end, keep, not_read
from tracer.actions.reconcile import other_blocks, other_transfers, reconcile
from tracer.errors import Conflict, InputError, Reorg, SourceError, SourceRefused, TracerError
from tracer.model import Address, Checkpoint
from tracer.sources.base import Page, Source
from tracer.store.rows import Disagreement

LOG = logging.getLogger("tracer.pull")


@dataclass(slots=True)
class _Reading:
    """An address being read: by the source of this place in the order, from this checkpoint on. `whys`: what kept the
    sources before from it, by name; `asked`: one of them was asked for it.
    """

    address: Address
    place: int = 0
    checkpoint: Checkpoint | None = None
    whys: list[tuple[str, str]] = field(default_factory=list)
    asked: bool = False


_Replies = dict[Future[Page], _Reading]
_Got = Sequence[tuple[_Reading, Page]]


class Chain:
    """The sources of one chain, in order. What is kept of a source is always of one chain, so that its newest block
    vouches for all of it.
    """

    def __init__(self, run: Run, sources: Sequence[Source]) -> None:
        self.name = sources[0].chain
        self._run, self._sources = run, sources
        self._by_name = {one.name: one for one in sources}
        self._out: dict[str, str] = {}  # sources that are out for this run, and why
        self._ready: list[deque[_Reading]] = [deque() for _ in sources]
        self._flying = [0] * len(sources)
        self._known: dict[str, dict[Address, Checkpoint]] = {}
        self._kept: dict[str, set[tuple[int, str]]] = {}  # its newest block, and those that pages of this run end at
        self._heads: dict[str, int] = {}  # the final head that was written last
        self._agrees: set[str] = set()  # sources that were compared with the others
        self._at: dict[Address, int] = {}  # whose turn an address is; what others still say of it is not kept
        self._lost: set[Address] = set()
        self._unread: dict[tuple[Address, str], str] = {}  # what a source did not read, and why; to be written

    def pull(self, addresses: Sequence[Address]) -> None:
        """Pull these addresses to their end, or until all is stopped."""
        with ExitStack() as stack:
            threads = self._run.threads
            pools = [
                stack.enter_context(ThreadPoolExecutor(threads, thread_name_prefix=f"pull-{one.name}"))
                for one in self._sources
            ]
            self._open(pools)
            for address in addresses:
                self._hand(_Reading(address))
            self._go(pools)
            self._write_unread()

    # --- before the first page ----------------------------------------------------------------------------------------

    def _open(self, pools: Sequence[ThreadPoolExecutor]) -> None:
        """Let every source say whether what was read from it still stands. One that cannot is out for this run."""
        run, before = self._run, set(self._run.store.block_sources(self.name))
        speaking = [(one, pool) for one, pool in zip(self._sources, pools, strict=True) if one.name in before]
        asked = [(one, pool.submit(reconcile, run.store, one, run.actor)) for one, pool in speaking]
        for source, found in asked:
            self._opened(source, found.result)
        standing = [one for one in self._sources if one.name not in self._out]
        for name in sorted(before - self._by_name.keys()) if standing else ():  # nobody else can speak for it
            self._opened(standing[0], partial(reconcile, run.store, standing[0], run.actor, of=name))
        lost = list(self._out.items())
        with run.lock:
            (run.pulled.failed if len(lost) == len(self._sources) else run.pulled.handed).extend(lost)
        for one in self._sources:
            self._known[one.name] = run.store.checkpoints(one.name, self.name)
            self._kept[one.name] = set(run.store.blocks(self.name, one.name, 1))

    def _opened(self, source: Source, compared: Callable[[], int]) -> None:
        try:
            gone = compared()
        except SourceError as error:
            self._leave(source, error)
        else:
            with self._run.lock:
                self._run.pulled.gone += gone

    def _leave(self, source: Source, error: TracerError) -> None:
        """A source is out for this run."""
        self._out.setdefault(source.name, str(error))
        self._run.store.failed(source.name, datetime.now(UTC), str(error))

    # --- asking -------------------------------------------------------------------------------------------------------

    def _hand(self, reading: _Reading, *, first: bool = False) -> None:
        """Give an address to the next source that is not out; if there is none it is not read in this run."""
        while reading.place < len(self._sources):
            name = self._sources[reading.place].name
            if name not in self._out:
                self._at[reading.address] = reading.place
                ready = self._ready[reading.place]
                (ready.appendleft if first else ready.append)(reading)
                return
            self._pass(reading, self._out[name])
        self._at[reading.address] = reading.place
        if reading.asked:
            whys = [why if len(self._sources) == 1 else f"{name}: {why}" for name, why in reading.whys]
            self._run.failed(str(reading.address), "; ".join(whys))
        else:  # its sources are named as out themselves
            with self._run.lock:
                self._run.ended()

    def _pass(self, reading: _Reading, why: str) -> None:
        """The source did not read it: the next one is to."""
        name = self._sources[reading.place].name
        reading.whys.append((name, why))
        reading.place, reading.checkpoint = reading.place + 1, None
        if len(self._sources) > 1:
            self._unread[reading.address, name] = why

    def _go(self, pools: Sequence[ThreadPoolExecutor]) -> None:
        asked: _Replies = {}
        while True:
            self._ask(pools, asked)
            if not asked:
                return
            done, _ = wait(asked, return_when=FIRST_COMPLETED)
            got: list[tuple[_Reading, Page]] = []
            for reply in [one for one in list(asked) if one in done]:
                reading = asked.pop(reply)
                self._flying[reading.place] -= 1
                if page := self._page(reading, reply):
                    got.append((reading, page))
            for reading, page in reversed(got):
                if not page.done:
                    on = _Reading(reading.address, reading.place, page.checkpoint, reading.whys, asked=True)
                    self._ready[reading.place].appendleft(on)
            self._ask(pools, asked)
            self._keep(got)

    def _ask(self, pools: Sequence[ThreadPoolExecutor], asked: _Replies) -> None:
        """Give every source as much to do as it has threads."""
        for place, source in enumerate(self._sources):
            ready = self._ready[place]
            while ready and self._flying[place] < self._run.threads and not self._run.stop.is_set():
                reading = ready.popleft()
                if not self._due(reading):
                    continue
                if source.name in self._out:
                    self._hand(reading)
                    continue
                if reading.checkpoint is None and not reading.asked:
                    reading.checkpoint = self._known[source.name].get(reading.address)
                self._flying[place] += 1
                start = reading.checkpoint if reading.checkpoint != Checkpoint() else None
                asked[pools[place].submit(source.pull, reading.address, start)] = reading

    def _page(self, reading: _Reading, reply: Future[Page]) -> Page | None:
        """The page that was asked for; None if there is none to keep: then the next source is asked, if it may help."""
        reading.asked = True
        if not self._due(reading):
            return None
        try:
            return reply.result()
        except (Reorg, InputError) as error:  # the next pull rewinds before it asks; no other source takes the address
            self._lose(reading, error)
        except SourceError as error:
            self._turn(reading, error)
        except Exception as error:  # a defect in reading one address keeps none of the others from being read
            LOG.exception("pull of %s broke", reading.address)
            self._pass(reading, f"unexpected {type(error).__name__}: see the log")
            self._hand(reading, first=True)
        return None

    def _due(self, reading: _Reading) -> bool:
        return reading.address not in self._lost and self._at[reading.address] == reading.place

    def _turn(self, reading: _Reading, error: SourceError) -> None:
        """The source failed: the next one is asked for the address."""
        source = self._sources[reading.place]
        if isinstance(error, SourceRefused):
            self._leave(source, error)
        else:
            self._run.store.failed(source.name, datetime.now(UTC), str(error))
        self._pass(reading, str(error))
        self._hand(reading, first=True)

    # --- keeping ------------------------------------------------------------------------------------------------------

    def _keep(self, got: _Got) -> None:
        """Write all pages that wait in one commit, or, if one is refused, each in its own."""
        got = [(reading, page) for reading, page in got if self._believed(reading, page)]
        if not got:
            return
        try:
            self._check(got)
            self._kept_now(got)
        except (Conflict, InputError, SourceError) as error:  # the chain changed meanwhile, or says what none can
            if len(got) == 1:
                other = isinstance(error, SourceError) and not isinstance(error, Reorg)
                (self._turn if other else self._lose)(got[0][0], error)  # type: ignore[arg-type]
                return
            for one in got:
                self._keep([one])

    def _believed(self, reading: _Reading, page: Page) -> bool:
        """Whether a source may be kept: it says nothing else of final blocks than one before it in the order."""
        if not self._due(reading) or page.source in self._agrees:
            return self._due(reading)
        source, order = self._sources[reading.place], [one.name for one in self._sources[: reading.place]]
        try:
            if source.name in self._out:
                raise SourceRefused(self._out[source.name])
            found = list(other_blocks(self._run.store, source, page.head, self._by_name))
            self._differ(found)
            if wrong := [one for one in found if one.one in order]:
                raise SourceRefused(f"{source.name} does not agree with {wrong[0].one} on {_what(wrong[0])}")
        except Reorg as error:
            self._lose(reading, error)
        except SourceError as error:
            self._turn(reading, error)
        else:
            self._agrees.add(page.source)
            return True
        return False

    def _check(self, got: _Got) -> None:
        """Raise Reorg unless each source's pages are of one chain with what is kept of it, the one there is now."""
        ends: dict[str, set[tuple[int, str]]] = defaultdict(set)
        for _, page in got:
            ends[page.source].update(end(page))
        for name, found in ends.items():
            kept = self._kept[name]
            if not (new := found - kept):
                continue
            for number, block_hash in sorted(new | ({max(kept)} if kept else set())):
                if self._by_name[name].block_hash(number) != block_hash:
                    raise Reorg(f"block {number} is no longer {block_hash}")

    def _kept_now(self, got: _Got) -> None:
        differ = [one for reading, page in got for one in self._others(reading, page)]
        added = keep(self._run.store, [(reading.address, page) for reading, page in got], self._new_heads(got))
        for _, page in got:
            self._kept[page.source].update(end(page))
        self._differ(differ)
        self._run.count([(reading.address, page) for reading, page in got], added)

    def _others(self, reading: _Reading, page: Page) -> Iterator[Disagreement]:
        """What the page says differently from the pages of other sources."""
        address = reading.address
        if not any(address in known for name, known in self._known.items() if name != page.source):
            return
        before = reading.checkpoint.block if reading.checkpoint else None
        reads = self._run.store.coverage([address])
        yield from other_transfers(self._run.store, address, page, 0 if before is None else before + 1, reads)

    def _new_heads(self, got: _Got) -> dict[str, tuple[int, int]]:
        """Per source its newest final block and the block it was read to, where that is news."""
        news: dict[str, tuple[int, int]] = {}
        for _, page in got:
            read = page.checkpoint.block or 0
            if page.head > self._heads.get(page.source, -1) or read > page.head:
                final, upto = news.get(page.source, (0, 0))
                news[page.source] = max(final, page.head), max(upto, read)
        self._heads |= {name: final for name, (final, _) in news.items()}
        return news

    # --- what is not read, and where sources differ -------------------------------------------------------------------

    def _lose(self, reading: _Reading, error: TracerError) -> None:
        """Nothing more of this address is kept in this run."""
        if reading.address not in self._lost:
            self._lost.add(reading.address)
            self._run.store.failed(self._sources[reading.place].name, datetime.now(UTC), str(error))
            self._run.failed(str(reading.address), str(error))

    def _differ(self, found: Sequence[Disagreement]) -> None:
        if not found:
            return
        with self._run.store.act(self._run.actor, "disagreement", self.name) as work:
            new = [one for one in found if work.disagree(one)]
            work.note(found=[f"{one.one} and {one.other}: {_what(one)}" for one in new])
        with self._run.lock:
            self._run.pulled.differ += [f"{one.one} and {one.other} do not agree on {_what(one)}" for one in found]

    def _write_unread(self) -> None:
        """Say in the coverage what a source did not read, and why. What it had read before stays read."""
        if not self._unread:
            return
        store = self._run.store
        before = {(one.address, one.source): one for one in store.coverage({address for address, _ in self._unread})}
        with store.pages() as work:
            for (address, name), why in self._unread.items():
                known = before.get((address, name))
                coverage = not_read(known, why, refused=name in self._out)
                work.set_coverage(address, name, coverage, known.checkpoint if known else None)
        with self._run.lock:
            failed = {what for what, _ in self._run.pulled.failed}
            self._run.pulled.handed += [
                (str(address), f"{name}: {why}")
                for (address, name), why in self._unread.items()
                if str(address) not in failed
            ]


def _what(one: Disagreement) -> str:
    return f"{one.kind} {one.subject}" if one.kind == "block" else f"the transfers of {one.subject}"
