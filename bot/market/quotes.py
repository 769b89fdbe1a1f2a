"""The newest price of each symbol, and what of it the core has been told.

Late, absurd and lonely readings are dropped and counted: a price that is not believed is better
missing, for what is missing is noticed and holds entries back. The mark is the truth; the book is
what it costs. Extremes are kept until they are told, so that no wick that was seen is lost.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from bot.market.publicdata import MINUTE_MS, Tick
from bot.model.events import PriceMoved
from bot.model.primitives import Millis, Symbol

LATE_MS: Final = 5_000
"""A reading that was made longer ago than this is not the newest price of anything; one that is
stamped so far ahead of the exchange's own clock is none either."""
TRAVEL_S: Final = 0.5
"""Seconds of the wall that a reply may take, on clocks that run faster than the wall."""
HOLE_MS: Final = 15_000
"""A longer pause between two marks is a window in which nobody knows what happened."""
JUMP_SHARE: Final = 0.10
"""A mark this far from the last one is believed when the next reading agrees."""
AGREES_SHARE: Final = 0.02
JUMP_MEMORY_MS: Final = 60_000
"""After so long without a price any price is as good as another."""
BOOK_FAR_SHARE: Final = 0.2
"""A book whose middle is this far from the mark belongs to something else."""
MINUTES_KEPT: Final = 5


class Quotes:
    """All symbols of a market."""

    def __init__(self, symbols: Iterable[Symbol], *, speed: float = 1.0) -> None:
        """`speed` is the clock's: what travels for a while has aged more on a faster one."""
        late_ms = max(LATE_MS, round(TRAVEL_S * speed * 1000))
        self._rows = {symbol: _Quote(symbol, late_ms) for symbol in symbols}
        self.dropped: Counter[str] = Counter()
        """Readings that were not believed, by reason."""

    def take(self, tick: Tick, at: Millis) -> bool:
        """Take a reading in at market time `at`; True where it brought a mark that is believed."""
        row = self._rows.get(tick.symbol)
        if row is None:
            return False
        refused = row.take_book(tick)
        if refused:
            self.dropped[refused] += 1
        if tick.mark is None:
            return False
        refused = row.take_mark(tick.mark, tick.stamped_at, at)
        if refused:
            self.dropped[refused] += 1
        return not refused

    def set_depth(self, symbol: Symbol, depth_usd: float | None) -> None:
        """Keep what rests near the middle of the book; None: it is not known any more."""
        self._rows[symbol].depth_usd = depth_usd

    def widen(
        self, symbol: Symbol, high: float, low: float, since: Millis, *, is_doubtful: bool = False
    ) -> None:
        """Note a range of the mark that became known afterwards: from `since` until now.

        `is_doubtful` where the bot was away for a part of it.
        """
        self._rows[symbol].widen(high, low, since, is_doubtful=is_doubtful)

    def seen_in(self, symbol: Symbol, minute: Millis) -> tuple[float, float] | None:
        """Highest and lowest mark seen in the minute that opens then; None where none was."""
        return self._rows[symbol].minutes.get(minute)

    def has_moved(self, symbol: Symbol) -> bool:
        """The mark is another one than the core was told last."""
        row = self._rows[symbol]
        return row.mark is not None and row.mark != row.told_mark

    def marked_at(self, symbol: Symbol) -> Millis | None:
        """When the newest believed mark arrived."""
        return self._rows[symbol].marked_at

    def told_at(self, symbol: Symbol) -> Millis | None:
        """When the core was told last."""
        return self._rows[symbol].told_at

    def is_fresh(self, symbol: Symbol, at: Millis, within_ms: int) -> bool:
        """A believed mark arrived within that time."""
        marked_at = self._rows[symbol].marked_at
        return marked_at is not None and at - marked_at <= within_ms

    def tell(self, symbol: Symbol, at: Millis) -> PriceMoved | None:
        """The price now with its range since it was last told; None before mark and book."""
        return self._rows[symbol].tell(at)


