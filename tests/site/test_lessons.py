"""The lessons of the laboratory, played from the steps in their built pages, in a real Chromium."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.axe import barriers, barriers_in_panels
from tests.support.block import block_of
from tests.support.lab import Lab, serving
from tests.support.lesson import LESSON, play
from tests.support.page import LABS, LOOKS, PHONE, PYTHON, have_pages_swapped, pythons, requests, swapped, width_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.support.page import NewPage

COUNTER = "labs/visit_counter.py"
CLOCK = "/laboratory/time-passes/"


class Hands:
    """A reader's, in Chromium."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def evaluate(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def press(self, inside: str, name: str) -> None:
        self.page.locator(inside).get_by_role("button", name=name, exact=True).click()

    def fill(self, inside: str, label: str, value: str) -> None:
        field = self.page.locator(inside).get_by_label(label, exact=True)
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)

    def leave(self) -> None:
        self.page.evaluate("document.activeElement.blur()")

    def show(self, panel: str) -> None:
        expect(self.page.locator(panel)).to_be_visible()

    def wait(self, found: Callable[[], bool], /) -> None:
        for _ in range(1200):
            if found():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("it was waited for a minute, and did not come")


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(f"/{LESSON}")


@pytest.fixture
def lab(page: Page) -> Lab:
    return Lab(block_of(page, COUNTER))


def step(page: Page, number: int) -> Locator:
    return page.locator(f'[data-step="{number}"]')


def do(page: Page, number: int) -> None:
    """Have a step done, and wait until it is ticked."""
    step(page, number).get_by_role("button", name="Do it").click()
    expect(step(page, number)).to_have_attribute("data-done", "true")


def test_the_lessons_are_found() -> None:
    assert len(LABS) >= 7


@pytest.mark.parametrize("path", LABS)
def test_a_lesson_is_played_to_its_end_with_the_controls_that_a_reader_has(new_page: NewPage, path: str) -> None:
    page = new_page(path)
    steps = play(Hands(page))
    expect(page.locator(".lab-progress")).to_contain_text(f"{len(steps)} of {len(steps)} steps are done.")


@pytest.mark.parametrize("path", LABS)
def test_do_it_does_each_step_and_starts_the_lab(new_page: NewPage, path: str) -> None:
    page = new_page(path)
    count = page.locator("[data-step]").count()
    for number in range(1, count + 1):
        assert step(page, number).get_attribute("data-done") == "false"
        do(page, number)
    assert page.locator("[data-done=true]").count() == count


def test_nothing_of_a_laboratory_is_fetched_before_start(new_page: NewPage) -> None:
    page = new_page()
    requested = requests(page)
    page.goto(f"/{LESSON}", wait_until="networkidle")
    assert not [url for url in requested if "/lab-" in url or "/worker-" in url]
    expect(page.locator(f'[data-lab="{COUNTER}"]')).to_have_attribute("data-state", "idle")
    page.locator(f'[data-lab="{COUNTER}"]').get_by_role("button", name="Start").click()
    Lab(block_of(page, COUNTER)).wait_for("ready")
    assert [url for url in requested if "/lab-" in url]


def test_start_keeps_the_focus_in_the_laboratory(lab: Lab) -> None:
    lab.button("Start").press("Enter")
    lab.wait_for("ready")
    expect(lab.button("Start")).to_be_focused()


def test_progress_is_remembered_until_the_reader_starts_over(page: Page) -> None:
    do(page, 1)
    page.reload()
    expect(step(page, 1)).to_have_attribute("data-done", "true")
    expect(step(page, 2)).to_have_attribute("data-done", "false")
    progress = page.locator(".lab-progress")
    expect(progress).to_contain_text("1 of 7 steps are done.")
    do(page, 2)  # and before it the first one, which the new browser needs
    progress.get_by_role("button", name="Start over").click()
    expect(step(page, 1).get_by_role("button", name="Do it")).to_be_focused()
    expect(page.locator(f'[data-lab="{COUNTER}"]')).to_have_attribute("data-state", "idle")
    page.reload()
    expect(progress).to_contain_text("0 of 7 steps are done.")
    expect(progress.get_by_role("button")).to_be_hidden()
    do(page, 1)


def test_steps_work_where_the_browser_keeps_nothing(new_page: NewPage) -> None:
    page = new_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('blocked') } })")
    page.goto(f"/{LESSON}")
    do(page, 1)


