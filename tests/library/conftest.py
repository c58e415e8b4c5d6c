"""What the library's tests share: both event loops, every storage, and ears for the whole suite."""

from __future__ import annotations

import inspect
import logging
import re
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

from coatcheck import (
    SessionProvider,
    Sessions,
    SessionStorageCache,
    SessionStorageDirectory,
    SessionStorageMemory,
    SimplifiedSessionStorage,
    cookie,
)
from coatcheck.record import Record
from coatcheck.redis import SessionStorageRedis
from tests.support.cart import Cart, put
from tests.support.client import visit
from tests.support.clock import Clock
from tests.support.place import PLACES, place
from tests.support.server import running
from tests.support.storage import Ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from coatcheck import SessionStorage, UpdatableSessionStorage

STORAGES = (
    SimplifiedSessionStorage,
    SessionStorageMemory,
    SessionStorageDirectory,
    SessionStorageCache,
    SessionStorageRedis,
)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["memory", "directory", "durable directory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> UpdatableSessionStorage:
    """The storages that most tests are played on: both that have `update` and need no server."""
    if request.param == "memory":
        return SessionStorageMemory()
    return SessionStorageDirectory(tmp_path / "sessions", durable=request.param == "durable directory")


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `any_storage` on each kind of storage and each event loop that this kind runs on."""
    if "any_storage" in metafunc.fixturenames:
        kinds = [(kind, loop) for kind in PLACES for loop in ("asyncio", "trio") if (kind, loop) != ("redis", "trio")]
        # A mark, as one by the hook's own means would come on top of the parameters of `anyio_backend`.
        metafunc.definition.add_marker(
            pytest.mark.parametrize(("kind_of_storage", "anyio_backend"), kinds, indirect=True)
        )


@pytest.fixture
def kind_of_storage(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def any_storage(
    kind_of_storage: str, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[SessionStorage]:
    """Every kind of storage, in turn: with `update` and without, cached and not, here and on a server."""
    async with place(kind_of_storage, tmp_path / "s", lambda: request.getfixturevalue("redis_port")) as storage:
        yield storage


@pytest.fixture
def ledger(storage: UpdatableSessionStorage) -> Ledger:
    return Ledger(storage)


@pytest.fixture
def cart(ledger: Ledger) -> SessionProvider[Cart]:
    return cookie("CART", Cart, storage=ledger)


@pytest.fixture
async def id(cart: SessionProvider[Cart], ledger: Ledger) -> str:
    """The id of a client whose cart holds a coat. What was done for it is not in the ledger."""
    id = (await visit(put("coat"), cart)).id
    ledger.calls.clear()
    return id


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where `directory` is: neither it nor its parent is there yet."""
    return tmp_path / "parent" / ".sessions"


@pytest.fixture
def directory(root: Path) -> SessionStorageDirectory:
    return SessionStorageDirectory(root)


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis server of our own."""
    with running("redis-server", tmp_path_factory.mktemp("redis")) as server:
        yield server.port


ORDINARY = {*vars(logging.makeLogRecord({})), "message", "asctime"}  # what every log record has
EXTRA = {"provider": ".*", "id_hash": "[0-9a-f]{12}", "bytes": "[0-9]+", "ms": r"[0-9.]+(e-[0-9]+)?"}


class Ears:
    """Hear every log record of the library and every error that leaves it, and know what must not be in them."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.leaks: list[str] = []

    def learn(self, secret: object) -> None:
        """Ids and payloads too short to be told from ordinary words are none that a test could hear."""
        if isinstance(secret, Record):
            secret = secret.data
        if isinstance(secret, tuple):  # a session as it is stored
            for part in secret:
                self.learn(part)
        if isinstance(secret, bytes):
            secret = secret.decode("latin-1")
        if isinstance(secret, str):
            self.secrets |= {part for part in (secret, secret.partition(":")[2]) if len(part) > 12}

    def hear(self, text: str) -> None:
        self.leaks += [text for secret in self.secrets if secret in text]

    def hear_record(self, record: logging.LogRecord) -> None:
        """Hear text and `extra`. At DEBUG both are of a form that has no room for an id or a payload, however short."""
        text, extra = record.getMessage(), {name: vars(record)[name] for name in vars(record) if name not in ORDINARY}
        self.hear(f"{text} {extra}")
        provider, id = re.escape(str(extra.get("provider"))), extra.get("id_hash", "without an id")
        if record.levelno == logging.DEBUG and not re.fullmatch(f"{provider} session {id}: [A-Za-z_', ]+", text):
            self.leaks.append(text)
        self.leaks += [
            f"{name}={value}"
            for name, value in extra.items()
            if not re.fullmatch(EXTRA.get(name, "(?!)"), str(value), re.DOTALL)
        ]

    def hear_error(self, error: BaseException | None) -> None:
        while error is not None:
            self.hear(" ".join([str(error), repr(error), *getattr(error, "__notes__", [])]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    def listen(self, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Wrap a method that gets or returns an id, or a session, or bytes."""

        @wraps(method)
        async def listened(owner: object, *arguments: Any, **options: Any) -> Any:
            if not type(owner).__module__.startswith("coatcheck"):  # what inherits from ours may say what it likes
                return await method(owner, *arguments, **options)
            for argument in arguments:
                self.learn(argument)
            try:
                result = await method(owner, *arguments, **options)
            except BaseException as error:
                self.hear_error(error)
                raise
            self.learn(result)
            return result

        return listened


@pytest.fixture(scope="session")
def ears() -> Iterator[Ears]:
    """Listen to the whole suite."""
    ears = Ears()
    handler, logger = logging.Handler(), logging.getLogger("coatcheck")
    handler.emit = ears.hear_record  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with pytest.MonkeyPatch.context() as patch:
        for storage in STORAGES:
            for name in ("write", "read", "update", "invalidate"):
                if inspect.iscoroutinefunction(vars(storage).get(name)):
                    patch.setattr(storage, name, ears.listen(vars(storage)[name]))
        for name in ("write", "read", "load", "save", "change", "apply", "invalidate"):
            patch.setattr(SessionProvider, name, ears.listen(vars(SessionProvider)[name]))
        patch.setattr(Sessions, "__call__", ears.listen(vars(Sessions)["__call__"]))
        yield ears
    logger.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


@pytest.fixture(autouse=True)
def no_id_and_no_payload_is_in_a_log_line_or_an_error(ears: Ears) -> Iterator[None]:
    """Whatever a test is about."""
    ears.secrets.clear()
    yield
    leaks, ears.leaks = ears.leaks, []
    assert not leaks