class _Quote:
    """One symbol."""

    def __init__(self, symbol: Symbol, late_ms: int) -> None:
        self.symbol = symbol
        self._late_ms = late_ms
        self.mark: float | None = None
        self.bid: float | None = None
        self.ask: float | None = None
        self.last: float | None = None
        self.depth_usd: float | None = None
        self.marked_at: Millis | None = None
        self.told_at: Millis | None = None
        self.told_mark: float | None = None
        self.minutes: dict[int, tuple[float, float]] = {}
        self._mark_stamp = 0
        self._book_stamp = 0
        self._doubted: float | None = None
        self._high = 0.0
        self._low = 0.0
        self._since: Millis | None = None
        """Where the window begins that the next event tells; None: where the last one ended."""
        self._has_hole = False

    def take_book(self, tick: Tick) -> str:
        """Take bid, ask and last over; gives why not."""
        if tick.last is not None and tick.stamped_at >= self._book_stamp:
            self.last = tick.last
        if tick.bid is None and tick.ask is None:
            return ""
        if tick.stamped_at < self._book_stamp:
            return "late book"
        bid = tick.bid if tick.bid is not None else self.bid
        ask = tick.ask if tick.ask is not None else self.ask
        if bid is None or ask is None:
            self.bid, self.ask = bid, ask
            return ""
        if not 0.0 < bid <= ask:
            return "absurd book"
        mark = tick.mark if tick.mark is not None else self.mark
        if mark is not None and abs((bid + ask) / 2.0 / mark - 1.0) > BOOK_FAR_SHARE:
            return "absurd book"
        self.bid, self.ask, self._book_stamp = bid, ask, tick.stamped_at
        return ""

    def take_mark(self, mark: float, stamped_at: Millis, at: Millis) -> str:
        """Take the mark over; gives why not."""
        if not 0.0 < mark < float("inf"):
            return "absurd mark"
        if stamped_at < max(self._mark_stamp, at - self._late_ms):
            return "late mark"
        if stamped_at > at + self._late_ms:
            return "absurd mark"
        if self._is_jump(mark, at):
            return "lonely mark"
        self._mark_stamp = stamped_at
        before, self.mark = self.mark, mark
        if before is None or self.marked_at is None:
            self._high = self._low = mark
        else:
            self._has_hole |= at - self.marked_at > HOLE_MS
            self._high, self._low = max(self._high, mark), min(self._low, mark)
        self._note_minute(mark, before, at)
        self.marked_at = at
        return ""

    def _is_jump(self, mark: float, at: Millis) -> bool:
        """The mark is far from the one before, and nothing has confirmed it yet."""
        before, doubted = self.mark, self._doubted
        self._doubted = None
        if before is None or self.marked_at is None or at - self.marked_at > JUMP_MEMORY_MS:
            return False
        if abs(mark / before - 1.0) <= JUMP_SHARE:
            return False
        if doubted is not None and abs(mark / doubted - 1.0) <= AGREES_SHARE:
            return False
        self._doubted = mark
        return True

    def _note_minute(self, mark: float, before: float | None, at: Millis) -> None:
        minute = at - at % MINUTE_MS
        seen = self.minutes.get(minute)
        if seen is None:
            # The mark that the minute began with was in force in it, if it was still known.
            is_known = self.marked_at is not None and at - self.marked_at <= HOLE_MS
            first = before if before is not None and is_known else mark
            seen = (first, first)
            for old in [key for key in self.minutes if key < minute - MINUTES_KEPT * MINUTE_MS]:
                del self.minutes[old]
        self.minutes[minute] = (max(seen[0], mark), min(seen[1], mark))

    def widen(self, high: float, low: float, since: Millis, *, is_doubtful: bool) -> None:
        if self.mark is None:
            return
        self._has_hole |= is_doubtful
        self._high, self._low = max(self._high, high), min(self._low, low)
        begin = self._since if self._since is not None else self.told_at
        self._since = since if begin is None else min(begin, since)

    def tell(self, at: Millis) -> PriceMoved | None:
        if self.mark is None or self.bid is None or self.ask is None:
            return None
        since = self._since if self._since is not None else self.told_at
        middle = (self.bid + self.ask) / 2.0
        event = PriceMoved(
            at=at,
            symbol=self.symbol,
            mark=self.mark,
            bid=self.bid,
            ask=self.ask,
            last=self.last if self.last is not None else middle,
            high=self._high,
            low=self._low,
            since_at=since if since is not None else at,
            depth_usd=self.depth_usd,
            is_complete=not self._has_hole,
        )
        self._high = self._low = self.mark
        self._since, self._has_hole = None, False
        self.told_at, self.told_mark = at, self.mark
        return event
