"""`liqbot signals`: what the strategies proposed, and with --refused what was refused and why."""

import click

from bot.cli import rules, tables
from bot.cli.context import find_place, json_option, place_options, print_json, symbol_of
from bot.model.instrument import display_symbol
from bot.model.primitives import Symbol
from bot.model.signal import Refusal
from bot.ops import documents
from bot.store.reader import LIMIT, Raised, Reader


@click.command("signals")
@click.argument("symbol", required=False)
@click.option("--refused", is_flag=True, help="What was refused, with rule and numbers.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=LIMIT, show_default=True)
@place_options
@json_option
def signals_command(
    config: str | None,
    data_dir: str | None,
    symbol: str | None,
    *,
    refused: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Signals raised, or with --refused the candidates that were not."""
    place = find_place(config, data_dir)
    wanted = symbol_of(place, symbol) if symbol else None
    with Reader(place.ledger) as reader:
        if refused:
            _refused(reader, wanted, limit, as_json=as_json)
        else:
            _raised(reader, wanted, limit, as_json=as_json)


def _raised(reader: Reader, symbol: Symbol | None, limit: int, *, as_json: bool) -> None:
    rows = reader.signals(symbol=symbol, limit=limit)
    if as_json:
        print_json(
            [documents.signal(row.signal, is_used=row.is_used, denied=row.denied) for row in rows]
        )
        return
    if not rows:
        click.echo("No signal yet. What was refused, and why: liqbot signals --refused")
        return
    head = ("at", "symbol", "strategy", "side", "entry", "stop", "target", "pays", "became")
    click.echo(
        tables.table(head, [_signal_cells(row) for row in rows], right="entry stop target pays")
    )


def _signal_cells(row: Raised) -> tuple[str, ...]:
    signal = row.signal
    became = "order" if row.denied is None else f"denied: {rules.phrase(row.denied.rule)}"
    return (
        tables.day_and_clock(signal.at),
        display_symbol(signal.symbol),
        signal.strategy,
        signal.position_side.name,
        tables.price(signal.entry_price),
        tables.price(signal.stop_price),
        tables.price(signal.target_price),
        f"{signal.risk_reward:.2f}",
        became,
    )


def _refused(reader: Reader, symbol: Symbol | None, limit: int, *, as_json: bool) -> None:
    rows = reader.refusals(symbol=symbol, limit=limit)
    if as_json:
        print_json([documents.refusal(row) for row in rows])
        return
    if not rows:
        click.echo("Nothing was refused yet.")
        return
    click.echo(f"Newest first, from {tables.day_and_clock(rows[0].at)} UTC.")
    head = ("symbol", "strategy", "side", "cluster", "refused by", "saw", "limit", "times")
    click.echo(
        tables.table(head, [_refusal_cells(row) for row in rows], right="cluster saw limit times")
    )


def _refusal_cells(row: Refusal) -> tuple[str, ...]:
    return (
        display_symbol(row.symbol),
        row.strategy,
        "-" if row.position_side is None else row.position_side.name,
        tables.price(row.cluster_level),
        rules.phrase(row.rule),
        rules.saw(row.rule, row.saw),
        rules.limit(row.rule, row.limit),
        f"{row.count:,}",
    )
