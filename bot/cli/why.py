"""`liqbot why SYMBOL`: why there is no trade now, in words, then with every number behind them."""

from typing import Any

import click

from bot.cli import rules, tables
from bot.cli.context import find_place, json_option, place_options, print_json, symbol_of
from bot.cli.looking import look_at
from bot.config import Config
from bot.model.instrument import display_symbol
from bot.model.primitives import Symbol
from bot.model.signal import WAITING_RULES, Rule


@click.command("why")
@click.argument("symbol")
@place_options
@json_option
def why_command(config: str | None, data_dir: str | None, symbol: str, *, as_json: bool) -> None:
    """Why it does not trade a symbol now, in plain sentences."""
    place = find_place(config, data_dir)
    wanted = symbol_of(place, symbol)
    look = look_at(place, wanted)
    sentence = first_sentence(look, wanted, place.config)
    best = best_candidate(look["refusals"])
    passes = would_pass_with(best, look) if best is not None else []
    if as_json:
        print_json(
            {
                "symbol": wanted,
                "sentence": sentence,
                "best": best,
                "would_pass_with": passes,
                **look,
            }
        )
        return
    told = [tables.wrapped(sentence, first="")]
    if not look["is_running"]:
        when = tables.day_and_clock(look["at"])
        told.append(f"The bot is not running: this is how it was at {when} UTC.")
    if look["is_floating"]:
        told.append(tables.wrapped(_floating(look), first=""))
    told += ["", _situation(look, place.config)]
    if look["refusals"]:
        told += ["", _refusals_table(look)]
    if best is not None:
        told += ["", _candidate(best)]
    if passes:
        told += ["It would pass with", *(tables.wrapped(t, indent=4, first="  ") for t in passes)]
    told += ["", _counts(look, wanted)]
    click.echo("\n".join(told))


# --- the first sentence


def first_sentence(look: dict[str, Any], symbol: Symbol, config: Config) -> str:
    """The one reason that decides, the strongest first."""
    name = display_symbol(symbol)
    return (
        _held(look, name)
        or _open(look, name)
        or _blind(look, name)
        or _ready(look, name)
        or _warming(look, name, config)
        or _empty(look, config)
        or _young(look)
        or _refused(look, name)
    )


def _held(look: dict[str, Any], name: str) -> str:
    if look["state"] == "TRADING":
        return ""
    hold = next((h for h in look["holds"] if h["state"] == look["state"]), None)
    if hold is None:
        return f"No trade on {name}: the bot is on {look['state']}."
    why = hold["detail"] or hold["cause"].replace("_", " ")
    if hold["needs_operator"]:
        ends = "`liqbot resume` ends it"
    elif hold["until"] is not None:
        ends = f"it ends by itself at {tables.day_and_clock(hold['until'])} UTC"
    else:
        ends = "it ends by itself with its cause"
    who = "it" if hold["symbol"] else "the bot"
    since = tables.clock(hold["since"])
    return f"No trade on {name}: {who} is on {look['state']} since {since} because {why}; {ends}."


def _open(look: dict[str, Any], name: str) -> str:
    held = look["position"]
    if held is None:
        return ""
    result = "" if held["r"] is None else f" ({tables.r(held['r'])} R)"
    return f"A position is open on {name}{result}; one per symbol."


def _blind(look: dict[str, Any], name: str) -> str:
    if look["price"] is None:
        return f"No trade on {name}: no price has been seen yet."
    if look["staleness"]:
        return f"No trade on {name}: {look['staleness'].rstrip('.')}."
    return ""


def _ready(look: dict[str, Any], name: str) -> str:
    signal = look["signal"]
    if signal is None:
        return ""
    what = f"{signal['strategy']} {signal['signal']} pays {signal['risk_reward']:.2f}"
    denied = signal["denied"]
    if denied is None:
        return f"A trade on {name} qualifies at this moment: {what} for 1 risked after costs."
    return f"No trade on {name} now: {what}, but {_reason(denied)}."


