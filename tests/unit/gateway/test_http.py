"""A request and a reply are plain values, and whatever carries them is a Transport."""

from bot.gateway.http import HttpReply, HttpRequest, Transport
from bot.gateway.transport import AiohttpTransport
from tests.fakes.live_connection import Scripted


def test_a_request_and_a_reply_need_no_more_than_their_first_words() -> None:
    request = HttpRequest(method="GET", url="https://api.example.com")
    reply = HttpReply(status=204)

    assert ({}, "") == (request.headers, request.body)
    assert ({}, b"") == (reply.headers, reply.body)


def test_the_real_line_and_the_scripted_one_are_transports() -> None:
    transports: list[Transport] = [AiohttpTransport(), Scripted()]

    assert all(hasattr(transport, "send") for transport in transports)
