"""`liqbot clusters`, `levels` and `best`: the heatmap of one symbol as the bot follows it."""

from typing import Any

import click
import msgspec

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
from bot.core.levels import nearest_levels
from bot.errors import UsageError
from bot.model.cluster import Cluster, ClusterState
from bot.model.instrument import display_symbol
from bot.model.primitives import Symbol
from bot.ops import documents
from bot.store.reader import Reader

BEST_STRENGTH = 0.6
"""The provider's own default of `/best`."""
_TRUSTED = (ClusterState.ACTIVE, ClusterState.TOUCHED)


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """The live clusters of a symbol, and how old that is."""

    symbol: Symbol
    mark: float | None
    at: str | None
    clusters: list[Cluster]
    """By level, highest first."""
    is_running: bool
    staleness: str = ""


def read_map(place: Place, symbol: Symbol) -> Map:
    """From the ledger, which is as new as the last reading; the price from the running bot."""
    look = ask_or_none(place, "look", symbol=symbol)
    with Reader(place.ledger) as reader:
        clusters = reader.clusters(symbol)
        at, mark = reader.prices().get(symbol, (None, None))
    return Map(
        symbol=symbol,
        mark=look["price"] if look is not None else mark,
        at=look["at"] if look is not None else documents.rfc3339(at),
        clusters=clusters,
        is_running=look is not None,
        staleness=look["staleness"] if look is not None else "",
    )


@click.command("clusters")
@click.argument("symbol")
@place_options
@json_option
def clusters_command(
    config: str | None, data_dir: str | None, symbol: str, *, as_json: bool
) -> None:
    """Every live cluster of a symbol, by level."""
    place = find_place(config, data_dir)
    known = read_map(place, symbol_of(place, symbol))
    if as_json:
        print_json([documents.cluster(row, known.mark) for row in known.clusters])
        return
    if not known.clusters:
        click.echo(f"No live cluster on {display_symbol(known.symbol)}.")
    else:
        click.echo(_clusters_table(known))
    _say_age(known)


@click.command("levels")
@click.argument("symbol")
@place_options
@json_option
def levels_command(config: str | None, data_dir: str | None, symbol: str, *, as_json: bool) -> None:
    """The three nearest supports and resistances worth trading on."""
    place = find_place(config, data_dir)
    known = read_map(place, symbol_of(place, symbol))
    common = place.config.strategies.common
    found = (
        nearest_levels(known.clusters, known.mark, common)
        if known.mark is not None
        else nearest_levels((), 1.0, common)
    )
    by_level = {row.level: row for row in known.clusters}
    rows = [
        {
            "kind": kind,
            "rank": rank,
            **documents.cluster(by_level[level], known.mark),
        }
        for kind, levels in (("resistance", found.resistance), ("support", found.support))
        for rank, level in enumerate(levels, start=1)
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(
            f"No level on {display_symbol(known.symbol)}: no active cluster of strength "
            f"{common.strength_min:g} within {common.distance_max_pct:g} % of the price."
        )
    else:
        click.echo(_levels_table(rows, known.mark))
    _say_age(known)


@click.command("best")
@click.argument("symbol")
@click.option(
    "--min-strength", type=click.FloatRange(0, 1), default=BEST_STRENGTH, show_default=True
)
@place_options
@json_option
def best_command(
    config: str | None, data_dir: str | None, symbol: str, *, min_strength: float, as_json: bool
) -> None:
    """The strongest active cluster near the price."""
    place = find_place(config, data_dir)
    known = read_map(place, symbol_of(place, symbol))
    if known.mark is None:
        raise UsageError(
            f"No price of {display_symbol(known.symbol)} is known yet.",
            remedy="Start the bot with `liqbot run`, and ask again.",
        )
    reach_pct = place.config.strategies.common.distance_max_pct
    mark = known.mark
    near = [
        row
        for row in known.clusters
        if row.state in _TRUSTED
        and row.strength >= min_strength
        and abs(row.distance_pct(mark)) <= reach_pct
    ]
    best = max(near, key=lambda row: (row.strength, row.notional_usd), default=None)
    if as_json:
        print_json(None if best is None else documents.cluster(best, mark))
        return
    if best is None:
        click.echo(
            f"None: no active cluster of strength {min_strength:g} within {reach_pct:g} % "
            "of the price."
        )
    else:
        click.echo(_about_best(best, mark))
    _say_age(known)


def _clusters_table(known: Map) -> str:
    head = ("level", "side", "away", "size", "strength", "tier", "state", "seen", "followed")
    rows: list[tuple[str, ...]] = []
    mark = known.mark
    is_above = True
    for row in known.clusters:
        if is_above and mark is not None and row.level < mark:
            rows.append(_price_row(mark))
            is_above = False
        rows.append(_cluster_cells(row, mark))
    if is_above and mark is not None:
        rows.append(_price_row(mark))
    return tables.table(head, rows, right="level away size strength tier seen followed")


def _price_row(mark: float) -> tuple[str, ...]:
    return (tables.price(mark), "price", *[""] * 7)


def _cluster_cells(row: Cluster, mark: float | None) -> tuple[str, ...]:
    marks = ("*" if row.is_floating else "") + (f" absent {row.absent}" if row.absent else "")
    return (
        tables.price(row.level),
        row.side,
        tables.pct(row.distance_pct(mark) if mark else None, sign=True),
        tables.notional(row.notional_usd),
        f"{row.strength:.2f}",
        "-" if row.leverage_tier is None else f"{row.leverage_tier:.3g}x",
        row.state + marks,
        f"{row.seen:,}",
        tables.about((row.last_seen_at - row.first_seen_at) / 1000),
    )


def _levels_table(rows: list[dict[str, Any]], mark: float | None) -> str:
    cells: list[tuple[str, ...]] = []
    above = [row for row in rows if row["kind"] == "resistance"]
    below = [row for row in rows if row["kind"] == "support"]
    cells += [_level_cells(row) for row in reversed(above)]
    cells.append(("price", tables.price(mark), "", "", ""))
    cells += [_level_cells(row) for row in below]
    head = ("", "level", "away", "size", "strength")
    return tables.table(head, cells, right="level away size strength")


def _level_cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{row['kind']} {row['rank']}",
        tables.price(row["level"]),
        tables.pct(row["distance_pct"], sign=True),
        tables.notional(row["notional_usd"]),
        f"{row['strength']:.2f}",
    )


def _about_best(row: Cluster, mark: float) -> str:
    where = "above" if row.level > mark else "below"
    tier = "" if row.leverage_tier is None else f", {row.leverage_tier:.3g}x"
    text = (
        f"{row.side} {tables.price(row.level)}, {abs(row.distance_pct(mark)):.2f} % {where} the "
        f"price {tables.price(mark)}: {tables.notional(row.notional_usd)} USD, strength "
        f"{row.strength:.2f}{tier}, {row.state}, followed for "
        f"{tables.about((row.last_seen_at - row.first_seen_at) / 1000)}"
    )
    return tables.wrapped(text, indent=2, first="")


def _say_age(known: Map) -> None:
    when = tables.day_and_clock(known.at)
    if not known.is_running:
        click.echo(f"Not running: this is how it was at {when} UTC.", err=True)
    elif known.staleness:
        click.echo(f"Stale: {known.staleness}.", err=True)
