"""The tracker under any sequence of prices, readings, failures and time."""

from collections.abc import Callable
from itertools import combinations, pairwise
from math import inf, log

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.tracker import matching
from bot.core.tracker.matching import PairCost, Spot
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState, Ending
from bot.model.heatmap import Row
from bot.model.primitives import ClusterId, PositionSide
from tests.fakes.tracking import TrackedSymbol, a_row

KIND = ClusterEventKind
LIVE = {ClusterState.CANDIDATE, ClusterState.ACTIVE, ClusterState.TOUCHED}

# fmt: off
MOVES: dict[ClusterEventKind, tuple[set[ClusterState], ClusterState, set[Ending]]] = {
    KIND.ACTIVE:          ({ClusterState.CANDIDATE}, ClusterState.ACTIVE,  {Ending.NONE}),
    KIND.TOUCHED:         ({ClusterState.ACTIVE},    ClusterState.TOUCHED, {Ending.NONE}),
    KIND.UNTOUCHED:       ({ClusterState.TOUCHED},   ClusterState.ACTIVE,  {Ending.NONE}),
    KIND.BROKEN:          (LIVE,                     ClusterState.BROKEN,  {Ending.PENDING}),
    KIND.BREAK_ACCEPTED:  ({ClusterState.BROKEN},    ClusterState.BROKEN,  {Ending.ACCEPTED}),
    KIND.BREAK_SWEPT:     ({ClusterState.BROKEN},    ClusterState.BROKEN,  {Ending.SWEPT}),
    KIND.BREAK_UNDECIDED: ({ClusterState.BROKEN},    ClusterState.BROKEN,  {Ending.UNDECIDED}),
    KIND.EXPIRED:         (LIVE,                     ClusterState.EXPIRED, {Ending.EXPIRED}),
    KIND.DROPPED:         ({ClusterState.CANDIDATE}, ClusterState.EXPIRED, {Ending.DROPPED}),
    KIND.AGED_OUT:        (LIVE,                     ClusterState.EXPIRED, {Ending.AGED_OUT}),
}
# fmt: on
"""The transition table: from which states, to which state, with which ending."""
REPEATABLE = {KIND.TOUCHED, KIND.UNTOUCHED, KIND.EXPIRED, KIND.REVIVED}

levels = st.floats(99.9, 100.1).map(lambda x: round(x, 3))
tiers = st.sampled_from([None, 10.0, 15.0, 25.0, 50.0])
spots = st.lists(st.tuples(levels.map(log), tiers.map(lambda t: log(t) if t else None)), max_size=5)


def by_place(spot: Spot) -> tuple[float, float]:
    return spot[0], spot[1] or 0.0


def cost_of(pairs: list[tuple[int, int]], olds: list[Spot], news: list[Spot], f: PairCost) -> float:
    single = len(olds) + len(news) - 2 * len(pairs)
    return matching.UNMATCHED_COST * single + sum(f(olds[i], news[j]) for i, j in pairs)


def least_cost(olds: list[Spot], news: list[Spot], f: PairCost) -> float:
    """Of all alignments that keep the order, tried one by one."""
    return min(
        cost_of(list(zip(some, others, strict=True)), olds, news, f)
        for k in range(min(len(olds), len(news)) + 1)
        for some in combinations(range(len(olds)), k)
        for others in combinations(range(len(news)), k)
    )


@given(spots, spots)
def test_matching_by_level_costs_as_little_as_any_alignment(
    olds: list[Spot], news: list[Spot]
) -> None:
    olds, news = sorted(olds, key=by_place), sorted(news, key=by_place)
    cost = matching.level_cost(10.0, 2.0)
    pairs = matching.align(olds, news, reach=1e-3, cost=cost)

    assert abs(least_cost(olds, news, cost) - cost_of(pairs, olds, news, cost)) < 1e-9
    assert pairs == matching.align(olds, news, reach=1e-3, cost=cost)


@given(
    st.lists(st.tuples(levels, tiers), max_size=5), st.lists(st.tuples(levels, tiers), max_size=5)
)
def test_matching_by_tier_costs_as_little_as_any_alignment(
    old: list[tuple[float, float | None]], new: list[tuple[float, float | None]]
) -> None:
    olds = sorted(matching.floating_spot(level, tier, 99.0) for level, tier in old)
    news = sorted(matching.floating_spot(level, tier, 98.0) for level, tier in new)
    cost = matching.floating_cost
    reach = log(matching.FLOATING_TIER_RATIO)
    pairs = matching.align(olds, news, reach=reach, cost=cost)

    assert abs(least_cost(olds, news, cost) - cost_of(pairs, olds, news, cost)) < 1e-9


@given(spots, spots)
def test_pairs_never_cross_and_are_all_allowed(olds: list[Spot], news: list[Spot]) -> None:
    olds, news = sorted(olds, key=by_place), sorted(news, key=by_place)
    cost = matching.level_cost(10.0, 2.0)
    pairs = matching.align(olds, news, reach=1e-3, cost=cost)

    assert all(i < k and j < m for (i, j), (k, m) in pairwise(pairs))
    assert all(cost(olds[i], news[j]) < inf for i, j in pairs)


@given(st.lists(st.floats(0.0, 0.05), min_size=2, max_size=30, unique=True), st.floats(-4e-4, 4e-4))
def test_levels_that_move_together_are_never_swapped(places: list[float], shift: float) -> None:
    olds: list[Spot] = [(x, None) for x in sorted(places)]
    news: list[Spot] = [(x + shift, None) for x, _ in olds]
    pairs = matching.align(olds, news, reach=1e-3, cost=matching.level_cost(10.0, 2.0))
    ranks = [(i, j) for i, j in pairs if i != j]

    # A shift within the tolerance pairs everything, so each keeps its rank.
    assert [] == ranks
    assert len(olds) == len(pairs)


