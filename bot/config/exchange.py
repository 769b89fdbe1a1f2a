"""What is wrong with an exchange's settings that no single key shows."""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from bot.errors import ConfigError
from bot.model.wiring import ExchangeSettings, MarketSource, Mode

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def exchange_mistakes(
    exchange: ExchangeSettings, *, mode: Mode, source: MarketSource
) -> Iterator[tuple[str, str]]:
    """Sentences and remedies; an exchange that is not used is not looked at."""
    is_live = mode is Mode.LIVE
    if is_live and source is not MarketSource.EXCHANGE:
        yield (
            f"mode is live, and market.source is {source}: real orders need the exchange's prices.",
            "Set market.source: exchange, or mode: paper.",
        )
    if not is_live and source is not MarketSource.EXCHANGE:
        return
    from bot.venue.profiles import profile_of  # noqa: PLC0415  (only where an exchange is used)

    try:
        profile = profile_of(exchange.id)
    except ConfigError as error:
        yield error.what, error.remedy
        return
    if is_live and not profile.is_live:
        yield profile.why_not, "Set mode: paper, or exchange.id to one of: binanceusdm, bybit."
    yield from _address_mistakes("base_url", exchange.base_url, "https", "http")
    yield from _address_mistakes("stream_url", exchange.stream_url, "wss", "ws")
    if exchange.speed != 1 and not is_loopback(exchange.base_url):
        yield (
            f"exchange.speed is {exchange.speed:g}, and a real exchange's time runs at 1.",
            "Take it out; it is for an emulator on this machine (liqbot sim serve).",
        )


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    return urlsplit(url).hostname in LOOPBACK


def _has_host(parts: SplitResult) -> bool:
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _address_mistakes(key: str, url: str, secure: str, plain: str) -> Iterator[tuple[str, str]]:
    if not url:
        return
    parts = urlsplit(url)
    # What stands before an @ may be a password.
    url = url.rpartition("@")[2] if "@" in url else url
    if parts.scheme not in {secure, plain} or not _has_host(parts):
        yield f"exchange.{key} is {url!r}.", f"Write {secure}://host, or leave it empty."
    elif parts.scheme == plain and not is_loopback(url):
        yield (
            f"exchange.{key} is {url!r}: keys would cross the network unencrypted.",
            f"Write {secure}://; plain {plain}:// is for this machine alone.",
        )
    elif parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        yield f"exchange.{key} is {url!r}.", "Write scheme and host alone, without a path."
