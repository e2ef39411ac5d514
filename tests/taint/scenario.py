"""Small histories that an investigator can read, and what each method must say of them.

    # title                      what the story shows
    clause: payment              which clause of the transaction rule it is for
    a -> b 100 [ASSET]           one transfer, a transaction of its own, a minute after the one before
    3: a -> b 100 [ASSET]        transfers with the same number are one transaction
    3: fee a 5                   the initiator's fee
    … !                          (at the end of a transfer) this payment was reported; `! 60`: only 60 of it
    label x exchange [0.4] [until 3]
    origin: a [ASSET] [since 3]  a reported address
    unread: x y                  addresses that were not read (all others are)

Bitcoin stories have lines of this form instead, inputs and outputs in listed order; the fee is what they differ by:
    3: a 300 from 1.0, b 100 => c 200, d 190     `from 1.0`: it spends output 0 of transaction 1; else one not seen

Then a table: what of the origin is at each place in the end (held, or arrived at a label), in base units of the asset.
`x/USDC` names the asset; `fees`, `mixers`, `redeemed`, `unresolved`, `rounding` and `originated` are in the origin's
own asset. What ended in a CoinJoin is counted at the address that it left.
`fifo of thief` asks for one origin where there are several. `poison` rows count what came in poisoned.

    way fifo thief > a > shop 3  of what came to the shop, 3 came by exactly these; all its ways are told
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tracer.chains import parse_address, zero_address
from tracer.detect.coinjoin import coinjoins
from tracer.model import Address, AssetId, Category, Kind, Label, Limits, OriginSpec, Transaction, Transfer, transfer_id
from tracer.taint.books import Book
from tracer.taint.entries import ACCOUNT_OF, ACCOUNTS
from tracer.taint.flow import Flow, Result
from tracer.taint.methods import POISON
from tracer.taint.provenance import Provenance
from tracer.taint.stops import Labels

CHAIN = "eip155:1"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"
BLOCK = 900_000
START = datetime(2026, 1, 1, tzinfo=UTC)
ASSETS = {
    "USDT": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    "USDC": "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
    "DAI": "0x6B175474E89094C44Da98b954EedeAC495271d0F",
    "WETH": "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",
    "WBTC": "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599",
    "ETH": "native",
    "MEME": "0x00000000000000000000000000000000000Meme0".replace("Meme", "beef"),
}
_MOVE = re.compile(r"(?:(\d+): *)?(\w+) *-> *(\w+) +(\d+)(?: +([A-Z]+))?( *!(?: *(\d+))?)?$")
_WAY = re.compile(r"way +(\w+) +(\w+(?: *> *\w+)+) +(\d+)$")
_COINS = re.compile(r"(\d+): *(.*?) *=> *(.+)$")
_COIN = re.compile(r"(\w+) +(\d+)(?: +from +(\d+)\.(\d+))?( *!)?$")
_FEE = re.compile(r"(\d+): *fee +(\w+) +(\d+)$")


def place(name: str) -> Address:
    """A name's invented address: its letters in hex, so that addresses sort as names do."""
    if name == "zero":
        zero = zero_address(CHAIN)
        assert zero is not None
        return zero
    if name == "weth":
        return Address(CHAIN, ASSETS["WETH"])
    return parse_address(CHAIN, "0x" + name.encode().hex().ljust(40, "0"))


def coin_place(name: str) -> Address:
    """A name's invented bitcoin address, in the length of a P2WPKH one."""
    return Address(BITCOIN, f"bc1q{name:q<38}")


def asset(name: str) -> AssetId:
    """An asset by its symbol; MEME is on nobody's list."""
    if name == "BTC":
        return AssetId(BITCOIN, "native")
    return AssetId(CHAIN, ASSETS[name])