def test_a_laboratory_and_its_steps_come_back_with_their_page(page: Page) -> None:
    have_pages_swapped(page)
    do(page, 1)
    swapped(page, page.locator(".md-tabs").get_by_role("link", name="Storages").click)
    expect(page.locator("[data-lab]")).to_have_count(0)
    swapped(page, page.go_back)
    expect(page.locator("[data-lab]")).to_have_count(1)
    expect(step(page, 1)).to_have_attribute("data-done", "true")
    do(page, 2)


def test_without_javascript_the_lesson_reads_as_text(new_page: NewPage) -> None:
    page = new_page(f"/{LESSON}", java_script_enabled=False)
    expect(page.locator("[data-lab]")).to_contain_text("runs in your browser if JavaScript is on")
    expect(step(page, 1)).to_contain_text("Alice visits the app")
    expect(page.get_by_role("button", name="Do it")).to_have_count(0)
    assert "{" not in (step(page, 3).text_content() or "")


# The panels


def test_the_jar_shows_what_a_cookie_is_and_lets_the_reader_change_it(lab: Lab) -> None:
    lab.button("Start").click()
    lab.wait_for("ready")
    expect(lab.jar).to_have_text("The jar is empty: Alice has no cookie.")
    lab.get()
    cookie = lab.jar.locator('[data-cookie="VISIT"]')
    expect(cookie).to_contain_text("new")
    expect(cookie).to_contain_text("43 characters")
    attributes = {text.strip(";").lower() for text in cookie.locator(".lab-part").all_text_contents()}
    assert attributes == {"max-age=604800", "path=/", "secure", "httponly", "samesite=lax"}
    id = cookie.locator(".lab-value").text_content() or ""
    told = lab.announcements()
    cookie.get_by_role("button", name="Tamper", exact=True).click()
    expect(cookie.locator(".lab-value")).to_have_text(("B" if id.startswith("A") else "A") + id[1:])
    expect(cookie).to_contain_text("changed")
    expect(cookie.get_by_role("button", name="Tamper")).to_be_focused()
    cookie.get_by_role("button", name="Delete", exact=True).click()
    expect(lab.jar).to_have_text("The jar is empty: Alice has no cookie.")
    expect(lab.jar).to_be_focused()
    assert told() == [
        "One character of VISIT is another one now: the next request sends that.",
        "VISIT is deleted: the next request goes without it.",
    ]
    lab.get()
    assert "Cookie: " not in (lab.wire.get_by_role("group", name="Request", exact=True).first.text_content() or "")


def test_the_store_shows_the_record_and_what_is_watched_and_marks_what_changed(lab: Lab) -> None:
    lab.button("Start").click()
    lab.wait_for("ready")
    lab.get()
    file = lab.store.locator(".lab-files li")
    expect(file.locator(".lab-mark")).to_have_text("new")
    expect(file).to_contain_text('{"count":1}')
    lab.hear("GET / was answered with 200 OK. The browser stored VISIT. The server wrote 1 file.")
    lab.get()
    expect(file.locator(".lab-mark")).to_have_text("changed")
    row = lab.store.get_by_role("row")
    id = lab.jar.locator(".lab-value").text_content() or ""
    expect(row.get_by_role("rowheader")).to_have_text(id)
    expect(row.locator(".lab-mark")).to_have_text("new")
    name = (file.locator("code").first.text_content() or "").removeprefix("sessions/").removesuffix(".session")
    expect(row.get_by_role("cell")).to_contain_text(name)
    lab.get()
    expect(row.locator(".lab-mark")).to_have_count(0)
    assert id not in (file.text_content() or "")


def test_the_log_has_the_newest_request_first_with_what_was_decided(lab: Lab) -> None:
    lab.button("Start").click()
    lab.wait_for("ready")
    lab.get()
    lab.get("/?second")
    requests = lab.log.locator(".lab-exchanges > li")
    expect(requests).to_have_count(2)
    expect(requests.first).to_contain_text("GET /?second: 200 OK")
    expect(requests.first).to_contain_text("storage read done")
    expect(requests.first).to_contain_text("provider=VISIT")
    expect(requests.last).to_contain_text("storage write done")


