"""The contents of a long page: its headings get names, and links to them stand where it asks for them."""

from __future__ import annotations

import re
from typing import Final

HERE: Final = "<!-- contents -->"  # nothing from users becomes this: all of that is escaped
_HEADING: Final = re.compile(r"<h2>(.*?)</h2>")
_TAG: Final = re.compile(r"<[^>]*>")


def with_contents(page: str) -> str:
    """The page with a name on each of its second headings and, at the mark, the list of them."""
    if HERE not in page:
        return page
    before, after = page.split(HERE, 1)
    headings: list[str] = []

    def named(found: re.Match[str]) -> str:
        headings.append(_TAG.sub("", found[1]))
        return f'<h2 id="part-{len(headings)}">{found[1]}</h2>'

    after = _HEADING.sub(named, after)
    links = "\n".join(
        f'<li><a href="#part-{number}">{text}</a></li>' for number, text in enumerate(headings, 1)
    )
    listed = f'<nav class="contents" aria-label="Contents">\n<ol>\n{links}\n</ol>\n</nav>'
    return f"{before}{listed}{after}"


def css_text(text: str) -> str:
    """A string of CSS that shows this text and can end neither the string nor the sheet, whatever it says."""
    shown = "".join(each if each.isascii() and each.isalnum() else f"\\{ord(each):06x}" for each in text)
    return f'"{shown}"'