prices = st.floats(96.0, 104.0).map(lambda x: round(x, 2))
rows = st.lists(
    st.builds(
        a_row,
        st.sampled_from([97.0, 98.0, 99.0, 99.5, 99.55, 100.5, 100.55, 101.0, 102.0, 103.0]),
        st.sampled_from(PositionSide),
        tier=st.sampled_from([None, 10.0, 50.0]),
    ),
    max_size=6,
)
Act = Callable[[TrackedSymbol], object]


def a_price(mark: float, up: float, down: float, after_s: float, kind: int) -> Act:
    return lambda it: it.price(
        mark,
        after_s=after_s,
        high=mark + up,
        low=mark - down,
        is_recovery=kind == 0,
        is_complete=kind != 1,
    )


def a_poll(found: list[Row], after_s: float, switches: int) -> Act:
    def act(it: TrackedSymbol) -> object:
        if switches == 0:
            it.is_floating = not it.is_floating
        return it.reads(*found, after_s=after_s)

    return act


seconds = st.sampled_from([0.0, 0.5, 1.0, 4.0, 5.0, 11.0, 20.0])
acts: st.SearchStrategy[Act] = st.one_of(
    st.builds(a_price, prices, st.floats(0, 1.5), st.floats(0, 1.5), seconds, st.integers(0, 12)),
    st.builds(a_poll, rows, seconds, st.integers(0, 20)),
    st.builds(
        lambda found, n: lambda it: [it.reads(*found) for _ in range(n)], rows, st.integers(2, 14)
    ),
    st.sampled_from([5.0, 700.0, 22_000.0]).map(lambda s: lambda it: it.waits(s)),
    st.sampled_from(["timeout", "unsupported"]).map(
        lambda k: lambda it: it.fails(k, after_s=300.0)
    ),
    st.booleans().map(lambda h: lambda it: it.halts(is_halted=h)),
)


def run(script: list[Act]) -> TrackedSymbol:
    it = TrackedSymbol()
    for act in script:
        act(it)
    return it


def facts(it: TrackedSymbol) -> list[tuple[ClusterId, int, ClusterEventKind, int]]:
    return [(e.cluster.id, e.cluster.gen, e.kind, e.at) for e in it.events]


def check_move(before: Cluster | None, event: ClusterEvent) -> None:
    after = event.cluster
    if event.kind in (KIND.NEW, KIND.REFORMED):
        assert before is None
        assert ClusterState.CANDIDATE is after.state
        assert (event.kind is KIND.REFORMED) == (after.gen > 1) == (after.parent_id is not None)
        return
    assert before is not None
    if event.kind is KIND.REVIVED:
        assert Ending.EXPIRED is before.ending
        assert after.is_live
        return
    sources, state, endings = MOVES[event.kind]
    assert before.state in sources
    assert (state, True) == (after.state, after.ending in endings)
    assert before.ending in (Ending.NONE, Ending.PENDING)


@settings(max_examples=150, deadline=None)
@given(st.lists(acts, max_size=40))
def test_every_event_is_a_move_of_the_table_and_no_end_is_left(script: list[Act]) -> None:
    """Terminal states absorb: nothing happens to a generation after its end, but a revival."""
    it = run(script)
    known: dict[ClusterId, Cluster] = {}
    for event in it.events:
        check_move(known.get(event.cluster.id), event)
        known[event.cluster.id] = event.cluster

    assert {i: (c.state, c.ending) for i, c in known.items()} == {
        i: (c.state, c.ending) for i, c in it.rows.items()
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(acts, max_size=40))
def test_one_shot_events_happen_once_a_generation(script: list[Act]) -> None:
    keys = [key[:3] for key in facts(run(script)) if key[2] not in REPEATABLE]

    assert len(keys) == len(set(keys))


@settings(max_examples=100, deadline=None)
@given(st.lists(acts, max_size=40))
def test_what_was_written_is_what_is_in_memory(script: list[Act]) -> None:
    it = run(script)

    assert {c.id: c for c in it.tracker.snapshot_clusters()}.items() <= it.rows.items()
    assert {c.id for c in it.tracker.clusters} == {c.id for c in it.rows.values() if c.is_live}


@settings(max_examples=60, deadline=None)
@given(st.lists(acts, max_size=40))
def test_a_replay_gives_the_same_events_and_rows(script: list[Act]) -> None:
    one, other = run(script), run(script)

    assert one.events == other.events
    assert one.rows == other.rows


@settings(max_examples=100, deadline=None)
@given(st.lists(acts, max_size=30))
def test_a_tradable_cluster_is_exactly_one_without_a_reason_against_it(script: list[Act]) -> None:
    it = run(script)
    reasons = {c.id: it.tracker.why_untradable(c, it.at) for c in it.tracker.live()}

    assert {i: not reason for i, reason in reasons.items()} == {
        c.id: it.is_tradable(c) for c in it.tracker.live()
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(acts, max_size=30), prices)
def test_no_live_level_that_was_known_before_stays_behind_the_price(
    script: list[Act], mark: float
) -> None:
    """No break is lost: after a price step no live level lies 2 bps behind it."""
    it = run(script)
    it.price(mark)
    behind = [
        c
        for c in it.tracker.clusters
        if (mark - c.level) / c.level * 1e4 * -c.side.sign >= 2.0 + 1e-6
    ]

    assert [] == behind
