"""`liqbot status`: what it does now, with which money, and whether positions are protected."""

from decimal import Decimal
from typing import Any, NoReturn

import click

from bot.cli import rules, tables
from bot.cli.context import (
    Place,
    ask_or_none,
    find_place,
    json_option,
    place_options,
    print_json,
    start_command,
)
from bot.errors import DataDirError, NotRunningError
from bot.model.bracket import Bracket
from bot.model.instrument import display_symbol
from bot.model.primitives import Millis, Symbol
from bot.model.signal import Rule
from bot.ops import documents
from bot.store.reader import BootRow, Reader


@click.command("status")
@place_options
@json_option
def status_command(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """What it does now; exit code 3 when not running."""
    place = find_place(config, data_dir)
    document = ask_or_none(place, "status")
    if document is None:
        _not_running(place, as_json=as_json)
    if as_json:
        print_json(document)
        return
    click.echo(_headline(document))
    if document["mode"] == "live":
        click.echo(f"  on {document['account']}")
    for hold in document["holds"]:
        click.echo(_hold(hold))
    click.echo()
    click.echo(_figures(document))
    if document["positions"]:
        click.echo()
        click.echo(positions_table(document["positions"], at=document["at"]))
    if document["last_refusal"] is not None:
        click.echo()
        click.echo(_last_decision(document["last_refusal"], document["at"]))


def positions_table(positions: list[dict[str, Any]], *, at: str | None) -> str:
    """Open positions, each with where its stop stands and how far everything is."""
    head = ("symbol", "side", "qty", "entry", "now", "stop", "target", "net", "R")
    rows = [
        (
            display_symbol(Symbol(row["symbol"])),
            row["side"].upper(),
            row["qty"],
            tables.price(row["entry_price"]),
            tables.price(row["mark_price"]),
            tables.price(row["stop_price"]),
            tables.price(row["target_price"]),
            tables.usd(row["pnl_usd"], sign=True),
            tables.r(row["r"]),
        )
        for row in positions
    ]
    first, *lines = tables.table(head, rows, right="qty entry now stop target net R").splitlines()
    told = [first]
    for line, row in zip(lines, positions, strict=True):
        told += [line, *(f"         {text}" for text in _about_position(row, at))]
    return "\n".join(told)


def _about_position(row: dict[str, Any], at: str | None) -> list[str]:
    delay = row["stop_delay_ms"]
    if row["stop_confirmed"]:
        after = "" if delay is None else f", confirmed {delay / 1000:.1f} s after the fill"
        first = f"stop on the venue{after}"
    else:
        first = tables.paint("NO CONFIRMED STOP; the bot is placing one", "red")
    if row["is_floating"]:
        first += "; levels ride on the price"
    distances = [
        f"{abs(Decimal(row[name]) / Decimal(row['mark_price']) - 1) * 100:.2f} % {words}"
        for name, words in (("stop_price", "from the stop"), ("target_price", "from the target"))
        if row[name] is not None and row["mark_price"] is not None
    ]
    if at is not None and row["opened_at"] is not None:
        open_s = (tables.millis(at) - tables.millis(row["opened_at"])) / 1000
        distances.append(f"open for {tables.span(open_s)}")
    return [first, ", ".join(distances)] if distances else [first]


def _headline(document: dict[str, Any]) -> str:
    held = document["positions"]
    bare = sum(not row["stop_confirmed"] for row in held)
    positions = f"{tables.count(len(held), 'position')} open"
    if held:
        positions += f", {bare} WITHOUT A CONFIRMED STOP" if bare else " and protected"
    colour = "green" if document["state"] == "TRADING" and not bare else "yellow"
    state = tables.paint(document["state"], "red" if bare else colour)
    mode = document["mode"]
    if mode == "live":  # Where nobody can miss it.
        mode = tables.paint("LIVE", "red")
    return f"{state}  {mode}, up {tables.span(document['uptime_s'])}, {positions}"


def _hold(hold: dict[str, Any]) -> str:
    on = f" on {display_symbol(Symbol(hold['symbol']))}" if hold["symbol"] else ""
    if hold["needs_operator"]:
        ends = "ends with `liqbot resume`"
    elif hold["until"] is not None:
        ends = f"ends by itself at {tables.day_and_clock(hold['until'])} UTC"
    else:
        ends = "ends by itself when the cause ends"
    why = hold["detail"] or hold["cause"].replace("_", " ")
    since = tables.day_and_clock(hold["since"])
    text = f"{hold['state']}{on} since {since} UTC because {why}; {ends}"
    return tables.wrapped(text, indent=6)


def _figures(document: dict[str, Any]) -> str:
    heatmap, market, limits = document["heatmap"], document["market"], document["limits"]
    day, equity = document["day_pnl_usd"], document["equity_usd"]
    today = "-"
    if day is not None and equity is not None:
        start = Decimal(equity) - Decimal(day)
        gained_pct = float(Decimal(day) / start * 100) if start else None
        today = f"{tables.usd(day, sign=True)} ({tables.pct(gained_pct, sign=True)})"
    lost = tables.usd(max(-Decimal(day), Decimal(0)) if day is not None else None)
    freshness = "fresh" if heatmap["fresh"] else tables.paint("STALE", "red")
    riding = ", ride on the price" if heatmap["floating"] else ""
    funding = market["next_funding_at"]
    funding_s = (tables.millis(funding) - tables.millis(document["at"])) / 1000 if funding else None
    rows = (
        (
            "equity",
            f"{tables.usd(equity)} USDT",
            f"today {today}",
            f"from peak {tables.pct(document['drawdown_pct'])}",
        ),
        (
            "heatmap",
            f"{freshness}, {tables.span(heatmap['age_s'])} old",
            f"{heatmap['symbols_fresh']} of {tables.count(heatmap['symbols'], 'symbol')}",
            f"levels stable {tables.share(heatmap['stability'])}{riding}",
        ),
        (
            "market",
            f"price {tables.span(market['age_s'])} old",
            f"funding in {tables.span(funding_s)}",
            "",
        ),
        (
            "limits",
            f"day loss {lost} of {tables.usd(limits['day_loss_usd'])}",
            f"positions {len(document['positions'])} of {limits['positions']}",
            f"losses in a row {document['losses_in_a_row']} of {limits['losses_in_a_row']}",
        ),
    )
    return tables.table(rows[0], rows[1:])


def _last_decision(refusal: dict[str, Any], at: str) -> str:
    rule = Rule(refusal["rule"])
    ago_s = (tables.millis(at) - tables.millis(refusal["at"])) / 1000
    side = f" {refusal['side'].upper()}" if refusal["side"] else ""
    why = rules.phrase(rule)
    if refusal["saw"] is not None and refusal["limit"] is not None:
        why += f" ({rules.saw(rule, refusal['saw'])}, limit {rules.limit(rule, refusal['limit'])})"
    name = display_symbol(Symbol(refusal["symbol"]))
    text = (
        f"last decision {tables.span(ago_s)} ago: {name} {refusal['strategy']}{side} refused, {why}"
    )
    return tables.wrapped(text, indent=2)


# --- not running


def _not_running(place: Place, *, as_json: bool) -> NoReturn:
    """Say when it was last seen and what stays, and end with 3."""
    boot, held, last_at, account = _last_known(place)
    seen_at = _last_seen(place, boot)
    if as_json:
        print_json(
            {
                "state": "STOPPED",
                "reason": "not running",
                "mode": place.config.mode,
                "account": account,
                "at": documents.rfc3339(last_at),
                "last_seen_at": documents.rfc3339(seen_at),
                "positions": [documents.position(row, None) for row in held],
            }
        )
        raise click.exceptions.Exit(NotRunningError.exit_code)
    if boot is None:
        first = "Not running, and it has never run here."
    else:
        from bot.clock import wall_now  # noqa: PLC0415  (asyncio; only where it is needed)

        ago = tables.about(max(wall_now() - (seen_at or boot.started_at), 0) / 1000)
        how = "stopped in order" if boot.is_clean else "ended without a stop (killed or crashed)"
        whose = f" ({account})" if place.config.is_live and account else ""
        first = f"Not running{whose}. Last seen {ago} ago, {how}, {_what_stays(held)}."
    start = f"Start: {start_command(place)}   (service: systemctl start liqbot)"
    click.echo(tables.wrapped(first))
    click.echo(start)
    raise click.exceptions.Exit(NotRunningError.exit_code)


def _last_known(place: Place) -> tuple[BootRow | None, list[Bracket], Millis | None, str]:
    try:
        with Reader(place.ledger) as reader:
            held = [row for row in reader.open_brackets() if row.open_qty > 0]
            return reader.last_boot(), held, reader.last_at() or None, reader.meta["account_id"]
    except DataDirError:
        return None, [], None, ""


def _last_seen(place: Place, boot: BootRow | None) -> Millis | None:
    """The clean stop; after a kill, when the ledger was last written."""
    if boot is None:
        return None
    if boot.stopped_at is not None:
        return boot.stopped_at
    files = (place.ledger, place.ledger.with_name("ledger.db-wal"))
    written = max(path.stat().st_mtime_ns for path in files if path.exists())
    return Millis(written // 1_000_000)


def _what_stays(held: list[Bracket]) -> str:
    if not held:
        return "no position open"
    bare = sum(not documents.is_protected(row) for row in held)
    stops = f"{bare} without a confirmed stop" if bare else "with stops on the venue"
    if len(held) == 1 and not bare:
        stops = "with its stop on the venue"
    return f"{tables.count(len(held), 'position')} open {stops}"
