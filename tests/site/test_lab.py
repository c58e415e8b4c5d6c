"""Try it, in a real Chromium: the app of an example is served in the page, and a browser in the page visits it."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import brotli  # type: ignore[import-untyped]  # it has no stubs
import pytest
from playwright.sync_api import expect

from livedoc.snippet import load, paths
from tests.support.axe import barriers, barriers_in_panels
from tests.support.block import block_of
from tests.support.host import Host
from tests.support.host import serving as hosting
from tests.support.lab import APP, Lab, serving
from tests.support.page import (
    DESK,
    LOOKS,
    PAGES_WITH_BLOCKS,
    PHONE,
    have_pages_swapped,
    pythons,
    requests,
    rewrite,
    swapped,
    width_of,
)
from tests.support.project import SNIPPETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Route

    from tests.support.host import Rules
    from tests.support.page import NewPage

MOST_BYTES = 70_000
OURS = re.compile("/assets/livedoc/lab-")


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page("/sessions/")


@pytest.fixture
def lab(page: Page) -> Lab:
    """A lab that is not open yet."""
    return Lab(block_of(page, APP))


def test_every_block_with_an_app_can_be_tried_and_no_other(new_page: NewPage) -> None:
    snippets = [load(SNIPPETS, path) for path in paths(SNIPPETS)]
    with_app = {snippet.path for snippet in snippets if snippet.has_app and not snippet.needs}
    tried = set()
    for path in PAGES_WITH_BLOCKS:
        page = new_page(path)
        blocks = page.locator(".snippet:has(.snippet-try)")
        for snippet in blocks.evaluate_all("blocks => blocks.map(block => block.dataset.snippet)"):
            lab = Lab(block_of(page, snippet)).open()
            lab.ask("/")
            lab.hear("answered with")  # perhaps after it led elsewhere
            tried.add(snippet)
        # These have a laboratory instead, whose steps another test plays.
        tried |= set(page.locator(".lab-place").evaluate_all("places => places.map(place => place.dataset.lab)"))
        page.close()
    assert tried == with_app


def test_nothing_of_a_lab_is_fetched_before_the_reader_starts_it(new_page: NewPage) -> None:
    page = new_page()
    requested = requests(page)
    page.goto("/sessions/", wait_until="networkidle")
    assert not [url for url in requested if OURS.search(url)]
    Lab(block_of(page, APP)).open()
    assert len([url for url in requested if OURS.search(url)]) == 1


def test_a_lab_is_light(site: Path) -> None:
    [module] = site.glob("assets/livedoc/lab-*.js")
    assert len(brotli.compress(module.read_bytes())) <= MOST_BYTES


def test_the_browser_keeps_its_cookie_and_the_wire_explains_it(lab: Lab) -> None:
    lab.open()
    told = lab.announcements()
    lab.get()
    expect(lab.shown).to_contain_text("page 1 of your visit")
    set_cookie = lab.wire.locator(".lab-cookie").first
    parts = set_cookie.get_by_role("button")
    attributes = {text.strip(";").lower() for text in parts.all_text_contents()[1:]}
    assert attributes == {"path=/", "max-age=604800", "secure", "httponly", "samesite=lax"}
    meaning = set_cookie.locator(".lab-meaning")
    parts.filter(has_text="HttpOnly").focus()
    expect(meaning).to_have_text("The page's JavaScript can't read the cookie.")
    parts.filter(has_text=re.compile("^secure;$", re.IGNORECASE)).hover()
    expect(meaning).to_have_text("The browser sends the cookie over HTTPS only.")
    expect(parts.filter(has_text="HttpOnly")).to_have_accessible_description(
        "The page's JavaScript can't read the cookie."
    )
    lab.get()
    expect(lab.shown).to_contain_text("page 2 of your visit")
    expect(lab.wire.locator(".lab-exchange")).to_have_count(2)
    newest = lab.wire.locator(".lab-exchange").first
    expect(newest.get_by_role("group", name="Request", exact=True)).to_contain_text("Cookie: VISIT=")
    assert told() == ["GET / was answered with 200 OK. The browser stored VISIT.", "GET / was answered with 200 OK."]


# At each width of a phone there is another character at which a value reaches the end of its line.
def test_a_semicolon_stands_beside_what_it_ends(lab: Lab) -> None:
    lab.page.set_viewport_size({"width": PHONE["width"], "height": 800})
    lab.open()
    lab.get()
    lab.element.get_by_role("tab", name="Wire").click()
    for width in (*range(PHONE["width"] - 30, PHONE["width"] + 1, 2), DESK["width"]):
        lab.page.set_viewport_size({"width": width, "height": 800})
        semicolons = lab.wire.locator(".lab-part").evaluate_all("""parts => parts.slice(0, -1).map(part => {
            const range = document.createRange()
            const boxes = [2, 1].map(back => {
                const end = part.lastChild.firstChild
                range.setStart(end, end.length - back)
                range.setEnd(end, end.length - back + 1)
                return range.getBoundingClientRect()
            })
            return [part.textContent.at(-1), boxes[1].left - boxes[0].right, boxes[1].top - boxes[0].top]
        })""")
        assert len(semicolons) == 5
        assert {text for text, _, _ in semicolons} == {";"}
        assert all(abs(apart) < 1 and lower == 0 for _, apart, lower in semicolons), width


def test_the_server_shows_what_it_logged(lab: Lab) -> None:
    lab.open()
    lab.get()
    expect(lab.log).to_contain_text("DEBUG coatcheck ")


def test_a_restart_loses_what_was_in_memory_and_takes_the_edit(lab: Lab) -> None:
    lab.open()
    lab.get()
    lab.button("Restart").click()
    lab.wait_for("ready")
    lab.get()
    expect(lab.shown).to_contain_text("page 1 of your visit")
    lab.block.edit(serving(home="<p>edited</p>"))
    lab.button("Restart").click()
    lab.wait_for("ready")
    lab.get()
    expect(lab.document).to_have_text("edited")


DISK = """
import os
from pathlib import Path

