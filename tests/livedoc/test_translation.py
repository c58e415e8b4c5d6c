"""Browsers translate prose, and leave code and names alone."""

from __future__ import annotations

import pytest

from livedoc.translation import untranslated


@pytest.mark.parametrize(
    ("html", "marked"),
    [
        ("<p><code>read</code></p>", '<p><code translate="no">read</code></p>'),
        ('<pre id="a">x</pre>', '<pre translate="no" id="a">x</pre>'),
        ("<kbd>Tab</kbd><samp>1</samp>", '<kbd translate="no">Tab</kbd><samp translate="no">1</samp>'),
        (
            '<span class="doc doc-object-name doc-class-name">Sessions</span>',
            '<span translate="no" class="doc doc-object-name doc-class-name">Sessions</span>',
        ),
        (
            '<a href="#coats.Coat.__call__" class="md-nav__link">__call__</a>',
            '<a translate="no" href="#coats.Coat.__call__" class="md-nav__link">__call__</a>',
        ),
    ],
)
def test_code_and_names_are_marked(html: str, marked: str) -> None:
    assert untranslated(html) == marked
    assert untranslated(marked) == marked


@pytest.mark.parametrize(
    "html",
    [
        "<p>read</p>",
        '<code class="a" translate="yes">read</code>',
        "<codes>",
        '<a href="#read-a-coat" class="md-nav__link">Read a coat</a>',
        "&lt;code&gt;",
    ],
)
def test_anything_else_is_left_alone(html: str) -> None:
    assert untranslated(html) == html
