"""`liqbot trades`: every closed bracket net of costs; `liqbot trades N`: one of them, whole."""

from decimal import Decimal

import click

from bot.cli import tables
from bot.cli.context import (
    Place,
    find_place,
    json_option,
    place_options,
    print_json,
    symbol_of,
)
from bot.cli.trade_story import story
from bot.errors import UsageError
from bot.model.bracket import Bracket
from bot.model.instrument import display_symbol
from bot.ops import documents
from bot.store.reader import LIMIT, Reader

ALL = 10_000_000
"""More trades than a ledger holds."""
FEW = 30
"""Fewer trades than this say nothing about an edge."""


@click.command("trades")
@click.argument("number", required=False, type=click.IntRange(min=1))
@click.option("--symbol", metavar="SYMBOL", help="Only this symbol.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=LIMIT, show_default=True)
@place_options
@json_option
def trades_command(
    config: str | None,
    data_dir: str | None,
    number: int | None,
    symbol: str | None,
    *,
    limit: int,
    as_json: bool,
) -> None:
    """Closed trades, net of costs; with a number, that trade's whole story."""
    place = find_place(config, data_dir)
    with Reader(place.ledger) as reader:
        # Oldest first, so that a trade keeps its number for ever.
        numbered = list(enumerate(reversed(reader.trades(limit=ALL)), start=1))
        if number is not None:
            _one(reader, numbered, number, as_json=as_json)
            return
        wanted = symbol_of(place, symbol) if symbol else None
        rows = [(n, row) for n, row in numbered if wanted in (None, row.symbol)]
        if as_json:
            print_json([documents.trade(n, row) for n, row in rows[-limit:]])
            return
        _list(place, reader, rows, limit)


def _one(
    reader: Reader, numbered: list[tuple[int, Bracket]], number: int, *, as_json: bool
) -> None:
    if number > len(numbered):
        raise UsageError(
            f"There is no trade {number}.",
            remedy=f"{tables.count(len(numbered), 'trade')} closed so far: liqbot trades",
        )
    bracket = numbered[number - 1][1]
    lines = story(reader, bracket)
    if as_json:
        told = [
            {"at": documents.rfc3339(at), "topic": topic, "text": text} for at, topic, text in lines
        ]
        print_json({**documents.trade(number, bracket), "story": told})
        return
    click.echo(_title(number, bracket))
    for at, topic, text in lines:
        click.echo(tables.wrapped(text, indent=19, first=f"{tables.clock(at)}  {topic:<8} "))
    click.echo(_sum_of(bracket))


def _title(number: int, bracket: Bracket) -> str:
    opened_at, closed_at = bracket.first_fill_at or bracket.opened_at, bracket.closed_at
    held_s = ((closed_at or opened_at) - opened_at) / 1000
    strategy = bracket.signal.strategy if bracket.signal else "adopted"
    riding = "  levels ride on the price" if bracket.is_floating else ""
    return (
        f"Trade {number}  {display_symbol(bracket.symbol)}  {bracket.position_side.name}  "
        f"{strategy}  {_result(bracket)}  held {tables.span(held_s)}  "
        f"{tables.day(opened_at)}{riding}"
    )


def _result(bracket: Bracket) -> str:
    text = f"{tables.usd(bracket.pnl_usd, sign=True)} USDT  {tables.r(bracket.r)} R"
    return tables.paint(text, "green" if bracket.pnl_usd > 0 else "red")


def _sum_of(bracket: Bracket) -> str:
    gross = bracket.pnl_usd + bracket.fees_usd - bracket.funding_usd
    word = "won" if gross >= 0 else "lost"
    return (
        f"{word} {tables.usd(abs(gross))}, fees {tables.usd(bracket.fees_usd)}, "
        f"funding {tables.usd(bracket.funding_usd)}: net {tables.usd(bracket.pnl_usd, sign=True)}"
    )


def _list(place: Place, reader: Reader, rows: list[tuple[int, Bracket]], limit: int) -> None:
    held = sum(row.open_qty > 0 for row in reader.open_brackets())
    if not rows:
        click.echo("No trade closed yet. Why not: liqbot why SYMBOL")
    else:
        head = ("#", "closed", "symbol", "side", "by", "entry", "exit", "net", "R", "exit by")
        shown = rows[-limit:]
        is_one_day = len({tables.day(row.closed_at or row.opened_at) for _, row in shown}) == 1
        cells = [_cells(number, row, is_one_day=is_one_day) for number, row in shown]
        click.echo(tables.table(head, cells, right="# entry exit net R"))
        if len(shown) < len(rows):
            click.echo(f"... and {len(rows) - len(shown)} before these: --limit")
        click.echo()
        click.echo(_summary(place, [row for _, row in rows]))
    if held:
        click.echo(f"{held} still open: liqbot positions")


def _cells(number: int, row: Bracket, *, is_one_day: bool) -> tuple[str, ...]:
    closed_by = row.closed_by or "-"
    # Seconds or the date: both do not fit.
    closed = tables.clock(row.closed_at) if is_one_day else tables.day_and_clock(row.closed_at)[:-3]
    return (
        str(number),
        closed,
        display_symbol(row.symbol),
        row.position_side.name,
        (row.signal.strategy if row.signal else "adopted") + ("*" if row.is_floating else ""),
        tables.price(row.entry_price),
        tables.price(row.exit_price),
        tables.usd(row.pnl_usd, sign=True),
        tables.r(row.r),
        closed_by.replace("_", " "),
    )


def _summary(place: Place, rows: list[Bracket]) -> str:
    results = [row.pnl_usd for row in rows]
    won = sum((pnl for pnl in results if pnl > 0), Decimal(0))
    lost = -sum((pnl for pnl in results if pnl <= 0), Decimal(0))
    wins = sum(pnl > 0 for pnl in results)
    net = won - lost
    costs = sum((row.fees_usd - row.funding_usd for row in rows), Decimal(0))
    start = place.config.paper.balance_usd
    multiples = [row.r for row in rows if row.r is not None]
    average = f"{sum(multiples) / len(multiples):+.2f} R" if multiples else "-"
    factor = f"{won / lost:.2f}" if lost else "-"
    told = [
        (
            f"{len(rows)} closed: {wins} won, {len(rows) - wins} lost    "
            f"net {tables.usd(net, sign=True)} USDT ({float(net / start * 100):+.2f} %)    "
            f"costs {tables.usd(costs)}"
        ),
        f"profit factor {factor}    average {average}"
        + ("    so few trades say nothing yet" if len(rows) < FEW else ""),
    ]
    if any(row.is_floating for row in rows):
        told.append("* levels rode on the price: on paper only, live entries are refused")
    return "\n".join(told)