def test_a_restart_keeps_the_files_and_says_so_once(lab: Lab) -> None:
    lab.button("Start").click()
    lab.wait_for("ready")
    expect(lab.store).to_contain_text("The app keeps no files.")
    lab.get()
    row = lab.store.get_by_role("row")
    lab.get()
    expect(row).to_have_count(1)
    file = lab.store.locator(".lab-files li")
    before = file.locator("code, .lab-rest").all_text_contents()
    served = pythons(lab.page)[0]
    told = lab.announcements()
    lab.button("Restart").click()
    lab.hear("The server has started again, with the file that it had. What was in its memory is gone")
    lab.wait_for("ready")
    assert told() == [
        "Starting",
        "The server has started again, with the file that it had. What was in its memory is gone",
    ]
    assert served not in pythons(lab.page)
    assert file.locator("code, .lab-rest").all_text_contents() == before  # its name, its time and its size
    expect(file.locator(".lab-mark")).to_have_count(0)
    expect(row).to_have_count(0)
    expect(lab.log.locator(".lab-exchanges > li").first).to_have_text("Start 2: the server has started again.")
    lab.get()
    expect(lab.shown).to_contain_text("Visit 3")


@pytest.mark.parametrize(
    ("path", "snippet", "gigabytes", "pythons"),
    [
        ("/laboratory/the-server-dies/", "labs/server_death.py", "8", 2),
        ("/laboratory/the-server-dies/", "labs/server_death.py", "2", 1),
        ("/laboratory/the-server-dies/", "labs/server_death.py", "undefined", 1),
        (CLOCK, "labs/expiry_clock.py", "8", 1),
    ],
)
def test_the_next_python_is_ready_where_a_step_restarts_or_once_the_reader_comes_near(
    new_page: NewPage, path: str, snippet: str, gigabytes: str, pythons: int
) -> None:
    page = new_page()
    page.add_init_script(f"Object.defineProperty(Navigator.prototype, 'deviceMemory', {{ get: () => {gigabytes} }})")
    page.goto(path)
    opened: list[str] = []
    page.on("worker", lambda worker: opened.extend(PYTHON.findall(worker.url)))

    def wait_for(number: int) -> None:
        Hands(page).wait(lambda: len(opened) >= number)
        assert len(opened) == number

    lab = Lab(block_of(page, snippet))
    lab.button("Start").click()
    lab.wait_for("ready")
    for _ in range(2):  # by the second answer, all is known that came of the first
        lab.get()
    wait_for(pythons)
    for number in (2, 3):  # again after each start
        page.mouse.move(0, 0)
        lab.button("Restart").hover()
        wait_for(number)
        lab.button("Restart").click()
        lab.wait_for("ready")


def test_start_over_begins_with_an_empty_disk(page: Page) -> None:
    do(page, 1)
    page.locator(".lab-progress").get_by_role("button", name="Start over").click()
    do(page, 1)
    expect(Lab(block_of(page, COUNTER)).store).to_contain_text("1 file")


# The controls


@pytest.fixture
def clock(new_page: NewPage) -> Lab:
    lab = Lab(block_of(new_page(CLOCK), "labs/expiry_clock.py"))
    lab.button("Start").click()
    lab.wait_for("ready")
    return lab


def test_a_slider_sets_what_the_app_reads_and_the_time_of_the_jar_and_is_told_once(clock: Lab) -> None:
    slider = clock.element.get_by_label("now", exact=True)
    expect(slider).to_have_value("0")
    expect(slider).to_have_attribute("aria-valuetext", "0 s")
    clock.get()
    told = clock.announcements()
    slider.fill("3000")
    expect(slider).to_have_value("3000")
    expect(slider).to_have_attribute("aria-valuetext", "3000 s")
    shown = clock.element.get_by_role("group", name="Controls").locator("[aria-hidden]")
    expect(shown).to_have_text("3000 s")
    clock.get()
    expect(clock.shown).to_contain_text("Visit 2")
    expect(clock.jar).to_contain_text("43 characters")
    slider.fill("6600")
    expect(clock.jar).to_have_text("The jar is empty: Alice has no cookie.")
    said = told()
    assert said[0] == "now = 3000 from the next request on."
    assert said[-1] == "now = 6600 from the next request on. VISIT has expired in the jar of Alice."
    assert len(said) == 3


def test_a_control_keeps_its_value_over_a_restart_and_its_log_its_last_one(clock: Lab) -> None:
    slider = clock.element.get_by_label("now", exact=True)
    clock.get()
    for _ in range(3):
        slider.press("ArrowRight")
    expect(slider).to_have_value("1800")
    expect(slider).to_be_focused()
    assert clock.log.locator(".lab-exchanges > li").all_text_contents()[0] == "now = 1800"
    expect(clock.log.locator(".lab-exchanges > li")).to_have_count(2)
    for _ in range(2):  # it is pulled, and put in again
        clock.button("Pull the plug").click()
    assert clock.log.locator(".lab-exchanges > li").all_text_contents()[:2] == ["The plug stays in.", "now = 1800"]
    slider.focus()
    clock.button("Restart").evaluate("button => button.click()")  # which leaves the focus where it is
    clock.hear("The server has started again, with the file that it had.")
    expect(slider).to_be_focused()
    expect(slider).to_have_value("1800")
    clock.get()
    expect(clock.shown).to_contain_text("Visit 2")


