"""A wire between a sender and its mail server that breaks, stalls or hides STARTTLS where it is told to."""

import socket
import threading
import time
from contextlib import suppress
from typing import Literal, NamedTuple, Self


class Cut(NamedTuple):
    """What the wire does to the next connection.

    `after`: break when the client has said so many bytes; `answer`: break when the server answers the mail, which it
    has taken; `slow`: hold back what the server says for `seconds`, after so many bytes of the client; `strip`: leave
    STARTTLS out of what the server offers.
    """

    how: Literal["", "after", "answer", "slow", "strip"] = ""
    bytes: int = 0
    seconds: float = 0


class CuttingProxy:
    """Listens on a free port of 127.0.0.1; use it as a context manager."""

    def __init__(self) -> None:
        self.target = 0
        self.cut = Cut()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                cut, self.cut = self.cut, Cut() if self.cut.how != "strip" else self.cut
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    client.close()
                    continue
                wire = _Wire(client, server, cut)
                threading.Thread(target=wire.to_server, daemon=True).start()
                threading.Thread(target=wire.to_client, daemon=True).start()


class _Wire:
    def __init__(self, client: socket.socket, server: socket.socket, cut: Cut) -> None:
        self._client, self._server, self._cut = client, server, cut
        self._said = 0
        self._answer_is_due = False

    def to_server(self) -> None:
        with suppress(OSError):
            while said := self._client.recv(65536):
                if self._cut.how == "after" and self._said + len(said) > self._cut.bytes:
                    self._server.sendall(said[: self._cut.bytes - self._said])
                    break
                self._said += len(said)
                if self._cut.how == "answer" and said.endswith(b".\r\n") and self._said > len(said) + 10:
                    self._answer_is_due = said == b".\r\n" or said.endswith(b"\r\n.\r\n")
                self._server.sendall(said)
        self._break()

    def to_client(self) -> None:
        with suppress(OSError):
            while heard := self._server.recv(65536):
                if self._answer_is_due:
                    break
                if self._cut.how == "slow" and self._said >= self._cut.bytes:
                    time.sleep(self._cut.seconds)
                    self._cut = Cut()
                if self._cut.how == "strip":
                    heard = heard.replace(b"250-STARTTLS\r\n", b"").replace(b"250 STARTTLS\r\n", b"250 OK\r\n")
                self._client.sendall(heard)
        self._break()

    def _break(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
