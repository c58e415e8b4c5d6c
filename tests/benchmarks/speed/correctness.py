"""What each library loses, brings back and leaves behind: counted, not timed."""

from __future__ import annotations

import json
import subprocess
import sys
from asyncio import Barrier, Event, create_task, gather
from typing import TYPE_CHECKING, Any

from tests.benchmarks.speed import alone, app, peers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.speed.app import App

CHANGES, INCREMENTS, LOGOUTS = 100, 1000, 10
OK = 200

Table = dict[str, dict[str, Any]]


async def of_apps() -> Table:
    """Return by library how many changes it loses, and how many sessions come back after a logout."""
    found: Table = {}
    for make in (app.coatcheck, *peers.ASGI_APPS, *peers.WSGI_APPS):
        each = make()
        puts = [f"/put/{number}" for number in range(CHANGES)]
        found[each.name] = {
            f"lost of {CHANGES} changes": CHANGES - await _kept(each, puts, "/items"),
            f"lost of {INCREMENTS:,} increments": INCREMENTS - await _kept(each, ["/add"] * INCREMENTS, "/visits"),
            f"back after {LOGOUTS} logouts": sum([await _comes_back(each) for _ in range(LOGOUTS)]),
        }
    return found


async def _kept(each: App, paths: list[str], count: str) -> int:
    """Let requests change one session which have all read it before the first changes it. Return what is there."""
    cookie = (await each.ask("/login")).cookie
    all_have_read = Barrier(len(paths)).wait
    answers = await gather(*(each.ask(path, cookie, all_have_read) for path in paths))
    assert all(answer.status == OK for answer in answers), f"{each.name}: not all requests were answered"
    return int((await each.ask(count, answers[-1].cookie or cookie)).body)


async def _comes_back(each: App) -> bool:
    """Log out while a slow request changes the session. Return whether the user is logged in after both."""
    cookie = (await each.ask("/login")).cookie
    assert (await each.ask("/read", cookie)).body == app.USER
    has_read, logged_out = Event(), Event()

    async def pause() -> None:
        has_read.set()
        await logged_out.wait()

    slow = create_task(each.ask("/slow", cookie, pause))
    await has_read.wait()
    await each.ask("/logout", cookie)
    logged_out.set()
    return (await each.ask("/read", (await slow).cookie or cookie)).body == app.USER


def of_stores(folder: Path) -> Table:
    """Return by store how much of the bytes is still there after sessions ended and expired.

    Without a limit on their number, as everywhere here. With one, some peers remove what has expired when it's reached.
    """
    started = {
        name: subprocess.Popen(
            [sys.executable, "-m", alone.__name__, "left", name, folder / name], stdout=subprocess.PIPE, text=True
        )
        for name in (*alone.MEMORY, *alone.FILES)
    }
    found: Table = {}
    for name, process in started.items():
        printed, _ = process.communicate()
        assert process.returncode == 0, f"{name} could not be measured"
        place = alone.FILES[name](folder / f"{name}, unused") if name in alone.FILES else alone.MEMORY[name]()
        kind = "files" if name in alone.FILES else "memory"
        found[f"{place.name}, {kind}"] = json.loads(printed)
    return found
