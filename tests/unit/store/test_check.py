"""The ledger is asked whether it agrees with itself."""

from decimal import Decimal
from pathlib import Path

from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    Fact,
    FillBooked,
    FundingBooked,
)
from bot.model.primitives import BracketId, Millis, Qty, Side, Usd
from bot.store import check
from tests.fakes.rows import (
    BTC,
    T0,
    a_bracket,
    a_fill,
    a_ledger,
    an_account,
    an_intent,
    with_facts,
)

B1 = BracketId("b1")


def examined(folder: Path, *facts: Fact) -> check.Report:
    ledger = a_ledger(folder)
    ledger.record_now(with_facts(*facts))
    report = check.examine(ledger.files.ledger)
    ledger.close()
    return report


def test_a_sound_ledger_has_nothing_to_say(tmp_path: Path) -> None:
    report = examined(
        tmp_path,
        FillBooked(fill=a_fill(), bracket_id=B1),
        BracketChanged(bracket=a_bracket()),
        AccountChanged(account=an_account()),
    )

    assert () == report.problems
    assert ("0001", "paper", "test1", 1, 1) == (
        report.revision,
        report.mode,
        report.instance,
        report.open_positions,
        report.newest_seq,
    )


def test_a_bracket_that_its_fills_do_not_explain_is_named(tmp_path: Path) -> None:
    half = a_fill("f2", side=Side.SELL, qty=Qty(Decimal("0.005")), fee_usd=Usd(Decimal(0)))
    report = examined(
        tmp_path,
        FillBooked(fill=a_fill(), bracket_id=B1),
        FillBooked(fill=half, bracket_id=B1),
        BracketChanged(bracket=a_bracket()),
    )

    assert ("Bracket b1: exited 0, but its fills add up to 0.005.",) == report.problems


def test_an_adopted_position_needs_no_fill_of_ours(tmp_path: Path) -> None:
    report = examined(tmp_path, BracketChanged(bracket=a_bracket(signal=None)))

    assert () == report.problems


def test_a_bracket_closed_from_outside_is_not_held_to_its_fills(tmp_path: Path) -> None:
    """The fill of somebody else may be larger than what was ours of it."""
    outside = a_fill("f2", client_id=None, side=Side.SELL, qty=Qty(Decimal(5)))
    report = examined(
        tmp_path,
        FillBooked(fill=a_fill(), bracket_id=B1),
        FillBooked(fill=outside, bracket_id=B1),
        BracketChanged(bracket=a_bracket(exited_qty=Qty(Decimal("0.010")))),
    )

    assert () == report.problems


def test_an_account_that_its_rows_do_not_explain_is_named(tmp_path: Path) -> None:
    funding = FundingBooked(
        id="fu1", symbol=BTC, bracket_id=B1, usd=Usd(Decimal("-0.25")), at=Millis(T0)
    )
    account = an_account(
        fees_usd=Usd(Decimal(1)),
        funding_usd=Usd(Decimal("-0.25")),
        realized_usd=Usd(Decimal("0.00001")),
    )
    report = examined(tmp_path, funding, AccountChanged(account=account))

    assert ("The account says fees 1, but the rows add up to 0.",) == report.problems


def test_profit_is_held_against_the_sum_of_all_trades(tmp_path: Path) -> None:
    closed = a_bracket(
        exited_qty=Qty(Decimal("0.010")), exit_notional_usd=Usd(Decimal("893.752")), signal=None
    )
    right = an_account(realized_usd=Usd(Decimal("2.000")))
    wrong = an_account(realized_usd=Usd(Decimal("1.999")))
    facts = BracketChanged(bracket=closed)

    assert () == examined(tmp_path, facts, AccountChanged(account=right)).problems
    assert ("The account says realized 1.999, but the rows add up to 2.000000.",) == examined(
        tmp_path, facts, AccountChanged(account=wrong)
    ).problems


def test_a_lost_journal_row_is_counted(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    for name in ("c1", "c2", "c3", "c4"):
        ledger.record_now([an_intent(name)])
    ledger.writer.run(lambda c: c.exec_driver_sql("DELETE FROM journal WHERE seq IN (2, 3)"))
    report = check.examine(ledger.files.ledger)
    ledger.close()

    assert ("The journal lacks 2 rows between 1 and 4.",) == report.problems


def test_rows_of_another_ledger_are_counted(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent("c1")])
    ledger.writer.run(lambda c: c.exec_driver_sql("UPDATE journal SET instance = 'other'"))
    report = check.examine(ledger.files.ledger)
    ledger.close()

    assert ("The journal holds 1 rows of another ledger.",) == report.problems


def test_what_is_no_ledger_is_said_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database, though long enough to look at" * 40)
    (tmp_path / "empty").touch()

    for name in ("none", "text", "empty"):
        report = check.examine(tmp_path / name)
        assert 1 == len(report.problems), name
        assert "ledger" in report.problems[0]
