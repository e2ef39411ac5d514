"""The vocabulary: one word, one thing. Values only, no behaviour beyond naming and ordering.

Amounts are whole base units (`int`), never floats. Times are aware UTC. An `Address` or `AssetId` is made by
`tracer.chains` only, so that the same place always has the same text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

ENGINE = "tracer.taint/3"  # part of every digest: raise it when the same inputs may give another result
NATIVE = "native"
OP_RETURN = "op_return"  # the contract and topic of a Log that is what a bitcoin transaction itself says


class Address(NamedTuple):
    """A place on a chain that can hold an asset: CAIP-2 chain and normalised text. Sorts as text."""

    chain: str
    text: str

    def __str__(self) -> str:
        """CAIP-10."""
        return f"{self.chain}:{self.text}"


class AssetId(NamedTuple):
    """What identifies an asset: chain and contract, `native`, or a value identifier such as `usd`. Never the symbol."""

    chain: str
    contract: str

    def __str__(self) -> str:
        return f"{self.chain}/{self.contract}"


@dataclass(frozen=True, slots=True)
class Asset:
    """The native coin or a token, as far as it is known. `decimals` is None where nobody said."""

    id: AssetId
    symbol: str
    decimals: int | None
    listed: bool = False  # on the chain's verified list
    on_chain: bool = True  # False for data that carries values only (`usd`)


class Kind(StrEnum):
    """How a transfer moved. Mint and burn are transfers from and to the zero address."""

    NATIVE = "native"
    INTERNAL = "internal"
    TOKEN = "token"
    FEE = "fee"
    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of one asset in a transaction.

    `id` on account chains: chain:tx_hash:kind:asset:sender:recipient:amount:n, n counting equal ones inside the whole
    transaction; on bitcoin: chain:tx_hash:input|output:position. `sender` is None for a bitcoin output, `recipient`
    for a fee and a bitcoin input. `index` may be unknown. `outpoint` ("txid:n") is what a bitcoin input spends.
    """

    id: str
    kind: Kind
    asset: AssetId
    amount: int
    sender: Address | None
    recipient: Address | None
    index: int | None = None
    outpoint: str | None = None


def transfer_id(  # noqa: PLR0917 - the parts of the id, in its order
    chain: str,
    tx_hash: str,
    kind: Kind,
    asset: AssetId,
    sender: Address | None,
    recipient: Address | None,
    amount: int,
    n: int,
) -> str:
    """The id of a transfer. `n` counts equal ones in the transaction; on bitcoin it is the position."""
    if chain.startswith("bip122:"):
        return f"{chain}:{tx_hash}:{kind}:{n}"
    ends = f"{sender.text if sender else ''}:{recipient.text if recipient else ''}"
    return f"{chain}:{tx_hash}:{kind}:{asset.contract}:{ends}:{amount}:{n}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a chain settles as one. `whole`: all its transfers are known. `tx_index` and `block` may be unknown."""

    chain: str
    tx_hash: str
    at: datetime
    block: int | None = None
    tx_index: int | None = None
    initiator: Address | None = None
    to: Address | None = None
    ok: bool = True
    whole: bool = False
    transfers: tuple[Transfer, ...] = ()

    @property
    def order(self) -> tuple[datetime, str, int, int, str]:
        """Time, chain, block, then tx_index where known, else tx_hash. Never file order."""
        return (
            self.at,
            self.chain,
            -1 if self.block is None else self.block,
            -1 if self.tx_index is None else self.tx_index,
            self.tx_hash,
        )


@dataclass(frozen=True, slots=True)
class Log:
    """What a contract said by an event: `topics` and `data` in hex. `index`: its place among the logs of its block, or
    of its transaction where the chain counts so. `initiator` and `gas_price` (of the transaction) may be unknown.
    """

    contract: Address
    tx_hash: str
    index: int
    block: int
    at: datetime
    topics: tuple[str, ...]
    data: str
    initiator: Address | None = None
    gas_price: int | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """What a token's issuer did to an address, by its contract's own event: `frozen`, `unfrozen`, or `destroyed` (then
    with the amount). A frozen address cannot move that token; it can move others.
    """

    address: Address
    asset: AssetId
    state: str
    tx_hash: str
    at: datetime
    block: int | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """Money that a bridge took on one chain and paid out on another, joined by what the bridge says on both.

    `key`: what the bridge calls it. `out` and `into`: ids of the transfer by which the bridge got it, and of the one by
    which `recipient` got it; `into` None: it is not followed, and `why`.
    """

    protocol: str
    key: str
    out: str
    into: str | None
    recipient: Address | None
    why: str = ""

    @property
    def name(self) -> str:
        """What stands for the bridge's hands while it has this money, as the text of an address."""
        return f"{self.protocol}:{self.key}"


