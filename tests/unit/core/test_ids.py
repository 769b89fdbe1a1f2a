"""Derived identities: stable, distinct, and in the alphabet every venue takes."""

from bot.core.ids import (
    ID_LENGTH,
    adopted_bracket_id,
    bracket_id,
    client_order_id,
    derive,
    signal_id,
)
from bot.model.order import Leg
from bot.model.primitives import BracketId, ClusterId, SignalId, Symbol
from bot.model.signal import Strategy

_BTC = Symbol("BTC/USDT:USDT")


def test_a_name_is_25_characters_of_lower_case_base_36() -> None:
    names = [derive(str(n)) for n in range(500)]

    assert {ID_LENGTH} == {len(name) for name in names}
    assert set("".join(names)) <= set("0123456789abcdefghijklmnopqrstuvwxyz")
    assert len(names) == len(set(names))


def test_names_stay_what_they_are_from_release_to_release() -> None:
    """A restart after an upgrade must still recognise the orders that are out there."""
    assert derive("a", "b") == "4un0xcn8cjla89jktweytqnmy"


def test_parts_do_not_run_into_each_other() -> None:
    assert derive("ab", "c") != derive("a", "bc")
    assert derive("a") != derive("a", "")


def test_i2_client_ids_differ_by_instance_bracket_leg_and_attempt() -> None:
    """I2: the same four parts name the same order; any other part names another."""

    def name(
        instance: str = "one", bracket: str = "b", leg: Leg = Leg.ENTRY, attempt: int = 1
    ) -> str:
        return client_order_id(
            instance=instance, bracket_id=BracketId(bracket), leg=leg, attempt=attempt
        )

    others = [name(instance="two"), name(bracket="c"), name(leg=Leg.STOP), name(attempt=2)]

    assert name() == name()
    assert len({name(), *others}) == 5


def test_a_signal_is_named_by_strategy_cluster_and_generation() -> None:
    def name(gen: int) -> SignalId:
        return signal_id(
            instance="one", strategy=Strategy.HUNT, symbol=_BTC, cluster_id=ClusterId(7), gen=gen
        )

    assert name(1) == name(1)
    assert name(1) != name(2)
    assert bracket_id(name(1)) != bracket_id(name(2))


def test_an_adopted_position_has_a_bracket_of_its_own() -> None:
    first = adopted_bracket_id(instance="one", symbol=_BTC, found_at=1)

    assert first != adopted_bracket_id(instance="one", symbol=_BTC, found_at=2)
