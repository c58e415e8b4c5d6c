"""Clients that keep a server busy, in a process of their own.

    echo PORT CONNECTIONS SESSIONS SECONDS PATH | python -m tests.benchmarks.speed.load

For each line, clients with a connection each log in, and then each sends its next request as soon as it has the answer
to the last. Prints how it went as a line of JSON. The process does little more than read and write sockets, because the
server shares the machine, and stays for the next line, because to start Python takes as long as some measurements.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import sys
from contextlib import ExitStack
from time import perf_counter

from tests.benchmarks.speed.browser import BROWSER

PATIENCE = 30  # seconds that a client, or all together, may wait for an answer
PIECE = 64 * 1024  # bytes
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
HEADERS = "".join(f"{name}: {value}\r\n" for name, value in BROWSER.items())


class Client:
    """A browser with one connection, which stays open."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The system's own limit: Python's would be one more call of the system for each answer.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE, 0))
        self.cookie = b""
        self.sent = 0.0
        self._request = self._got = b""

    def choose(self, path: str) -> None:
        """Ask for this from now on."""
        cookie = b"cookie: %b\r\n" % self.cookie if self.cookie else b""
        self._request = f"GET {path} HTTP/1.1\r\n{HEADERS}".encode() + cookie + b"\r\n"

    def send(self) -> None:
        """Send the request."""
        self._got = b""
        self.sent = perf_counter()
        self.socket.sendall(self._request)

    def has_received(self) -> bool:
        """Take what has come, and return whether the answer is complete."""
        piece = self.socket.recv(PIECE)
        self._got += piece
        head, end, body = self._got.partition(b"\r\n\r\n")
        assert piece, f"the server closed the connection after {self._got!r}"
        if not end:
            return False
        assert head.startswith(b"HTTP/1.1 200 "), self._got
        if CHUNKED.search(head):
            return body.endswith(b"0\r\n\r\n")
        length = LENGTH.search(head)
        assert length is not None, head
        return len(body) >= int(length[1])

    def ask(self, path: str) -> bytes:
        """Send one request and return the body of the answer."""
        self.choose(path)
        self.send()
        while not self.has_received():
            pass
        head, _, body = self._got.partition(b"\r\n\r\n")
        return b"".join(body.split(b"\r\n")[1::2]) if CHUNKED.search(head) else body  # each chunk is after its size

    def log_in(self) -> None:
        """Start a session, if the app has any."""
        self.ask("/login")
        if found := COOKIE.search(self._got):
            self.cookie = found[1]


def keep_busy(clients: list[Client], seconds: float) -> tuple[list[float], float]:
    """Send requests for this long. Return the seconds that each took, and those until the last was answered."""
    by_number = {client.socket.fileno(): client for client in clients}
    taken: list[float] = []
    with select.epoll() as poll:
        for number in by_number:
            poll.register(number, select.EPOLLIN)
        begin = now = perf_counter()
        for client in clients:
            client.send()
        waiting = len(clients)
        while waiting:
            ready = poll.poll(PATIENCE)
            assert ready, f"{waiting} requests weren't answered"
            for number, _ in ready:
                client = by_number[number]
                if not client.has_received():
                    continue
                now = perf_counter()
                taken.append(now - client.sent)
                if now - begin < seconds:
                    client.send()
                else:
                    waiting -= 1
    return taken, now - begin


def visits(clients: list[Client]) -> int:
    """Return how many visits all sessions of these clients have together."""
    return sum(int(client.ask("/visits")) for client in clients)


def measured(port: int, connections: int, sessions: int, seconds: float, path: str) -> dict[str, float]:
    """Return how a server did with these clients."""
    with ExitStack() as stack:
        clients = [Client(port) for _ in range(connections)]
        for client in clients:
            stack.enter_context(client.socket)
        first = clients[:sessions]
        for client in first:
            client.log_in()
        for number, client in enumerate(clients):
            client.cookie = first[number % len(first)].cookie
            client.choose(path)
        taken, seconds_taken = keep_busy(clients, seconds)
        taken.sort()
        found = {
            "requests per second": len(taken) / seconds_taken,
            "median latency": taken[len(taken) // 2] * 1000,
            "99th-percentile latency": taken[len(taken) * 99 // 100] * 1000,
        }
        return found | ({"changes": len(taken), "lost": len(taken) - visits(first)} if path == "/add" else {})


def main() -> None:
    """Measure what is asked for, and print it."""
    for line in sys.stdin:
        port, connections, sessions, seconds, path = line.split()
        print(json.dumps(measured(int(port), int(connections), int(sessions), float(seconds), path)), flush=True)


if __name__ == "__main__":
    main()
