"""The sessions that many tests are about, and what requests do with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coatcheck import CurrentSession
    from tests.support.client import Handler


@dataclass
class Cart:
    items: list[str] = field(default_factory=list)


@dataclass
class User:
    name: str = "guest"


def put(*items: str) -> Handler:
    async def handler(sessions: CurrentSession) -> None:
        sessions.set(Cart([*items]))

    handler.__name__ = "_".join(["put", *items])  # a test's id says it
    return handler


async def load_cart(sessions: CurrentSession) -> None:
    await sessions.get(Cart)


async def clear_cart(sessions: CurrentSession) -> None:
    sessions.clear(Cart)


async def renew_cart(sessions: CurrentSession) -> None:
    sessions.renew_id(Cart)
