"""Lanes are in order of importance, and the last part of every budget is protection's."""

from bot.gateway.connection import CANCEL, DATA, ENTRY, LANES, PROTECT, QUERY
from tests.fakes.live_connection import a_connection


def test_what_protects_goes_first_and_data_last() -> None:
    assert (PROTECT, CANCEL, QUERY, ENTRY, DATA) == LANES
    assert list(LANES) == sorted(LANES)


def test_only_protection_may_use_a_whole_budget() -> None:
    shares = [lane.share_max for lane in LANES]

    assert 1.0 == shares[0]
    assert shares == sorted(shares, reverse=True)
    assert len(set(shares)) == len(shares)


def test_a_connection_is_compared_by_what_it_declares() -> None:
    assert "binanceusdm" == a_connection().id
    assert 5_000 == a_connection().window_default_ms