async def app(scope, receive, send):
    assert scope["type"] == "http"
    match scope["path"]:
        case "/write":
            Path("sessions/empty").mkdir(parents=True)
            Path("sessions").chmod(0o700)
            Path("sessions/large").write_bytes(bytes(range(256)) * 20_000)
            Path("sessions/link").symlink_to("large")
            os.utime("sessions/large", (7, 7))
        case "/hang":
            Path("half").write_text("half")
            while True:
                pass
    found = sorted(
        (str(path), oct(path.lstat().st_mode), path.is_file() and (path.stat().st_mtime, hash(path.read_bytes())))
        for path in Path().rglob("*")
    )
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": repr(found).replace(repr(os.getcwd()), "").encode()})
""".replace("hash(", "__import__('zlib').crc32(")


def test_the_disk_survives_each_way_in_which_a_server_ends(lab: Lab) -> None:
    lab.open(DISK)
    content = lab.shown.locator("pre")
    lab.get()
    expect(content).to_have_text("[]")
    lab.get("/write")
    lab.get()
    written = content.text_content() or ""
    assert "7.0" in written
    assert written.count("('") == 4
    lab.block.edit("{}['app']")
    lab.button("Restart").click()
    lab.wait_for("failed")
    lab.block.editor.fill(DISK)
    lab.button("Start").click()
    lab.wait_for("ready")
    lab.get()
    expect(content).to_have_text(written)
    lab.ask("/hang")
    lab.wait_for("busy")
    lab.button("Restart").click()
    lab.hear("The server has started again, with the file that it had.")
    lab.get()
    expect(content).to_have_text(written)


CUT = """
import asyncio
import os
from pathlib import Path

