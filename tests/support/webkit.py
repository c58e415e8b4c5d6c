"""A WebKit on a screen of its own, and the blocks of its page, as their reader drives them."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from selenium.common.exceptions import JavascriptException, StaleElementReferenceException
from selenium.webdriver import ActionChains, Keys, Remote, WebKitGTKOptions
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from selenium.webdriver.webkitgtk.service import Service

from tests.support.block import RUNNABLE, SNIPPET
from tests.support.program import installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

DESKTOP = 1280  # pixels
PATIENCE = 120  # seconds that anything may take on a busy machine
# The optimising compiler takes half of the time of a program that runs once.
UNOPTIMISED = {"JSC_useOMGJIT": "0"}
# The link may be in a part of the navigation that is closed.
FOLLOW = """document.documentElement.dataset.kept = ''
  document.querySelector('article').classList.add('left')
  const isTo = ({ origin, pathname, hash }) => origin === location.origin && pathname === arguments[0] && !hash
  const links = [...document.querySelectorAll('.md-header a, .md-nav a, .md-tabs a')]
  links.find(isTo).click()"""
FOLLOWED = f"""const blocks = [...document.querySelectorAll('{RUNNABLE}')]
  const isMounted = (block) => block.querySelector('button') !== null
  const isSwapped = 'kept' in document.documentElement.dataset && !document.querySelector('article.left')
  return location.pathname === arguments[0] && isSwapped && blocks.every(isMounted)"""
# The driver answers a command in 10 milliseconds, and a block has a dozen buttons.
BUTTON = """const [block, name] = arguments
  const isNamed = (button) => (button.ariaLabel ?? button.innerText).trim().startsWith(name)
  const shown = [...block.querySelectorAll('button')].filter((button) => button.getClientRects().length > 0)
  return shown.find(isNamed) ?? null"""
REACHED = """const [block, states, done] = arguments
  const look = () => states.includes(block.dataset.state) && done()
  new MutationObserver(look).observe(block, { attributeFilter: ['data-state'] })
  look()"""
RESULTS = f"""return [...document.querySelectorAll('{RUNNABLE}')].map((block) => {{
  const text = (part) => block.querySelector(`[data-${{part}}]`).textContent
  const {{ snippet, state }} = block.dataset
  return [snippet, `${{state}}: ${{text('output')}}${{text('error')}}`, `done: ${{text('promised')}}`]
}})"""
# What the driver raises while one page takes the place of another.
REPLACED = (JavascriptException, StaleElementReferenceException)
ENDED = ("done", "failed", "stopped")


@contextmanager
def screen() -> Iterator[str]:
    """Run an X server that shows nothing until the block ends, and give its display: one that is free."""
    told, tell = os.pipe()
    command = [installed(("Xvfb",), "xvfb"), "-displayfd", str(tell), "-screen", "0", f"{DESKTOP}x1024x24"]
    with os.fdopen(told) as number, subprocess.Popen(command, pass_fds=[tell], stderr=subprocess.DEVNULL) as server:
        os.close(tell)
        try:
            display = number.readline().strip()
            assert display, "Xvfb does not start"
            yield f":{display}"
        finally:
            server.terminate()


@contextmanager
def webkit(home: Path, proxy: str = "") -> Iterator[WebKit]:
    """Run a WebKit of a new reader until the block ends. Its downloads are in `home`.

    It asks the server at the URL `proxy`, if there is one, for what is on other hosts than this one.
    """
    driver = installed(("WebKitWebDriver",), "webkit2gtk-driver")
    with screen() as display:
        own = {"DISPLAY": display, "HOME": str(home), "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        environment = {**os.environ, **own, **UNOPTIMISED}
        options = WebKitGTKOptions()
        options.add_argument("--automation")
        options.add_argument("--full-screen")  # its toolbar is wider than a phone
        if proxy:
            host = proxy.removeprefix("http://")
            places = {"proxyType": "manual", "httpProxy": host, "sslProxy": host, "noProxy": ["127.0.0.1"]}
            options.set_capability("proxy", places)
        service = Service(executable_path=driver, env=environment)
        service.start()
        try:
            connection = RemoteConnection(client_config=ClientConfig(service.service_url))
            with Remote(connection, options=options) as browser:
                yield WebKit(browser)
        finally:
            service.stop()


class WebKit:
    """A browser with one window."""

    def __init__(self, driver: Remote) -> None:
        self._driver = driver
        driver.set_script_timeout(PATIENCE)
        self.resize(DESKTOP)

    def resize(self, width: int) -> None:
        if self.evaluate("innerWidth") != width:
            self._driver.set_window_rect(0, 0, width, 844)
            self.wait(lambda: self.evaluate("innerWidth") == width)

    def open(self, url: str) -> None:
        self._change(lambda: self._driver.get(url))

    def follow(self, path: str) -> None:
        """Follow the link of the navigation to this page, which the theme swaps in."""
        pathname = f"/{path}/".replace("//", "/")
        self._driver.execute_script(FOLLOW, pathname)
        self.wait(lambda: self._driver.execute_script(FOLLOWED, pathname))

    def reload(self) -> None:
        self._change(self._driver.refresh)

    def _change(self, load: Callable[[], None]) -> None:
        # Where an address leads to another one, the driver may go on while the page before is still there.
        self._driver.execute_script("document.isLeft = true")
        load()
        self.wait(lambda: self.evaluate("document.readyState === 'complete' && !document.isLeft"))

    def evaluate(self, expression: str) -> Any:
        """What an expression of JavaScript gives, awaited."""
        awaited = f"(async () => ({expression}))().then(arguments[0], (error) => arguments[0](`rejected: ${{error}}`))"
        return self._driver.execute_async_script(awaited)

    def find(self, selector: str) -> WebElement:
        """The first such element, once it is there."""
        return self.wait(lambda: next(iter(self._driver.find_elements(By.CSS_SELECTOR, selector)), None))

    def blocks(self) -> list[Block]:
        return [Block(self, element) for element in self._driver.find_elements(By.CSS_SELECTOR, RUNNABLE)]

    def results(self) -> list[list[str]]:
        """Of each block its path, the result of its run, and that of a run that prints what the page says."""
        found: list[list[str]] = self._driver.execute_script(RESULTS)
        return found

    def block(self, path: str = SNIPPET) -> Block:
        """The block of this snippet."""
        return Block(self, self.find(f'[data-snippet="{path}"]'))

    def press(self, inside: str, name: str) -> None:
        """Click the button of this name that is inside of what a selector finds."""
        self.click(self.wait(lambda: self._named(f"{inside} button", name)))

    def fill(self, inside: str, label: str, value: str) -> None:
        """Put a value into the field, or choose it in the list, with this label."""
        named = self.wait(lambda: self._named(f"{inside} label", label))
        field = self.find(f"#{named.get_attribute('for')}")
        if field.tag_name == "select":
            Select(field).select_by_visible_text(value)
        elif field.get_attribute("type") == "range":
            # WebDriver types nothing into a slider.
            events = "for (const kind of ['input', 'change']) arguments[0].dispatchEvent(new Event(kind))"
            self._driver.execute_script(f"arguments[0].value = arguments[1]; {events}", field, value)
        else:
            self.click(field)
            self.type(value)

    def leave(self) -> None:
        """Leave a field that was filled. What is typed counts then."""
        self._driver.execute_script("document.activeElement.blur()")

    def show(self, panel: str) -> None:
        """Have the panel that a selector finds in sight."""
        self.wait(self.find(panel).is_displayed)

    def _named(self, selector: str, text: str) -> WebElement | None:
        found = self._driver.find_elements(By.CSS_SELECTOR, selector)
        return next((element for element in found if element.get_attribute("textContent") == text), None)

    def button(self, element: WebElement, name: str) -> WebElement | None:
        """The button inside of an element that is shown and whose name begins so."""
        found: WebElement | None = self._driver.execute_script(BUTTON, element, name)
        return found

    def wait_for(self, block: WebElement, *states: str) -> None:
        self._driver.execute_async_script(REACHED, block, states)

    def unfold(self, element: WebElement) -> None:
        """Open the solution that it is in, if any: what isn't shown can't be pressed."""
        self._driver.execute_script("arguments[0].closest('.exercise-solution')?.setAttribute('open', '')", element)

    def click(self, element: WebElement) -> None:
        # The driver scrolls to an element as the page has it, smoothly, and doesn't wait until it is there.
        self._driver.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()

    def rest(self, element: WebElement) -> float:
        left: float = self._driver.execute_script(
            "const [box] = arguments; return box.scrollHeight - box.clientHeight - box.scrollTop", element
        )
        return left

    def scroll(self, element: WebElement, pixels: int) -> None:
        self._driver.execute_script("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        ActionChains(self._driver).scroll_from_origin(ScrollOrigin.from_element(element), 0, pixels).perform()

    def type(self, text: str) -> None:
        """Put text in the place of all that is written where the focus is."""
        self._driver.switch_to.active_element.send_keys(Keys.CONTROL, "a")
        self._driver.execute_script("document.execCommand('insertText', false, arguments[0])", text)

    def keys(self, *keys: str) -> None:
        """Press these keys, together, where the focus is."""
        self._driver.switch_to.active_element.send_keys(*keys)

    @contextmanager
    def another_tab(self) -> Iterator[Callable[[], None]]:
        """Be in a new tab of the same reader, until the function that this gives is called. Close it in the end."""
        first = self._driver.current_window_handle
        self._driver.switch_to.new_window("tab")
        other = self._driver.current_window_handle
        try:
            yield partial(self._driver.switch_to.window, first)
        finally:
            self._driver.switch_to.window(other)
            self._driver.close()
            self._driver.switch_to.window(first)

    def wait(self, found: Callable[[], T | None]) -> T:
        """Wait until something is there, or true, and give it."""
        waiting = WebDriverWait(self._driver, PATIENCE, poll_frequency=0.05, ignored_exceptions=REPLACED)
        return waiting.until(lambda _: found() or False)


class Block:
    """Finds buttons by their names, and the state and outputs by the attributes that are pinned."""

    def __init__(self, browser: WebKit, element: WebElement) -> None:
        self._browser = browser
        self._element = element

    def press(self, *names: str) -> None:
        """Click the buttons whose names begin so, one after the other."""
        self._browser.unfold(self._element)
        for name in names:
            self._browser.click(self._browser.wait(partial(self._button, name)))

    def edit(self, code: str) -> None:
        self.press("Edit")
        self._browser.wait(lambda: self._parts("[role=textbox]:focus"))
        self._browser.type(code)

    def run(self, code: str = "") -> str:
        """Put this code into the editor, if there is any, and give the result of a run."""
        if code:
            self.edit(code)
        self.press("Run")
        return self.ended()

    def wait_for(self, *states: str) -> None:
        self._browser.wait_for(self._element, *states)

    def ended(self) -> str:
        """Wait for the end of a run, and give its state and what was printed."""
        self.wait_for(*ENDED)
        return f"{self._attribute('data-state')}: {self.text('[data-output]')}{self.text('[data-error]')}"

    def text(self, selector: str) -> str:
        """The text of a part, shown or not."""
        [part] = self._parts(selector)
        return part.get_attribute("textContent") or ""

    def rest(self, selector: str) -> float:
        """How many pixels of a part are below what is shown of it."""
        [part] = self._parts(selector)
        return self._browser.rest(part)

    def scroll(self, selector: str, pixels: int) -> None:
        """Turn the mouse's wheel over a part."""
        [part] = self._parts(selector)
        self._browser.scroll(part, pixels)

    @property
    def expected(self) -> str:
        """The result of a run that prints what the page says."""
        return f"done: {self.text('[data-promised]')}"

    def _button(self, name: str) -> WebElement | None:
        return self._browser.button(self._element, name)

    def _parts(self, selector: str) -> list[WebElement]:
        return self._element.find_elements(By.CSS_SELECTOR, selector)

    def _attribute(self, name: str) -> str:
        return self._element.get_attribute(name) or ""
