"""Whatever stands in for a network is a Transport."""

from bot.heatmap.guard import Guard, GuardedTransport
from bot.heatmap.transport import Transport
from tests.fakes.heatmap_transport import BASE_URL, SceneTransport


def test_the_guarded_transport_and_the_fake_one_are_transports() -> None:
    guard = Guard((BASE_URL,), timeout_s=1.0, body_max_bytes=1000)
    transports: list[Transport] = [GuardedTransport(guard, BASE_URL), SceneTransport()]

    assert [BASE_URL, BASE_URL] == [transport.base_url for transport in transports]