def _warming(look: dict[str, Any], name: str, config: Config) -> str:
    """The map, or the volatility, is not known well enough yet for any strategy."""
    warming = next((row for row in look["refusals"] if row["rule"] == Rule.WARMING), None)
    if warming is None:
        return ""
    if not {"atr_1m_pct", "atr_15m_pct"} <= set(warming["numbers"]):
        return f"No trade on {name}: still warming up, for want of bars to measure volatility with."
    coverage, asked = look.get("coverage"), tables.share(config.heatmap.engine.coverage_min)
    explains = "too little" if coverage is None else tables.share(coverage)
    return (
        f"No trade on {name}: the heatmap is still warming up, it explains {explains} of the open "
        f"interest, {asked} is asked (heatmap.engine.coverage_min)."
    )


def _empty(look: dict[str, Any], config: Config) -> str:
    if _near(look, config):
        return ""
    reach = config.strategies.common.distance_max_pct
    return f"Nothing to look at: the provider reports no cluster within {reach:g} % of the price."


def _young(look: dict[str, Any]) -> str:
    """Every cluster that could be judged is still a candidate."""
    live = [row for row in look["refusals"] if Rule(row["rule"]) not in WAITING_RULES]
    if not live or any(row["rule"] != Rule.NOT_ACTIVE for row in live):
        return ""
    oldest = max(live, key=lambda row: row["numbers"].get("age_s", 0.0))
    age, least = oldest["numbers"].get("age_s", 0.0), oldest["numbers"].get("age_min_s", 0.0)
    seen, needed = oldest["saw"] or 0, oldest["limit"] or 0
    return (
        f"Clusters are still candidates: {seen:.0f} of {needed:.0f} readings, "
        f"{age:.0f} of {least:.0f} s."
    )


def _refused(look: dict[str, Any], name: str) -> str:
    best = best_candidate(look["refusals"])
    if best is not None and best["rule"] == Rule.PAYS_TOO_LITTLE:
        return (
            f"No trade on {name} now: the best candidate pays {best['saw']:.2f} for 1 risked "
            f"after costs, and you ask for {best['limit']:.2f} (risk.min_net_rr)."
        )
    live = [row for row in look["refusals"] if Rule(row["rule"]) not in WAITING_RULES]
    told = best or max(live, key=_depth, default=None)
    if told is not None:
        who = "the best candidate" if best is not None else "the likeliest"
        whom = f"{told['strategy']} {(told['side'] or '').upper()}".strip()
        return f"No trade on {name} now: {who} ({whom}) is refused, {_reason(told)}."
    return f"No trade on {name} now: nothing has been swept or broken, and no cluster fits a hunt."


def _reason(row: dict[str, Any]) -> str:
    """`too near: 0.42 % seen, 0.60 % asked (strategies.hunt.distance_min_pct)`."""
    rule = Rule(row["rule"])
    text = rules.phrase(rule)
    if row["saw"] is not None:
        text += f": {rules.saw(rule, row['saw'])} seen"
        if row["limit"] is not None:
            text += f", limit {rules.limit(rule, row['limit'])}"
    key = rules.key(rule)
    return f"{text} ({key})" if key else text


def _depth(row: dict[str, Any]) -> int:
    """How far down the line of checks it got: the later the rule, the nearer to a trade."""
    return list(Rule).index(Rule(row["rule"]))


# --- the numbers


