"""Several lists of one address read as one: nothing is missing, nothing comes twice, nothing is asked for twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.chains import parse_address
from tracer.model import Address
from tracer.sources.feeds import Feed, Feeds, Row, Slice

END = 30
ANN = parse_address("ethereum", "0x" + "11" * 20)
LISTS = st.lists(st.lists(st.integers(0, END), max_size=25).map(sorted), min_size=1, max_size=4)


def windowed(positions: list[int], most: int, asked: list[int]) -> Feed:
    """A list that gives at most so many rows at once, and of a position all or nothing; a full position is cut."""

    def feed(_address: Address, start: int, end: int) -> Slice:
        asked.append(start)
        rows = [Row(at, {"n": n}) for n, at in enumerate(positions) if start <= at <= end]
        if len(rows) <= most:
            return Slice(rows, end)
        upto = rows[most].position - 1
        if upto < start:
            return Slice([row for row in rows if row.position == start][:most], start, cut=f"{start} is full")
        return Slice([row for row in rows if row.position <= upto], upto)

    return feed


@given(LISTS, st.integers(1, 8))
def test_every_row_once_and_in_step(lists: list[list[int]], most: int) -> None:
    """However the lists lie, page after page gives each row once, and no list runs ahead of another."""
    asked: list[list[int]] = [[] for _ in lists]
    names = [str(n) for n in range(len(lists))]
    feeds = Feeds({name: windowed(lists[n], most, asked[n]) for n, name in enumerate(names)})
    found: dict[str, list[Row]] = {name: [] for name in names}
    start, cuts = 0, ""
    while start <= END:
        page = feeds.read(ANN, start, END)
        assert start <= page.upto <= END
        for name, rows in page.rows.items():
            assert all(start <= row.position <= page.upto for row in rows)
            found[name] += rows
        start, cuts = page.upto + 1, cuts + page.cut

    for n, name in enumerate(names):
        whole = [Row(at, {"n": number}) for number, at in enumerate(lists[n])]
        full = {at for at in lists[n] if lists[n].count(at) > most}
        assert [row for row in whole if row.position not in full] == [
            row for row in found[name] if row.position not in full
        ]
        assert all(f"{at} is full" in cuts for at in full)
        assert len(set(asked[n])) == len(asked[n])
