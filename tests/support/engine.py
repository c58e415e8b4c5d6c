"""Programs in whose end a browser's engine has a say, and what a reader sees of them in each browser."""

from __future__ import annotations

NAIROBI = """
from datetime import datetime
from zoneinfo import ZoneInfo
print(datetime(2026, 1, 1, tzinfo=ZoneInfo("Africa/Nairobi")).isoformat())
"""
THREAD = """
import threading
threading.Thread(target=print).start()
"""
DEEP = """
import sys
sys.setrecursionlimit(10**9)
class Coat:
    def __eq__(self, other):
        return other == self
Coat() == Coat()
"""
# The traceback of the first and the lines of the second are higher than the box that shows them.
DEEP_TRACEBACK = """
def deep(level):
    if level == 0:
        raise RuntimeError("the line that matters")
    elif level % 2:
        deep(level - 1)
    else:
        deep(level - 1)
deep(60)
"""
TALKING = """
import asyncio
async def talk():
    number = 0
    while True:
        number += 1
        print("line", number)
        await asyncio.sleep(0.005)
asyncio.run(talk())
"""

# They run one after the other in one block. Each result is a regular expression.
PROGRAMS = [
    ("import sys\nsys.stderr = sys.stdout.detach()\nsys.stdin.close()", "done: "),
    ("import sys\nprint(sys.stdin.read(), 'out')\nprint('err', file=sys.stderr)", "done:  out\nerr\n"),
    ("import json, logging, random\nrandom.seed(5)\nlogging.disable(50)\njson.dumps = print", "done: "),
    (
        "import json, logging, random\nlogging.warning(json.dumps([random.random() == 0.6229016948897019]))",
        r"done: WARNING:root:\[false\]\n",
    ),
    ("import asyncio\nprint(asyncio.new_event_loop().run_until_complete(asyncio.sleep(0, 'slept')))", "done: slept\n"),
    (NAIROBI, r"done: 2026-01-01T00:00:00\+03:00\n"),
    (THREAD, r"failed: (.*\n)*RuntimeError: can't start new thread\nA browser can't start threads\. .*\n"),
    (DEEP, r"failed: (Stack.*\n(  .*\n)+)?Python ended: the program called itself too deep for a browser\.\n.*\n"),
    (
        "coat = 1\n\f\n# a page later\nraise ValueError(coat)",
        r"failed: (.*\n)*  +raise ValueError\(coat\)\n(.*\n)*ValueError: 1\n",
    ),
    ("import atexit\n@atexit.register\ndef close(): print('closed')\nprint('opened')", "done: opened\nclosed\n"),
    ("print('on')", "done: on\n"),
]