def best_candidate(refusals: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of those that had an entry, a stop and a target: the one that pays most for its risk."""
    whole = [row for row in refusals if "rr_net" in row["numbers"]]
    return max(whole, key=lambda row: float(row["numbers"]["rr_net"]), default=None)


def would_pass_with(best: dict[str, Any], look: dict[str, Any]) -> list[str]:
    """What would have to be different, and why it is not."""
    if best["rule"] != Rule.PAYS_TOO_LITTLE:
        return []
    numbers = best["numbers"]
    told = []
    if (needed := numbers.get("target_needed")) is not None and needed > 0:
        told.append(f"a target at {tables.price(needed)} or beyond: {_target_way(best, look)}")
    stop, entry = numbers.get("stop_needed"), numbers["entry"]
    if stop is not None and stop > 0:
        away_pct = abs(stop - entry) / entry * 100
        least = numbers.get("stop_min_pct", 0.0)
        if away_pct < least:
            why = (
                f"refused too, {tables.pct(away_pct)} is inside the noise "
                f"(smallest stop {tables.pct(least)})"
            )
        else:
            why = "but the strategy's own stop lies behind the structure or one ATR away"
        told.append(f"or a stop at {tables.price(stop)} or nearer: {why}")
    return told


def _target_way(best: dict[str, Any], look: dict[str, Any]) -> str:
    cluster = _cluster_of(best, look)
    side = cluster["side"] if cluster is not None else ""
    following = best["numbers"].get("next_level")
    if following is None:
        return f"no other {side} cluster is in reach".replace("  ", " ")
    at = tables.price(best["cluster_level"])
    return f"the next {side} cluster is at {tables.price(following)}, but {at} stands in the way"


def _situation(look: dict[str, Any], config: Config) -> str:
    near = tables.count(len(_near(look, config)), "cluster")
    if not look["is_running"]:
        return f"price {tables.price(look['price'])}; {near} near"
    return (
        f"price {tables.price(look['price'])}, {tables.span(look['price_age_s'])} old; "
        f"reading {tables.span(look['reading_age_s'])} old; {near} near; "
        f"looked at {tables.clock(look['at'])}"
    )


def _refusals_table(look: dict[str, Any]) -> str:
    head = ("strategy", "side", "cluster", "refused by", "saw", "limit")
    rows = []
    for row in look["refusals"]:
        rule = Rule(row["rule"])
        rows.append(
            (
                row["strategy"],
                (row["side"] or "-").upper(),
                _cluster_cell(row, look),
                rules.phrase(rule),
                rules.saw(rule, row["saw"]),
                rules.limit(rule, row["limit"]),
            )
        )
    return tables.table(head, rows)


def _cluster_cell(row: dict[str, Any], look: dict[str, Any]) -> str:
    if row["cluster_level"] is None:
        return "-"
    cluster = _cluster_of(row, look)
    level = tables.price(row["cluster_level"])
    if cluster is None:
        return level
    return f"{cluster['side']:<5} {level} {tables.notional(cluster['notional_usd'])}"


def _cluster_of(row: dict[str, Any], look: dict[str, Any]) -> dict[str, Any] | None:
    return next((c for c in look["clusters"] if c["cluster"] == row["cluster"]), None)


def _near(look: dict[str, Any], config: Config) -> list[dict[str, Any]]:
    reach = config.strategies.common.distance_max_pct
    return [c for c in look["clusters"] if abs(c["distance_pct"] or 0.0) <= reach]


def _candidate(best: dict[str, Any]) -> str:
    numbers = best["numbers"]
    entry, stop, target = numbers["entry"], numbers["stop"], numbers["target"]
    stop_pct, target_pct = ((p - entry) / entry * 100 for p in (stop, target))
    odds = numbers.get("break_even")
    lines = [
        f"The best candidate ({best['strategy']} {best['side'].upper()}):",
        (
            f"  entry {tables.price(entry)}    "
            f"stop {tables.price(stop)} ({tables.pct(stop_pct, sign=True)})    "
            f"target {tables.price(target)} ({tables.pct(target_pct, sign=True)})"
        ),
        (
            f"  won {tables.usd(numbers.get('win_per_unit'))} a coin, "
            f"lost {tables.usd(numbers.get('loss_per_unit'))} a coin, costs included"
        ),
    ]
    if odds is not None and 0 < odds < 1:
        lines.append(f"  it would have to win {odds * 100:.0f} of 100 times to break even")
    return "\n".join(lines)


def _floating(look: dict[str, Any]) -> str:
    return (
        f"Only paper: levels ride on the price ({tables.share(look['stability'])} still there "
        "after 60 s); live needs heatmap.allow_unstable_provider."
    )


def _counts(look: dict[str, Any], symbol: Symbol) -> str:
    name = display_symbol(symbol)
    if look["since"] is None:
        return "Nothing is written down yet."
    total = sum(row["count"] for row in look["counts"])
    since = tables.clock(look["since"])[:5]
    head = (
        f"Since {since} on {name}: {tables.count(look['trades'], 'trade')}, "
        f"{tables.count(total, 'refusal')}"
    )
    if not total:
        return head
    each = [f"{rules.phrase(Rule(row['rule']))} {row['count']:,}" for row in look["counts"]]
    listed = tables.wrapped(" | ".join(each), indent=2)
    return f"{head}\n{listed}\nEach one with its numbers: liqbot signals {name} --refused"
