"""Web sessions kept on the server: the client gets only an id."""

from .cache import SessionStorageCache
from .cookies import cookie
from .directory import SessionStorageDirectory, directory_session_storage
from .headers import header
from .memory import SessionStorageMemory
from .provider import SessionProvider, new_session_id
from .serializer import SessionSerializer
from .sessions import CurrentSession, Sessions, current_session
from .simplified import SimplifiedSessionStorage
from .storage import (
    ByteReadChannel,
    ByteWriteChannel,
    SessionAlreadySent,
    SessionNotFound,
    SessionStorage,
    StorageFull,
    UpdatableSessionStorage,
    read_bytes,
    write_bytes,
)

__all__ = [
    "ByteReadChannel",
    "ByteWriteChannel",
    "CurrentSession",
    "SessionAlreadySent",
    "SessionNotFound",
    "SessionProvider",
    "SessionSerializer",
    "SessionStorage",
    "SessionStorageCache",
    "SessionStorageDirectory",
    "SessionStorageMemory",
    "Sessions",
    "SimplifiedSessionStorage",
    "StorageFull",
    "UpdatableSessionStorage",
    "cookie",
    "current_session",
    "directory_session_storage",
    "header",
    "new_session_id",
    "read_bytes",
    "write_bytes",
]