def test_a_field_sets_a_string_beside_a_slider_that_sets_a_number(clock: Lab) -> None:
    controls = '# Control: now "noon"\n# Control: order "12"\n# Control: turn 1..9\n# Control: pause 1..9\n'
    names = "now, order, turn, pause = 'noon', '12', 5, 5\n"
    asked = 'asked: " + repr((now, order, turn, pause)) +'
    script = controls + names + serving(home=None).replace('asked: " +', asked)
    clock.block.edit(script)
    clock.button("Restart").click()
    clock.hear("The server has started again")
    now = clock.element.get_by_label("now", exact=True)
    expect(now).to_have_value("noon")  # and not the number of the slider that it was
    turn, pause = (clock.element.get_by_label(name, exact=True) for name in ("turn", "pause"))
    expect(turn).to_have_attribute("aria-valuetext", "5")
    expect(clock.element.get_by_role("group", name="Controls").locator("[aria-hidden]")).to_have_text(["5", "5"])
    for slider in (turn, pause):
        slider.press("Home")
    clock.hear("pause = 1 from the next request on.")
    field = clock.element.get_by_label("order", exact=True)
    expect(field).to_have_value("12")
    as_typed = {"maxlength": "200", "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}
    for name, value in as_typed.items():
        expect(field).to_have_attribute(name, value)
    field.fill("21 é")
    field.press("Enter")
    clock.hear('order = "21 é" from the next request on.')
    clock.get()
    expect(clock.document).to_contain_text("asked: ('noon', '21 é', 1, 1)")
    clock.block.editor.fill(script.replace("pause 1", "pause 2"))
    clock.button("Restart").click()
    clock.hear("The server has started again")
    expect(turn).to_have_value("1")
    expect(pause).to_have_value("5")  # its range no longer has what it was set to
    expect(field).to_have_value("21 é")


@LOOKS
def test_axe_finds_no_barrier_in_a_control(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page(CLOCK, color_scheme=scheme, viewport=viewport)
    do(page, 2)
    expect(page.get_by_label("now", exact=True)).to_have_attribute("aria-valuetext", "3000 s")
    assert barriers(page) == []
    assert width_of(page) <= viewport["width"]


@LOOKS
def test_axe_finds_no_barrier_in_a_plug_that_is_in_armed_or_pulled(
    new_page: NewPage, scheme: str, viewport: dict[str, int]
) -> None:
    page = new_page("/laboratory/pull-the-plug/", color_scheme=scheme, viewport=viewport)
    lab = Lab(block_of(page, "labs/plug_pull.py"))
    do(page, 1)
    do(page, 2)
    pull = lab.button("Pull the plug")
    for number, armed, state in [(3, "true", "ready"), (4, "false", "stopped"), (5, "false", "ready")]:
        do(page, number)
        lab.wait_for(state)
        expect(pull).to_have_attribute("aria-pressed", armed)
        assert barriers(page, "[data-lab]") == []
        assert width_of(page) <= viewport["width"]


@LOOKS
def test_axe_finds_no_barrier_in_any_panel(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page(f"/{LESSON}", color_scheme=scheme, viewport=viewport)
    assert barriers(page) == []
    for number in (1, 2, 3, 4):
        do(page, number)
    assert barriers_in_panels(Lab(block_of(page, COUNTER)), on_a_phone=viewport is PHONE) == []
    assert width_of(page) <= viewport["width"]


def test_each_panel_is_a_region_with_a_name(lab: Lab) -> None:
    lab.button("Start").click()
    lab.wait_for("ready")
    for name in ("Page of Alice", "Wire of Alice", "Jar of Alice", "Store of the server", "Log of the server"):
        expect(lab.element.get_by_role("region", name=name)).to_be_visible()
    expect(lab.element.get_by_role("group", name="Controls")).to_have_count(0)  # the app has nothing to set


def test_on_a_phone_do_it_shows_the_panel_that_the_step_is_about(new_page: NewPage) -> None:
    page = new_page(f"/{LESSON}", viewport=PHONE)
    lab = Lab(block_of(page, COUNTER))
    do(page, 1)
    expect(lab.jar).to_be_visible()
    expect(lab.jar).to_be_in_viewport()
    expect(lab.shown).to_be_hidden()
    do(page, 2)
    expect(lab.shown).to_be_visible()
    expect(lab.jar).to_be_hidden()
