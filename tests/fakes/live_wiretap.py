"""A line to an emulator that is listened in on: every byte that leaves the bot is kept."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

PIECE: Final = 65_536


class Wiretap:
    """Passes connections on to host:port, both ways; `sent` is what clients have sent."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._there = (host, int(port))
        self._pieces: list[bytes] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for line in [self._listener, *self._open]:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self._thread.join(5.0)

    @property
    def address(self) -> str:
        """host:port for clients."""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    @property
    def sent(self) -> bytes:
        """All that was heard so far."""
        return b"".join(self._pieces)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._there)
                self._open += [near, far]
                for source, sink, is_kept in ((near, far, True), (far, near, False)):
                    passing = (source, sink, is_kept)
                    threading.Thread(target=self._pass, args=passing, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_kept: bool) -> None:  # noqa: FBT001  (threads pass by position)
        with suppress(OSError):
            while piece := source.recv(PIECE):
                if is_kept:
                    self._pieces.append(piece)
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_RDWR)
