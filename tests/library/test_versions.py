"""Two versions of an app at once: what the newer one stored stays, although the older one doesn't know it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from pydantic import AliasChoices, BaseModel, Field, model_validator

from coatcheck import cookie, read_bytes, write_bytes
from coatcheck.serializer import JSONSerializer
from tests.support.client import visit

if TYPE_CHECKING:
    from coatcheck import CurrentSession, SessionStorage
    from tests.support.client import Handler


@dataclass
class Address:
    city: str = "Bath"
    street: str = ""


@dataclass
class Account:
    name: str = "guest"
    home: Address = field(default_factory=Address)
    pages: int = 0


class Place(msgspec.Struct):
    city: str = "Bath"
    street: str = ""


class Member(msgspec.Struct, omit_defaults=True):
    name: str = "guest"
    home: Place = msgspec.field(default_factory=Place)
    pages: int = 0


class Town(BaseModel):
    city: str = "Bath"
    street: str = ""


class Person(BaseModel):
    name: str = "guest"
    home: Town = Town()
    pages: int = 0


NEWER = (
    b'{"name":"ada","home":{"city":"Bath","street":"","zip":"BA1","geo":{"lat":51.380000000000003}},"pages":1,'
    b'"cart":["coat"],"big":123456789012345678901234567890,"rate":1e2,"nothing":null}'
)
TYPES = pytest.mark.parametrize("type", [Account, Member, Person])


@pytest.fixture
def storage(any_storage: SessionStorage) -> SessionStorage:
    return any_storage


def changing(type: type[Any], how: str) -> Handler:
    async def handler(sessions: CurrentSession) -> None:
        if how == "renew":
            await sessions.get(type)
            sessions.renew_id(type)
        elif how == "update":
            await sessions.update(type, moved)
        elif how == "set":
            session = await sessions.get(type)
            sessions.set(moved(type(**{name: getattr(session, name) for name in ("name", "home", "pages")})))
        else:
            moved(await sessions.get(type))
            if how == "change and renew":
                sessions.renew_id(type)

    return handler


def moved(session: Any) -> Any:
    session.pages += 1
    session.home.city = "Leeds"
    return session


@TYPES
@pytest.mark.parametrize("how", ["change", "set", "update", "renew", "change and renew"])
async def test_a_field_of_a_newer_version_stays_to_the_last_digit(type: Any, how: str, storage: SessionStorage) -> None:
    provider = cookie("WHO", type, storage=storage)
    id = await provider.write(type())
    times, _, _ = (await read_bytes(storage, f"WHO:{id}")).partition(b"\n")
    await write_bytes(storage, f"WHO:{id}", times + b"\n" + NEWER)
    (new_id,) = (await visit(changing(type, how), provider, id=id)).ids or [id]
    _, _, stored = (await read_bytes(storage, f"WHO:{new_id}")).partition(b"\n")
    expected = NEWER if how == "renew" else NEWER.replace(b'"Bath"', b'"Leeds"').replace(b'"pages":1', b'"pages":2')
    assert json.loads(stored) == json.loads(expected)
    for text in (b"51.380000000000003", b"123456789012345678901234567890", b"1e2"):
        assert text in stored


@TYPES
async def test_a_field_that_a_newer_version_stores_during_the_request_stays(type: Any, storage: SessionStorage) -> None:
    provider = cookie("WHO", type, storage=storage)
    id = await provider.write(type())

    async def change_while_the_newer_version_stores(sessions: CurrentSession) -> None:
        session: Any = await sessions.get(type)
        session.name = "bob"
        times, _, _ = (await read_bytes(storage, f"WHO:{id}")).partition(b"\n")
        await write_bytes(storage, f"WHO:{id}", times + b"\n" + NEWER)

    await visit(change_while_the_newer_version_stores, provider, id=id)
    _, _, stored = (await read_bytes(storage, f"WHO:{id}")).partition(b"\n")
    assert json.loads(stored) == json.loads(NEWER.replace(b"ada", b"bob"))


def merged(type: Any, change: Any, stored: bytes) -> Any:
    serializer: JSONSerializer[Any] = JSONSerializer(type)
    session = serializer.deserialize(stored)
    base = serializer.serialize(session)
    change(session)
    return json.loads(serializer.merge(base, serializer.serialize(session), stored))


_numbers = iter(range(1_000))


@dataclass
class Form:
    token: list[int] = field(default_factory=lambda: [next(_numbers)])
    pages: int = 0


def one_more_page(session: Any) -> None:
    session.pages += 1


def test_a_default_that_is_different_each_time_is_stored_with_the_next_change() -> None:
    assert "token" in merged(Form, one_more_page, b'{"pages":1,"cart":[]}')


class Aliased(BaseModel):
    pages: int = Field(0, validation_alias=AliasChoices("count", "pages"))


class Migrated(BaseModel):
    pages: int = 0

    @model_validator(mode="before")
    @classmethod
    def rename(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {"pages": data["count"]} if "count" in data else data


@pytest.mark.parametrize("type", [Aliased, Migrated])
def test_an_old_name_of_a_field_never_hides_what_changed(type: Any) -> None:
    assert merged(type, one_more_page, b'{"count":1}') == {"pages": 2}