@dataclass
class Story:
    """A scenario file, read."""

    title: str = ""
    clause: str = ""
    moves: dict[int, list[tuple[str, str, int, str, Kind]]] = field(default_factory=lambda: defaultdict(list))
    coins: dict[int, list[Transfer]] = field(default_factory=dict)
    payments: list[tuple[int, str, str, int, str, int | None]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    origins: list[tuple[str, str | None, int | None]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    columns: list[str] = field(default_factory=list)
    rows: list[tuple[str, str | None, list[int]]] = field(default_factory=list)
    ways: dict[tuple[str, str], Counter[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(Counter))

    def transactions(self) -> list[Transaction]:
        """The history as transactions, one a minute."""
        made = [
            Transaction(BITCOIN, coin_tx(n), at(n), BLOCK + n, 0, whole=True, transfers=tuple(transfers))
            for n, transfers in self.coins.items()
        ]
        for number, moves in self.moves.items():
            seen: Counter[object] = Counter()
            transfers = []
            for sender, recipient, amount, symbol, kind in moves:
                ends = (place(sender), None if kind is Kind.FEE else place(recipient))
                n = seen[(kind, symbol, ends, amount)]
                seen[(kind, symbol, ends, amount)] += 1
                key = transfer_id(CHAIN, tx(number), kind, asset(symbol), *ends, amount, n)
                transfers.append(Transfer(key, kind, asset(symbol), amount, *ends))
            made.append(Transaction(CHAIN, tx(number), at(number), number, transfers=tuple(transfers)))
        return made

    def place(self, name: str) -> Address:
        """Where a name stands: on bitcoin in a story of coins."""
        return coin_place(name) if self.coins else place(name)

    def specs(self) -> list[OriginSpec]:
        """What was reported."""
        addresses = [
            OriginSpec(self.place(name), asset(symbol) if symbol else None, since=at(since) if since else None)
            for name, symbol, since in self.origins
        ]
        return addresses + [
            OriginSpec(self.place(recipient), asset(symbol), coin_tx(number) if self.coins else tx(number), reported)
            for number, _, recipient, _, symbol, reported in self.payments
        ]

    def flow(self, limits: Limits | None = None) -> Flow:
        """Everything fed and read."""
        flow = Flow(self.specs(), Labels(self.labels), limits or Limits())
        transactions = self.transactions()
        ends = {end for one in transactions for t in one.transfers for end in (t.sender, t.recipient) if end}
        flow.feed(transactions, ends - {self.place(name) for name in self.unread})
        return flow

    def fold(self) -> Result:
        """Folded, CoinJoins found."""
        flow = self.flow()
        return flow.fold(coinjoins=coinjoins(flow.transactions.values()).keys())

    def says(self, result: Result, method: str, of: str | None) -> list[int]:
        """The table's row as the engine sees it."""
        origins = {
            origin.id
            for origin in result.origins.found.values()
            if of is None or origin.address == self.place(of) or self._paid_by(of, origin.tx_hash)
        }
        if method == POISON:
            return [_poisoned(result, *self._pot(column), origins) for column in self.columns]
        book = result.books[method]
        return [
            sum(sums[column] for origin, sums in book.balances().items() if origin in origins)
            if column in ACCOUNTS
            else _stands(book, *self._pot(column), origins)
            for column in self.columns
        ]

    def _pot(self, column: str) -> tuple[Address, AssetId]:
        name, _, symbol = column.partition("/")
        return self.place(name), asset(symbol or ("BTC" if self.coins else "USDT"))

    def went(self, result: Result, method: str, to: str) -> Counter[tuple[str, ...]]:
        """By whom all that came to a place came, as the engine sees it."""
        book = result.books[method]
        names = {place(end): end for moves in self.moves.values() for one in moves for end in one[:2] if end}
        came = [number for number, step in enumerate(book.steps) if step.recipient == place(to)]
        found: Counter[tuple[str, ...]] = Counter()
        for number in came:
            for way in Provenance(book).ways([number]):
                steps = [book.steps[one] for one in way.steps]
                found[(names[steps[0].sender], *(names[step.recipient] for step in steps))] += way.carried
        return found

    def _paid_by(self, name: str, tx_hash: str | None) -> bool:
        return any(tx(number) == tx_hash and sender == name for number, sender, *_ in self.payments)


def tx(number: int) -> str:
    """The hash of a numbered transaction."""
    return f"0x{number:064x}"


def coin_tx(number: int) -> str:
    """The hash of a numbered bitcoin transaction."""
    return f"{number:064x}"


def at(number: int) -> datetime:
    """Its time."""
    return START + timedelta(minutes=number)


def _stands(book: Book, where: Address, what: AssetId, origins: set[str]) -> int:
    held = sum(
        lot.amount
        for (address, kind, _), pot in book.pots.items()
        for lot in pot.lots
        if (address, kind) == (where, what) and lot.origin in origins
    )
    ended = sum(
        end.amount
        for end in book.ends
        if (end.address, end.asset) == (where, what) and end.origin in origins and end.kind in ACCOUNT_OF
    )
    return held + ended


def _poisoned(result: Result, where: Address, what: AssetId, origins: set[str]) -> int:
    return max((result.reach.came.get((where, what, origin), 0) for origin in origins), default=0)


def told(text: str) -> Story:
    """A story from its lines."""
    story = Story()
    for line in text.strip().splitlines():
        assert _line(story, line.strip(), indented=False), line
    return story


def read(path: Path) -> Story:
    """Read a scenario file. Raises ValueError naming the line that is not understood."""
    story = Story()
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.split("  #")[0].rstrip()
        if line.startswith("#"):
            story.title = f"{story.title} {line[1:].strip()}".strip()
        elif line.strip() and not _line(story, line.strip(), raw[:1].isspace()):
            raise ValueError(f"{path.name}:{number}: {raw!r} is not understood")
    return story


def _line(story: Story, line: str, indented: bool) -> bool:
    if indented:
        story.columns = line.split()
        return True
    word, _, rest = line.partition(" ")
    if word == "label":
        return _label(story, rest.split())
    if line.partition(":")[0] in ("clause", "origin", "unread"):
        return _setting(story, *line.split(":", 1))
    return _moves(story, line) or _row(story, line)


def _moves(story: Story, line: str) -> bool:
    if (fee := _FEE.match(line)) is not None:
        story.moves[int(fee[1])].append((fee[2], "", int(fee[3]), "ETH", Kind.FEE))
        return True
    if (move := _MOVE.match(line)) is not None:
        return _move(story, move)
    if (way := _WAY.match(line)) is not None:
        names = tuple(name.strip() for name in way[2].split(">"))
        story.ways[(way[1], names[-1])][names] += int(way[3])
        return True
    return _coins(story, line) or _row(story, line)


def _setting(story: Story, name: str, value: str) -> bool:
    words = value.split()
    if name == "clause":
        story.clause = value.strip()
    elif name == "unread":
        story.unread |= set(words)
    else:
        since = int(words[words.index("since") + 1]) if "since" in words else None
        symbol = words[1] if len(words) > 1 and words[1] in ASSETS else None
        story.origins.append((words[0], symbol, since))
    return True


def _label(story: Story, words: list[str]) -> bool:
    confidence = next((word for word in words[2:] if "." in word), "0.9")
    until = at(int(words[words.index("until") + 1])) if "until" in words else None
    since = at(int(words[words.index("from") + 1])) if "from" in words else None
    where, category = story.place(words[0]), Category(words[1])
    story.labels.append(Label(where, words[0], category, Decimal(confidence), "scenario", since, until))
    return True


def _move(story: Story, move: re.Match[str]) -> bool:
    number = int(move[1]) if move[1] else max(story.moves, default=0) + 1
    symbol = move[5] or "USDT"
    kind = Kind.NATIVE if symbol == "ETH" else Kind.TOKEN
    story.moves[number].append((move[2], move[3], int(move[4]), symbol, kind))
    if move[6]:
        reported = int(move[7]) if move[7] else None
        story.payments.append((number, move[2], move[3], int(move[4]), symbol, reported))
    return True


def _coins(story: Story, line: str) -> bool:
    told_ = _COINS.match(line)
    if told_ is None:
        return False
    number, made = int(told_[1]), list[Transfer]()
    for kind, side in ((Kind.INPUT, told_[2]), (Kind.OUTPUT, told_[3])):
        for position, text in enumerate(side.split(",") if side else ()):
            coin = _COIN.match(text.strip())
            if coin is None:
                return False
            where = None if coin[1] == "nowhere" else coin_place(coin[1])
            ends = (where, None) if kind is Kind.INPUT else (None, where)
            spent = f"{coin_tx(int(coin[3]))}:{coin[4]}" if coin[3] else f"{coin_tx(10**9 + number)}:{position}"
            key = transfer_id(BITCOIN, coin_tx(number), kind, asset("BTC"), *ends, int(coin[2]), position)
            outpoint = spent if kind is Kind.INPUT else None
            made.append(Transfer(key, kind, asset("BTC"), int(coin[2]), *ends, position, outpoint))
            if coin[5]:
                story.payments.append((number, "", coin[1], int(coin[2]), "BTC", None))
    story.coins[number] = made
    return True


def _row(story: Story, line: str) -> bool:
    words = line.split()
    of = words[2] if len(words) > 2 and words[1] == "of" else None
    numbers = words[3:] if of else words[1:]
    if not story.columns or len(numbers) != len(story.columns) or not all(word.isdigit() for word in numbers):
        return False
    story.rows.append((words[0], of, [int(word) for word in numbers]))
    return True