# --- claims -----------------------------------------------------------------------------------------------------------


class Category(StrEnum):
    """What a label may say an address is. Others are refused at import, naming these."""

    EXCHANGE = "exchange"
    SWAPPER = "swapper"
    PAYMENT = "payment"
    GAMBLING = "gambling"
    MIXER = "mixer"
    BRIDGE = "bridge"
    DEX = "dex"
    LENDING = "lending"
    TOKEN = "token"
    CONTRACT = "contract"
    OTHER = "other"
    SCAM = "scam"
    HACK = "hack"
    DEPOSIT = "deposit"
    WALLET = "wallet"  # somebody's own: they are known, and it is no service


# How sure a claim is: GraphSense's scale of 14 levels (graphsense-lib, tagpack/db/confidence.csv), of 100.
CONFIDENCE: dict[str, Decimal] = {
    name: Decimal(level) / 100
    for level, names in {
        100: "override ownership ledger_immanent",
        90: "manual_transaction",
        70: "service_api forensic_investigation",
        60: "authority_data",
        50: "trusted_provider service_data forensic",
        40: "untrusted_transaction",
        20: "web_crawl",
        10: "heuristic",
        5: "unknown",
    }.items()
    for name in names.split()
}


@dataclass(frozen=True, slots=True)
class Label:
    """A claim that an address belongs to an entity: who says so, since when, how sure (0 to 1).

    `feed`: the feed that says so, None for people and files. What is said of recording and withdrawing is the store's.
    """

    address: Address
    entity: str
    category: Category
    confidence: Decimal
    source: str
    valid_from: datetime | None = None  # None: not stated, never "always"
    valid_to: datetime | None = None
    recorded_at: datetime | None = None
    withdrawn_at: datetime | None = None
    withdrawn_reason: str | None = None
    feed: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What a service lets through unverified: amount and asset as read, per `day`, `month` or `tx`."""

    amount: Decimal
    asset: str
    period: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A dated, sourced statement on an entity. Dates are ISO text as read: year, month or day; None: not stated."""

    entity: str  # entity id
    kind: str
    source_url: str
    quote: str
    read_on: str
    level: str | None = None
    limit: Limit | None = None
    authority: str | None = None
    instrument: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    source_kind: str | None = None
    source_date: str | None = None
    confidence: str | None = None  # high, medium, low
    cites_aml_kyc_failure: bool | None = None
    date_basis: str | None = None
    note: str | None = None

    @property
    def id(self) -> str:
        """What decisions cite: 12 hex digits of the SHA-256 of all it says. Another word is another fact."""
        said = "\n".join(str(getattr(self, name)) for name in self.__slots__)
        return sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Entity:
    """An organisation or person that labels name, with its facts. `aliases` are other names labels may use."""

    id: str
    name: str
    kind: str
    aliases: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    successor_of: str | None = None
    note: str | None = None
    facts: tuple[Fact, ...] = ()


class Answer(StrEnum):
    """A question about facts has three answers; missing facts are unknown, never no."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer and what decided it: the facts, in words, and the sentence a person reads."""

    answer: Answer
    reason: str
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """What one whole unit of an asset was worth in US dollars, as a source says it; `usd` None: it knows no price.

    `asked`: the full hour that it was asked for; `at`: the moment of the price, which lies near it; `confidence`: 0 to
    1, as given. It enters no sum of a trace and no digest.
    """

    asset: AssetId
    asked: datetime
    source: str
    usd: Decimal | None = None
    at: datetime | None = None
    confidence: Decimal | None = None
    recorded_at: datetime | None = None


# --- work -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """One line of a victim's or agency's statement; a report may name several payments and addresses.

    `address` is what is reported, for a payment its recipient.
    """

    report_id: str
    address: Address
    tx_hash: str | None = None
    asset: AssetId | None = None
    amount: int | None = None
    time: datetime | None = None
    reporter: str = ""  # kept apart; enters no audit row, digest or export
    note: str = ""

    @property
    def about(self) -> tuple[str, Address, str | None, AssetId | None]:
        """What the line is about: a report says one thing of it."""
        return (self.report_id, self.address, self.tx_hash, self.asset)


@dataclass(frozen=True, slots=True)
class OriginSpec:
    """What a case says is dirty: a reported payment (`tx_hash`) or address, from `since` on (None: its first)."""

    address: Address
    asset: AssetId | None = None
    tx_hash: str | None = None
    amount: int | None = None
    since: datetime | None = None
    report_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What decides which addresses are *read*. They never remove taint from what was read. None: no limit."""

    hops: int = 20
    addresses: int | None = None
    age: timedelta | None = None
    worth: Decimal = Decimal(0)
    min_confidence: Decimal = Decimal(0)
    hub_counterparties: int = 100
    hub_window: timedelta = timedelta(days=7)


