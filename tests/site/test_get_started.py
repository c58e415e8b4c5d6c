"""The apps of "Get started", as a beginner meets them: started with uvicorn and used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import Browser
from tests.support.project import SNIPPETS
from tests.support.served import served as serve

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser as Chromium

APPS = sorted(file.stem for file in (SNIPPETS / "get_started").glob("*.py"))


def served(app: str, folder: Path) -> AbstractContextManager[str]:
    """Serve an app of "Get started", and give its port."""
    return serve(SNIPPETS / "get_started" / f"{app}.py", folder)


class Visitor(Browser):
    """Follows redirects and reads pages."""

    def __init__(self, port: str, id: str = "") -> None:
        super().__init__(port, **{"USER": id} if id else {})
        self.follow_redirects = True

    @property
    def id(self) -> str:
        return self.kept.get("USER", "")

    def words(self, method: str, path: str, **form: str) -> str:
        """What the page says above its form."""
        response = self.request(method, path, data=form)
        assert response.status_code == 200, response.text
        return response.text.partition(" <")[0]


@pytest.mark.parametrize("app", APPS)
def test_a_user_logs_in_is_counted_and_logs_out(app: str, tmp_path: Path) -> None:
    with served(app, tmp_path) as port, Visitor(port) as visitor:
        assert visitor.words("GET", "/") == "Please log in."
        assert visitor.words("POST", "/log-in", name="ada") == "Hello ada, visit 1."
        assert visitor.words("GET", "/") == "Hello ada, visit 2."
        first = visitor.id
        assert visitor.words("POST", "/log-in", name="<b>") == "Hello &lt;b&gt;, visit 1."
        with Visitor(port, first) as thief:
            assert thief.words("GET", "/") == "Please log in."
    with served(app, tmp_path) as port, Visitor(port, visitor.id) as visitor:
        assert visitor.words("GET", "/") == "Hello &lt;b&gt;, visit 2."
        assert visitor.words("POST", "/log-out") == "Please log in."
        assert visitor.id == ""
    assert list((tmp_path / ".sessions").glob("*.session")) == []


@pytest.mark.parametrize("app", APPS)
def test_where_nobody_can_lock_a_file_the_app_works_in_memory(app: str, tmp_path: Path) -> None:
    """The change for Windows that the page describes, on a Python that has no `fcntl` either."""
    code = (SNIPPETS / "get_started" / f"{app}.py").read_text()
    without_locks = f'"""{app}"""\nimport sys; sys.modules["fcntl"] = None\n{code}'
    file = tmp_path / f"{app}.py"
    file.write_text(without_locks)
    with pytest.raises(pytest.fail.Exception, match="NotImplementedError"), serve(file, tmp_path):
        pass
    in_memory = without_locks.replace('directory_session_storage(".sessions")', "SessionStorageMemory()")
    file.write_text(in_memory.replace("directory_session_storage", "SessionStorageMemory"))
    with serve(file, tmp_path) as port, Visitor(port) as visitor:
        assert visitor.words("POST", "/log-in", name="ada") == "Hello ada, visit 1."
        assert visitor.words("POST", "/log-out") == "Please log in."


def test_a_browser_does_what_the_page_says_it_does_on_localhost(browser: Chromium, tmp_path: Path) -> None:
    with served("with_fastapi", tmp_path) as port, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"http://localhost:{port}")
        page.get_by_label("Name").fill("ada")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("body")).to_contain_text("Hello ada, visit 1.")
        page.reload()
        expect(page.locator("body")).to_contain_text("Hello ada, visit 2.")
        (cookie,) = context.cookies()
        assert cookie.items() >= {"name": "USER", "httpOnly": True, "secure": True, "sameSite": "Lax"}.items()
        assert len(cookie["value"]) == 43
        page.get_by_role("button", name="Log out").click()
        expect(page.locator("body")).to_contain_text("Please log in.")
        assert context.cookies() == []
