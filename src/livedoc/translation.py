"""Marks what a browser must not translate: code, and the names of an API."""

from __future__ import annotations

import re

CODE = re.compile(r"<(?:code|pre|kbd|samp)(?=[\s>])(?![^>]*\stranslate=)")
# As mkdocstrings writes it in a heading, and Material in the table of contents: only an API's anchors have a dot.
NAME = re.compile(r'<span(?= class="doc doc-object-name)|<a(?= href="#\w+(?:\.\w+)+" class="md-nav__link")')


def untranslated(html: str) -> str:
    """`html` with `translate="no"` on each element that holds code or a name, unless it has the attribute already."""
    for element in (CODE, NAME):
        html = element.sub(r'\g<0> translate="no"', html)
    return html