class CaseState(StrEnum):
    """A case is worked on until it is closed."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Case:
    """A piece of work: what is dirty, the headline method and the limits of reading."""

    id: str
    name: str
    origins: tuple[OriginSpec, ...]
    opened_at: datetime
    method: str = "fifo"
    state: CaseState = CaseState.OPEN


# --- findings ---------------------------------------------------------------------------------------------------------


class Role(StrEnum):
    """What an address is in a trace."""

    ORIGIN = "origin"
    TRANSIT = "transit"
    ARRIVAL = "arrival"
    MIXER = "mixer"
    BRIDGE = "bridge"
    VENUE = "venue"
    HUB = "hub"
    FRONTIER = "frontier"


class FlagState(StrEnum):
    """What people, and a trace that no longer finds it, made of a flag."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"


class Severity(StrEnum):
    """How soon a person should look."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path: who carried how much of an origin to whom in which transaction.

    `amount` left `sender` in `asset`, `received` reached `recipient` in `received_asset` (another one after an
    exchange); `origin_amount` is the same money in the origin's own asset. `transfers` are the ids of the transfers
    that join both ends, `via` the addresses it passed through inside the transaction.
    """

    chain: str
    tx_hash: str
    at: datetime
    block: int | None
    sender: Address
    recipient: Address
    asset: AssetId
    amount: int
    received_asset: AssetId
    received: int
    origin_amount: int
    by: str  # payment, exchange, inferred_exchange (no labelled venue took part), hand_on, coinjoin, unaddressed
    transfers: tuple[str, ...] = ()
    via: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Path:
    """The hops from an origin to an address under one method, oldest first.

    `carried`: what of the money that arrived went by exactly these hops, in the origin's own asset; `spread`: what of
    the same origin's arrived with it by smaller paths that are not told (one number for all told of that arrival).
    """

    origin: str
    method: str
    hops: tuple[Hop, ...]
    carried: int = 0
    spread: int = 0


@dataclass(frozen=True, slots=True)
class Sum:
    """Taint of one origin under one method in one asset: base units of that asset, and of the origin's own.

    `report_ids`: the reports that name this origin; where it is several, they name the same money.
    """

    origin: str
    method: str
    asset: AssetId
    amount: int
    origin_amount: int
    report_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """Tainted money that came to an end in one transaction, under every method that brings any.

    `whole`: all that came there in this asset in the transaction, tainted or not.
    """

    chain: str
    tx_hash: str
    at: datetime
    block: int | None
    asset: AssetId
    sums: tuple[Sum, ...]
    whole: int = 0


@dataclass(frozen=True, slots=True)
class Landing:
    """Everything tainted that came to one labelled address, or was redeemed in one token: what the rules look at.

    `kind` is arrival, mixer, bridge, redeemed, unresolved, contact (it only passed a labelled address) or coinjoin (it
    left the address into one). `paths` has some for each arrival and each origin. `hops`: the fewest from any origin.
    """

    kind: str
    address: Address
    label: Label | None
    arrivals: tuple[Arrival, ...]
    paths: tuple[Path, ...]
    hops: int
    token: Asset | None = None
    claims: tuple[Label, ...] = ()  # every label that holds at those moments; `label` is the one that counts


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of an address, before it is kept as a flag. It cannot be built without a path."""

    rule: str
    rule_version: int
    severity: Severity
    address: Address
    entity: str | None
    message: str
    label: Label | None
    facts: tuple[Fact, ...]
    arrivals: tuple[Arrival, ...]
    paths: tuple[Path, ...]
    hops: int
    evidence: tuple[str, ...] = ()  # ids of the transfers that show a pattern

    def __post_init__(self) -> None:
        if not self.paths or not all(path.hops for path in self.paths):
            raise ValueError(f"a flag needs a path with transactions: {self.rule} at {self.address}")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not known and could matter: what, where, when, how much."""

    kind: str
    text: str
    address: Address | None = None
    tx_hash: str | None = None
    asset: AssetId | None = None
    amount: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a source was read for an address: its own cursor, and the block (height and hash) it had reached."""

    cursor: str | None = None
    block: int | None = None
    block_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far an address was read: `complete`, `partial`, `unread`, `refused`, with the reason."""

    state: str = "unread"
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.state}({self.reason})" if self.reason else self.state