async def app(scope, receive, send):
    assert scope["type"] == "http"
    try:
        if scope["path"] == "/hang":
            await asyncio.Event().wait()
        if scope["path"] == "/write":
            with open("record", "w") as file:
                file.write("new")
    finally:
        if scope["path"] == "/write":
            Path("went-on").touch()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"A=1; Secure")]})
    found = {str(path): path.read_text() for path in sorted(Path().iterdir())}
    await send({"type": "http.response.body", "body": repr(found).encode()})

Path("record").exists() or Path("record").write_text("old")
"""


def test_a_pulled_plug_ends_the_server_before_the_operation_and_nothing_runs_after_it(lab: Lab) -> None:
    lab.open(CUT)
    *others, served = pythons(lab.page)
    operation = lab.element.get_by_label("before the first", exact=True)
    pull = lab.button("Pull the plug")
    operation.select_option("write")
    told = lab.announcements()
    pull.click()
    expect(pull).to_have_attribute("aria-pressed", "true")
    lab.ask("/write")
    lab.wait_for("stopped")
    cut = "The plug was pulled before write record. Restart starts the server"
    lab.hear(cut)
    assert told() == ["The next request ends before its first write.", cut]
    expect(pull).to_have_attribute("aria-pressed", "false")
    expect(lab.shown).to_have_text("The server sent no response.")
    expect(lab.jar).to_contain_text("The jar is empty")
    expect(lab.store.locator(".lab-files")).to_contain_text("record")
    expect(lab.store.locator(".lab-files")).not_to_contain_text("went-on")
    lab.ask()
    lab.hear("The server isn't running: Start starts it.")
    for _ in range(100):
        if served not in pythons(lab.page):
            break
        lab.page.wait_for_timeout(50)
    assert served not in pythons(lab.page)
    assert len(pythons(lab.page)) == len(others) + 1  # the next one gets ready
    lab.button("Restart").click()
    lab.hear("The server has started again, with the file that it had.")
    notes = lab.log.locator(".lab-exchanges > li")
    expect(notes.first).to_have_text("Start 2: the server has started again.")
    expect(notes.nth(1)).to_have_text("The plug was pulled before write record.")
    lab.get()
    expect(lab.shown).to_contain_text("{'record': ''}")


def test_a_plug_that_no_request_reached_stays_in_and_can_be_left_in(lab: Lab) -> None:
    lab.open(CUT)
    pull = lab.button("Pull the plug")
    lab.element.get_by_label("before the first", exact=True).select_option("rename")
    pull.click()
    lab.get("/write", "was answered with 200 OK.")
    lab.hear("It did no rename, so the server is still running.")
    expect(pull).to_have_attribute("aria-pressed", "false")
    pull.click()
    pull.click()
    lab.hear("The plug stays in.")
    pull.click()
    lab.ask("/hang")
    lab.wait_for("busy")
    lab.button("Stop").click()
    lab.hear("The request was stopped, and the server is running")
    lab.get()


def test_a_lab_harms_no_block(lab: Lab) -> None:
    lab.open()
    other = block_of(lab.page, "sessions/two_kinds.py")
    assert other.run() == other.expected
    lab.get()
    lab.button("Restart").click()
    lab.wait_for("ready")
    assert other.run() == other.expected
    assert lab.block.run() == lab.block.expected


def test_start_says_that_the_server_is_running(lab: Lab) -> None:
    lab.open()
    lab.get()
    lab.button("Start").click()
    lab.hear("The server is running already: Restart starts it again.")
    lab.get()
    expect(lab.shown).to_contain_text("page 2 of your visit")


# The page


def test_links_and_forms_work(lab: Lab) -> None:
    home = (
        '<main><h1>Shop</h1><a href="cart?a=1#there"><b>the cart</b></a><a href="#caf%C3%A9">down</a><a href="#%ff">'
        'nowhere</a><form action="/log-in" method="post"><label for="n">Your name</label><input id="n" name="name">'
        '<input type="hidden" name="action" value="in"><input name="method" value="x"><button name="go" value="1">'
        'Log in</button><button formmethod="get" formaction="/search">Search</button><button formaction="/upload" '
        'formenctype="multipart/form-data">Upload</button></form><input list="names"><table><td headers="a b"></table>'
        f'{"<br>" * 100}<a id="café">foot</a></main>'
    )
    login = (303, [(b"location", b"/account"), (b"set-cookie", b"USER=ada; Path=/")])
    lab.open(serving(**{"home": home, "log-in": login}))
    lab.get()
    for name, prefixed in {"list": r"lab-\d+-names", "headers": r"(lab-\d+-)a \1b"}.items():
        assert re.fullmatch(prefixed, lab.document.locator(f"[{name}]").get_attribute(name) or "")
    foot = lab.document.get_by_text("foot")
    expect(foot).not_to_be_in_viewport()
    for name in ("nowhere", "down"):
        lab.document.get_by_role("link", name=name).click()
    expect(foot).to_be_in_viewport()
    foot.click()  # it leads nowhere
    lab.document.get_by_role("link", name="the cart").click()
    expect(lab.document).to_have_text("asked: /cart?a=1 GET")
    expect(lab.wire.locator(".lab-exchange")).to_have_count(2)
    assert lab.field("Address").input_value() == "/cart?a=1"
    lab.get()
    lab.document.get_by_label("Your name").fill("Ada & Co")
    lab.document.get_by_role("button", name="Log in").click()
    lab.hear("POST /log-in led to GET /account, which was answered with 200 OK. The browser stored USER.")
    assert lab.shown.get_by_role("list", name="Requests").get_by_role("listitem").all_text_contents() == [
        "POST /log-in: 303 See Other",
        "GET /account: 200 OK",
    ]
    assert lab.field("Address").input_value() == "/account"
    sent = lab.wire.locator(".lab-exchange").nth(1).locator("[aria-label='Request: body']")
    expect(sent).to_have_text("name=Ada+%26+Co&action=in&method=x&go=1")
    lab.get()
    lab.document.get_by_role("button", name="Search").click()
    expect(lab.document).to_have_text("asked: /search?name=&action=in&method=x GET")
    lab.get()
    lab.document.get_by_role("button", name="Upload").click()
    expect(lab.document).to_contain_text('Content-Disposition: form-data; name="action"')
    lab.ask("/log-in", "POST", "name=ada")
    lab.hear("POST /log-in led to GET /account, which was answered with 200 OK.")
    lab.browser.get_by_role("button", name="Send", exact=True).click()
    lab.hear("GET /account was answered with 200 OK.")  # as sent once more, a page is what is shown


def test_a_reader_sends_fields_json_and_text(lab: Lab) -> None:
    lab.open(serving())
    for kind, typed, sent in [
        ("Fields", "name=Ada\nage=36", "name=Ada&age=36"),
        ("JSON", '{"name": "Ada"}', '{"name": "Ada"}'),
        ("Text", "plain", "plain"),
    ]:
        lab.ask("/users", "PUT", typed, kind)
        expect(lab.document).to_have_text(f"asked: /users? PUT {sent}")


HOSTILE = [
    "<script>hacked()</script>",
    "<img src=x onerror=hacked()>",
    "<img src='https://elsewhere.example/x.png' srcset='/assets/logo.svg 2x'>",
    "<svg onload=hacked()><script>hacked()</script><a xlink:href='javascript:hacked()'>x</a></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=hacked()&gt;'>",
    "<iframe src='javascript:parent.hacked()'></iframe><iframe srcdoc='<script>parent.hacked()</script>'></iframe>",
    "<object data='data:text/html,<script>hacked()</script>'></object><embed src='/'>",
    "<body onload=hacked() style='display:none'>",
    "<div onclick=hacked() onfocus=hacked() tabindex=1 autofocus contenteditable id=x>click me</div>",
    "<style>body { display: none !important } @import 'https://elsewhere.example/x.css';</style>",
    "<p style='position:fixed;inset:0;background:url(https://elsewhere.example/x.png)'>over all</p>",
    "<link rel=stylesheet href='https://elsewhere.example/x.css'><base href='https://elsewhere.example/'>",
    "<meta http-equiv=refresh content='0;url=https://elsewhere.example/'>",
    "<details open ontoggle=hacked()><summary>x</summary></details>",
    "<video autoplay onplay=hacked() src=x></video><audio src=x onerror=hacked()></audio>",
    "<template><script>hacked()</script></template><noscript><p title='</noscript><img src=x onerror=hacked()>'>",
    "<form id=documentElement><input name=attributes><input name=parentNode><input name=childNodes></form>",
    "<a id=location name=location href='x'>x</a><form name=body></form><img name=currentScript>",
    "<div class='snippet md-header' data-snippet=x data-state=idle data-md-component=header data-lab=x>no block</div>",
    "<dialog open popover id=p>over</dialog><button popovertarget=p command=show-modal commandfor=p>show</button>",
    "<select><option><style></select><script>hacked()</script>",
    "<p role=status aria-live=assertive>shouted</p><main>a</main><h1 id=__drawer>b</h1><label for=__search>c</label>",
    "<header>a</header><nav>b</nav><section title=c><article>d</article></section><aside>e</aside><footer>f</footer>",
    # An HTML parser puts these into the head, unless they come after something.
    "<p>x</p><script>hacked()</script><style>body { display: none }</style><base href=/x><template>x</template>",
    "<p>x</p><link rel=stylesheet href=/x><meta http-equiv=refresh content='0;url=/x'><noscript>x</noscript>",
    "<p background=/x srcdoc=x popover=auto accesskey=s>x</p><a href=/x target=_top ping=/x><button formtarget=_top>",
    "<" * 5000,
    "<b>" * 20_000 + "deep",
    "<table>" * 3000,
    "\x00<scr\x00ipt>hacked()</scr\x00ipt>",
]
# What must not be in a page of the app.
DANGEROUS = (
    "script, style, link, meta, base, iframe, object, embed, svg, math, video, audio, template, noscript, dialog, "
    "main, header, footer, nav, aside, section, article, "
    "[src], [srcset], [srcdoc], [background], [ping], [target], [formtarget], [style], [class], [role], [aria-live], "
    "[popover], [popovertarget], [commandfor], [tabindex], [accesskey], [autofocus], [contenteditable], "
    "[data-snippet], [data-lab], [data-state], [data-md-component]"
)
HANDLERS = """document => [document, ...document.querySelectorAll("*")].flatMap(({ attributes }) =>
  [...attributes].map(({ name }) => name).filter(name => name.startsWith("on")))"""


@pytest.fixture
def unguarded(site: Path, browser: Browser) -> Iterator[Lab]:
    """A lab on a host without a policy, which would also keep scripts from running, and say so in the console."""
    trouble: list[str] = []
    with hosting(partial(Host, site, [])) as origin:
        context = browser.new_context(base_url=origin, service_workers="block")
        context.on("weberror", lambda error: trouble.append(str(error.error)))
        context.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page = context.new_page()
        page.goto("/sessions/")
        yield Lab(block_of(page, APP))
        context.close()
    assert trouble == []


LEADING_OUT = [
    "<a href='https://elsewhere.example/'>go</a>",
    "<a href='//elsewhere.example/' target=_blank ping='https://elsewhere.example/'>go</a>",
    "<a href='mailto:ada@app.example'>go</a>",
    "<form action='https://elsewhere.example/' method=post target=_top><button>go</button></form>",
    "<form action='/ok'><button formaction='https://elsewhere.example/' formtarget=_blank>go</button></form>",
    "<form><input name=action><input name=submit><button formaction='//elsewhere.example'>go</button></form>",
]


def test_a_page_runs_nothing_fetches_nothing_and_styles_nothing(unguarded: Lab) -> None:
    lab = unguarded
    hacked: list[None] = []
    lab.page.expose_function("hacked", lambda: hacked.append(None))
    pages = {str(number): html for number, html in enumerate(HOSTILE)}
    lab.open(serving(**pages, form="<form id=x><input name=getAttribute></form>"))
    requested = requests(lab.page)
    for number, html in enumerate(HOSTILE):
        lab.get(f"/{number}")
        assert lab.document.locator(DANGEROUS).count() == 0, html
        assert lab.document.evaluate(HANDLERS) == [], html
        assert lab.document.locator("[id]:not([id^=lab-])").count() == 0, html
        assert lab.block.element.is_visible(), html
    lab.ask("/form")  # at last, as Playwright finds no role beside such a field
    expect(lab.document.locator("form[id^=lab-]")).to_have_count(1)
    assert hacked == []
    assert requested == []
    assert lab.page.url.endswith("/sessions/")
    assert lab.page.evaluate("document.body instanceof HTMLBodyElement && location instanceof Location")


def test_what_leads_out_of_the_app_is_not_followed(lab: Lab) -> None:
    lab.open(serving(**{str(number): html for number, html in enumerate(LEADING_OUT)}))
    requested = requests(lab.page)
    for number, html in enumerate(LEADING_OUT):
        lab.get(f"/{number}")
        lab.document.get_by_text("go").click()
        lab.hear("This leads out of the app, to ")
        lab.document.get_by_text("go").click(modifiers=["Control"])
        lab.document.get_by_text("go").click(button="middle")
        expect(lab.wire.locator(".lab-exchange")).to_have_count(number + 1)
        assert requested == [], html
        assert len(lab.page.context.pages) == 1, html


def test_a_link_or_a_form_runs_nothing(unguarded: Lab) -> None:
    lab = unguarded
    hacked: list[None] = []
    lab.page.expose_function("hacked", lambda: hacked.append(None))
    targets = ["javascript:hacked()", "data:text/html,<script>hacked()</script>", " jAvascript:1", "https://["]
    html = "<a href='{0}'>link</a><form action='{0}'><button>form</button></form>"
    lab.open(serving(**{str(number): html.format(target) for number, target in enumerate(targets)}))
    for number, target in enumerate(targets):
        for kind in ("link", "form"):
            lab.get(f"/{number}")
            lab.document.get_by_text(kind).click()
            expect(lab.wire.locator(".lab-exchange")).not_to_have_count(0)
        assert hacked == [], target
    assert lab.page.url.endswith("/sessions/")


def test_an_address_outside_the_app_is_refused(lab: Lab) -> None:
    lab.open(serving())
    requested = requests(lab.page)
    for address in ("https://elsewhere.example/", "javascript:alert(1)", "https://[", "//elsewhere.example", "data:,x"):
        lab.ask(address)
        lab.hear("Write a path, such as /.")
        lab.get("/after")
    assert requested == []


def test_nothing_that_is_sent_leaves_the_lab_unusable(lab: Lab) -> None:
    redirects = (302, [(b"location", b"/loop")])
    odd = (
        200,
        [(b"set-cookie", b";=;\xff; constructor"), (b"x-" + b"a" * 20_000, b"b"), (b"content-type", b"text/html")],
        "x",
    )
    many = (299, [(b"set-cookie", b"a=b" + b"; a" * 5000), *[(b"x", b"y")] * 3000], "many")
    lab.open(serving(loop=redirects, odd=odd, many=many, large="<p>" + "x" * 3_000_000))
    lab.get("/loop", "led to GET /loop, which was answered with 302 Found.")
    lab.hear("These were 20 redirects: the browser follows no more.")
    lab.get("/odd")
    lab.hear("The browser refused a cookie without a name.")
    lab.get("/many")
    lab.get("/large")
    expect(lab.shown).to_contain_text("The rest is not shown.")
    lab.ask("/" + "a" * 3000 + "?ä=<>\"'%ff%", "POST", "ä" * 3000 + "=\n==\n&", "Fields")
    lab.hear("was answered with 200 OK")
    expect(lab.log.locator(".lab-heading").first).to_have_text(re.compile(r"^.{2000}… \(\d+ characters\)$"))
    lab.get("/after")
    expect(lab.document).to_have_text("asked: /after? GET")


# The server


def test_an_app_that_raises_shows_its_traceback_and_the_line(lab: Lab) -> None:
    lab.open(serving())
    lab.get("/raising", "was answered with 500 Internal Server Error. The app raised LookupError.")
    error = lab.shown.locator("[data-error]")
    expect(error).to_contain_text("LookupError: no coat")
    error.get_by_role("link").last.click()
    expect(lab.block.editor).to_be_focused()
    lab.get("/after")


@pytest.mark.parametrize(
    ("script", "words"), [("{}['app']", "KeyError: 'app'"), ("app = ", "SyntaxError"), ("", "named 'app'")]
)
def test_an_app_that_cannot_start_says_why_and_starts_once_it_is_mended(lab: Lab, script: str, words: str) -> None:
    lab.block.edit(script or "\n")
    lab.block.press("Try it")
    lab.wait_for("failed")
    expect(lab.element.locator("[data-error]")).to_contain_text(words)
    expect(lab.element.get_by_role("group", name="Controls")).to_have_count(0)
    lab.ask()
    lab.hear("The server isn't running: Start starts it.")
    lab.block.editor.fill(serving(home="<p>mended</p>"))
    lab.button("Start").click()
    lab.wait_for("ready")
    expect(lab.element.locator("[data-error]")).to_have_count(0)
    lab.get()
    expect(lab.document).to_have_text("mended")


def without_isolation(route: Route) -> None:
    response = route.fetch()
    headers = {name: value for name, value in response.headers.items() if not name.startswith("cross-origin-")}
    route.fulfill(response=response, headers=headers)


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "not isolated"])
def test_a_hung_request_can_be_stopped(new_page: NewPage, *, isolated: bool) -> None:
    page = new_page()
    if not isolated:
        page.route("**/sessions/", without_isolation)
    page.goto("/sessions/")
    assert page.evaluate("crossOriginIsolated") is isolated
    lab = Lab(block_of(page, APP)).open(serving())
    lab.ask("/waiting")
    lab.wait_for("busy")
    lab.ask("/other")
    lab.hear("A request is on its way: wait for its answer, or stop it.")
    lab.button("Stop").click()
    lab.hear("The request was stopped, and the server is running")
    lab.ask("/busy")
    lab.wait_for("busy")
    lab.button("Stop").click()
    if not isolated:
        lab.hear("The request was stopped by ending the server. Start starts it again")
        lab.wait_for("stopped")
        lab.ask()
        lab.hear("The server isn't running: Start starts it.")
        lab.button("Start").click()
    lab.wait_for("ready")
    lab.get("/after")


def test_a_lab_works_without_stack_switching(new_page: NewPage) -> None:
    page = new_page()
    rewrite(page, "**/worker-*.js", lambda text: f"delete WebAssembly.Suspending\n{text}")
    page.goto("/sessions/")
    lab = Lab(block_of(page, APP)).open()
    lab.get()
    expect(lab.shown).to_contain_text("page 1 of your visit")


def test_a_lab_works_under_a_sub_path(site: Path, header_rules: Rules, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(site)
    with hosting(partial(Host, tmp_path, header_rules)) as origin:
        context = browser.new_context(base_url=origin, service_workers="block")
        page = context.new_page()
        page.goto("/docs/sessions/")
        lab = Lab(block_of(page, APP)).open()
        lab.get()
        expect(lab.shown).to_contain_text("page 1 of your visit")
        context.close()


def test_the_server_ends_when_the_reader_leaves_the_page(page: Page) -> None:
    have_pages_swapped(page)
    lab = Lab(block_of(page, APP)).open(serving(home='<a href="/storages/">a page of the app</a>'))
    lab.get()
    lab.document.get_by_role("link").click()
    expect(lab.document).to_have_text("asked: /storages/? GET")  # and not the site's page
    before = len(pythons(page))
    swapped(page, page.locator(".md-tabs").get_by_role("link", name="Storages").click)
    expect(lab.element).to_have_count(0)
    for _ in range(100):
        if len(pythons(page)) < before:
            break
        page.wait_for_timeout(50)
    assert len(pythons(page)) < before


def test_a_lab_that_cannot_be_loaded_says_so_and_can_be_tried_again(page: Page) -> None:
    lab = Lab(block_of(page, APP))
    page.route(OURS, lambda route: route.fulfill(body="}", content_type="text/javascript"))
    lab.block.press("Try it")
    expect(lab.block.element).to_contain_text("The browser could not be loaded: Try it tries again.")
    page.unroute(OURS)
    lab.open().get()


# For everybody


@LOOKS
def test_axe_finds_no_barrier_in_a_lab(new_page: NewPage, scheme: str, viewport: dict[str, int]) -> None:
    page = new_page("/sessions/", color_scheme=scheme, viewport=viewport)
    html = (
        "<header><nav><a href='/'>Home</a></nav></header><main><h1>Shop</h1><form><label for=n>Name</label><input id=n>"
        "<button>Send it</button></form><table><tr><th>a<td>b</table></main>"
    )
    odd = (200, [(b"set-cookie", b"A=1; Secure; Odd"), (b"set-cookie", b"__Host-A=1")], html)
    lab = Lab(block_of(page, APP)).open(serving(home=odd))
    lab.ask("/", "POST", "a=b")
    lab.hear("was answered with")
    lab.get()
    assert barriers_in_panels(lab, on_a_phone=viewport is PHONE) == []
    lab.get("/raising")
    assert barriers(page) == []
    assert width_of(page) <= viewport["width"]


def test_on_a_phone_the_panels_are_tabs(new_page: NewPage) -> None:
    page = new_page("/sessions/", viewport=PHONE)
    lab = Lab(block_of(page, APP)).open()
    lab.get()
    tabs = lab.element.get_by_role("tab")
    assert tabs.all_text_contents() == ["Page", "Wire", "Jar", "Store", "Log"]
    expect(lab.shown).to_be_visible()
    expect(lab.wire).to_be_hidden()
    tabs.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(1)).to_be_focused()
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(lab.wire).to_be_visible()
    expect(lab.shown).to_be_hidden()
    page.set_viewport_size({"width": 320, "height": 256})  # a desk's at 400 %
    assert width_of(page) == 320
    page.set_viewport_size(DESK)
    expect(tabs).to_have_count(0)
    expect(lab.shown).to_be_visible()
    expect(lab.wire).to_be_visible()


def test_everything_can_be_done_with_a_keyboard(lab: Lab) -> None:
    page = lab.page
    lab.block.button("Try it").press("Enter")
    lab.wait_for("ready")
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.textContent.slice(0, 20) || document.activeElement.id")
        reached.append(name)
        if name == "Send":
            break
    assert reached[:2] == ["Start", "Restart"]
    page.keyboard.press("Enter")
    lab.hear("was answered with 200 OK")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.lab-part')"):
            break
    expect(lab.wire.locator(".lab-part").first).to_be_focused()
    lab.field("Address").focus()
    page.keyboard.press("Enter")
    expect(lab.shown).to_contain_text("page 2 of your visit")
