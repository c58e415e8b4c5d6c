"""A browser without windows: it keeps cookies, and sends `Secure` ones to localhost as Chrome and Firefox do."""

from __future__ import annotations

import httpx2


class Browser(httpx2.Client):
    """What it asks for goes to a port of localhost. Each request has a connection of its own, for any worker."""

    def __init__(self, port: str, **cookies: str) -> None:
        self.kept = cookies
        super().__init__(
            base_url=f"http://localhost:{port}",
            headers={"connection": "close"},
            event_hooks={"request": [self._send_cookies], "response": [self._keep_cookies]},
        )

    def _send_cookies(self, request: httpx2.Request) -> None:
        if self.kept:
            request.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.kept.items())

    def _keep_cookies(self, response: httpx2.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            self.kept.pop(line.partition("=")[0], None)
        self.kept |= dict(response.cookies)  # which has none that has expired
