"""Folding answers into an order: monotone, along the table, fills never lost."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.core import orders
from bot.model.order import FINAL_STATUSES, TRANSITIONS, Leg, Order, OrderStatus
from bot.model.primitives import Millis, Qty, VenueOrderId
from tests.fakes.answers import fill_of, report_of
from tests.fakes.playbook import a_bot, signal

S = OrderStatus
LATER = Millis(1_770_033_700_000)


def an_order(status: OrderStatus = S.INTENDED, **changes: object) -> Order:
    bot = a_bot()
    bot.gets(signal())
    return replace(bot.order(Leg.ENTRY), status=status, **changes)


def test_i3_a_request_has_three_outcomes_and_only_an_id_is_success() -> None:
    order = an_order()
    accepted = orders.accepted(order, venue_id=VenueOrderId("7"), venue_at=LATER, at=LATER)
    rejected = orders.rejected(order, code="-1", reason="no", at=LATER)
    unknown = orders.unknown(order, reason="timeout", unsettled_until=LATER, at=LATER)

    assert [row.status for row in (accepted, rejected, unknown)] == [S.OPEN, S.REJECTED, S.UNKNOWN]
    assert (unknown.is_final, unknown.unsettled_until) == (False, LATER)


@pytest.mark.parametrize("status", sorted(FINAL_STATUSES))
def test_i5_a_final_status_absorbs_statuses(status: OrderStatus) -> None:
    order = an_order(status, ended_at=LATER)
    late_new = orders.reported(order, report_of(order, S.OPEN, LATER), at=LATER)
    accepted = orders.accepted(order, venue_id=VenueOrderId("7"), venue_at=LATER, at=LATER)

    assert late_new.status is status
    assert accepted.status is status
    assert orders.rejected(order, code="", reason="", at=LATER) is order
    assert orders.unknown(order, reason="", unsettled_until=LATER, at=LATER) is order


@pytest.mark.parametrize("status", [S.CANCELED, S.REJECTED])
def test_i5_a_final_status_never_absorbs_a_fill(status: OrderStatus) -> None:
    order = an_order(status, ended_at=LATER)
    part = orders.filled(order, fill_of(order, "1", LATER), at=LATER)
    whole = orders.filled(order, fill_of(order, "4.545", LATER), at=LATER)

    assert (part.status, part.filled_qty) == (status, Decimal(1))
    assert (whole.status, whole.filled_qty) == (S.FILLED, Decimal("4.545"))


def test_i6_the_filled_quantity_only_grows() -> None:
    order = an_order(S.OPEN)
    more = orders.reported(order, report_of(order, S.OPEN, LATER, filled_qty="2"), at=LATER)
    stale = orders.reported(more, report_of(order, S.OPEN, LATER, filled_qty="1"), at=LATER)
    booked = orders.filled(stale, fill_of(order, "1.5", LATER), at=LATER)

    assert [row.filled_qty for row in (more, stale, booked)] == [2, 2, 2]
    assert booked.unbooked_qty == Decimal("0.5")


def test_a_fill_proves_that_an_unknown_order_exists() -> None:
    order = an_order(S.UNKNOWN, unsettled_until=LATER)

    assert orders.filled(order, fill_of(order, "1", LATER), at=LATER).status is S.OPEN


def test_a_report_that_changes_nothing_gives_the_same_row() -> None:
    order = an_order(S.OPEN)
    once = orders.reported(order, report_of(order, S.OPEN, LATER), at=LATER)

    assert orders.reported(once, report_of(order, S.OPEN, LATER), at=LATER) is once


def test_open_says_nothing_of_a_cancel_that_is_on_its_way() -> None:
    order = orders.canceling(an_order(S.OPEN), at=LATER)
    report = report_of(order, S.OPEN, LATER)

    assert orders.reported(order, report, at=LATER).status is S.CANCELING


def test_a_rejection_is_absorbed_where_the_order_is_known_to_exist() -> None:
    order = an_order(S.OPEN)

    assert orders.rejected(order, code="-1", reason="", at=LATER) is order


def test_e10_not_found_just_after_the_order_proves_nothing() -> None:
    """E10: a venue may take a moment to show what it has accepted."""
    order = an_order(S.OPEN, accepted_at=LATER)
    early = orders.missing(order, asked_at=Millis(LATER + 500), grace_ms=2_000, at=LATER)
    late = orders.missing(order, asked_at=Millis(LATER + 2_500), grace_ms=2_000, at=LATER)

    assert (early.not_found_answers, late.not_found_answers) == (0, 1)


def test_not_found_counts_only_once_the_request_can_no_longer_arrive() -> None:
    order = an_order(S.UNKNOWN, unsettled_until=LATER)
    early = orders.missing(order, asked_at=LATER, grace_ms=0, at=LATER)
    late = orders.missing(order, asked_at=Millis(LATER + 1), grace_ms=0, at=LATER)

    assert (early.not_found_answers, late.not_found_answers) == (0, 1)


def test_a_report_takes_back_every_not_found() -> None:
    order = an_order(S.UNKNOWN, unsettled_until=LATER, not_found_answers=2)
    found = orders.reported(order, report_of(order, S.OPEN, LATER), at=LATER)

    assert (found.status, found.not_found_answers) == (S.OPEN, 0)


def test_turned_away_is_sent_again_with_the_same_content() -> None:
    order = an_order()
    away = orders.turned_away(order, reason="busy", retry_at=LATER, at=LATER)
    again = orders.resent(away, valid_until=Millis(LATER + 5_000), at=LATER)

    assert away.retry_at == LATER
    assert again.retry_at is None
    assert replace(again.request, valid_until=order.request.valid_until) == order.request


def test_turned_away_for_good_is_a_rejection() -> None:
    away = orders.turned_away(an_order(), reason="busy", retry_at=None, at=LATER)

    assert (away.status, away.code) == (S.REJECTED, "not_processed")


def test_proof_of_absence_ends_by_what_was_known() -> None:
    never = orders.proved_absent(an_order(S.UNKNOWN, unsettled_until=LATER), at=LATER)
    gone = orders.proved_absent(an_order(S.OPEN, accepted_at=LATER), at=LATER)

    assert (never.status, gone.status) == (S.REJECTED, S.CANCELED)


def test_a_position_proves_an_order() -> None:
    order = an_order(S.UNKNOWN, unsettled_until=LATER)
    part = orders.proved_by_position(order, Qty(Decimal(1)), at=LATER)
    whole = orders.proved_by_position(order, order.request.qty, at=LATER)

    assert (part.status, part.filled_qty) == (S.UNKNOWN, Decimal(1))
    assert whole.status is S.FILLED
    assert orders.proved_by_position(whole, Qty(Decimal(1)), at=LATER) is whole


def test_a_move_outside_the_table_is_a_bug_and_crashes() -> None:
    with pytest.raises(AssertionError, match="may not become"):
        orders.proved_absent(an_order(S.FILLED), at=LATER)
    with pytest.raises(AssertionError):
        orders.resent(an_order(S.OPEN), valid_until=LATER, at=LATER)


def test_every_status_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(OrderStatus)
    assert [s for s in FINAL_STATUSES if TRANSITIONS[s] - {S.FILLED}] == []


def test_only_an_order_that_works_is_canceled() -> None:
    order = an_order(S.UNKNOWN)

    assert orders.canceling(order, at=LATER) is order
