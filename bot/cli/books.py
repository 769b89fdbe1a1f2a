"""`liqbot positions` and `liqbot orders`: what is held, and what rests or worked at the venue."""

from typing import Any

import click

from bot.cli import tables
from bot.cli.context import (
    Place,
    ask_or_none,
    find_place,
    json_option,
    place_options,
    print_json,
    symbol_of,
)
from bot.cli.status import positions_table
from bot.model.instrument import display_symbol
from bot.model.primitives import Symbol
from bot.ops import documents
from bot.store.reader import LIMIT, Reader


@click.command("positions")
@place_options
@json_option
def positions_command(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """What is held, with stop, target and net result."""
    place = find_place(config, data_dir)
    positions, at = _positions(place)
    if as_json:
        print_json(positions)
        return
    if not positions:
        click.echo("No position is open.")
        return
    click.echo(positions_table(positions, at=at))


@click.command("orders")
@click.argument("symbol", required=False)
@click.option("--all", "is_all", is_flag=True, help="Ended orders as well.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=LIMIT, show_default=True)
@place_options
@json_option
def orders_command(
    config: str | None,
    data_dir: str | None,
    symbol: str | None,
    *,
    limit: int,
    is_all: bool,
    as_json: bool,
) -> None:
    """Orders that rest or are in flight; --all lists ended ones too."""
    place = find_place(config, data_dir)
    wanted = symbol_of(place, symbol) if symbol else None
    with Reader(place.ledger) as reader:
        rows = reader.orders(symbol=wanted, only_open=not is_all, limit=limit)
    found = [documents.order(row) for row in rows]
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No order." if is_all else "No order rests or is in flight.")
        return
    head = ("intended", "symbol", "leg", "side", "qty", "filled", "price", "status", "id")
    cells = [
        (
            tables.day_and_clock(row["intended_at"]),
            display_symbol(Symbol(row["symbol"])),
            row["leg"],
            row["side"],
            row["qty"],
            row["filled_qty"],
            tables.price(row["trigger_price"] or row["price"]) if _has_price(row) else "market",
            row["status"],
            row["client_order_id"][:8],
        )
        for row in found
    ]
    click.echo(tables.table(head, cells, right="qty filled price"))


def _has_price(row: dict[str, Any]) -> bool:
    return row["trigger_price"] is not None or row["price"] is not None


def _positions(place: Place) -> tuple[list[dict[str, Any]], str | None]:
    """From the running bot; where there is none, from the ledger with its last prices."""
    document = ask_or_none(place, "status")
    if document is not None:
        return list(document["positions"]), str(document["at"])
    with Reader(place.ledger) as reader:
        prices = reader.prices()
        held = [row for row in reader.open_brackets() if row.open_qty > 0]
        at = documents.rfc3339(reader.last_at())
    return [documents.position(row, prices.get(row.symbol, (0, None))[1]) for row in held], at
