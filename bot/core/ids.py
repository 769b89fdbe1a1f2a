"""Identities are derived from what they name, so that a retry or a replay names the same thing.

128 bits of BLAKE2b in lower-case base 36: 25 characters, which every venue's client-id field holds.
"""

from hashlib import blake2b

from bot.model.order import Leg
from bot.model.primitives import BracketId, ClientOrderId, ClusterId, SignalId, Symbol
from bot.model.signal import Strategy

ID_LENGTH = 25
"""Characters of base 36 that 128 bits need."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def derive(*parts: str) -> str:
    """Name the thing that `parts` describe: equal parts, equal name; 25 characters of base 36."""
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode()
        # The length goes in front, so that ("ab", "c") and ("a", "bc") differ.
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    number = int.from_bytes(digest.digest(), "big")
    digits = []
    for _ in range(ID_LENGTH):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def is_shaped_like_ours(name: str) -> bool:
    """Whether a client id may have been derived by a bot like this one, of any ledger."""
    return len(name) == ID_LENGTH and all(letter in _DIGITS for letter in name)


def signal_id(
    *, instance: str, strategy: Strategy, symbol: Symbol, cluster_id: ClusterId, gen: int
) -> SignalId:
    """The one signal a strategy may act on for one generation of one cluster."""
    return SignalId(
        derive("signal", instance, strategy.value, symbol, str(cluster_id), str(gen)),
    )


def bracket_id(signal: SignalId) -> BracketId:
    """The bracket that a signal opens; a signal opens one."""
    return BracketId(derive("bracket", signal))


def adopted_bracket_id(*, instance: str, symbol: Symbol, found_at: int) -> BracketId:
    """The bracket of a position that was found at `found_at` (ms) and adopted."""
    return BracketId(derive("adopted", instance, symbol, str(found_at)))


def client_order_id(
    *, instance: str, bracket_id: BracketId, leg: Leg, attempt: int
) -> ClientOrderId:
    """The order for one attempt at one leg; the attempt rises only after proof of the last."""
    return ClientOrderId(derive("order", instance, bracket_id, leg.value, str(attempt)))
