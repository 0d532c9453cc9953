"""Text from users and machines, made so that nothing in it can hide or act."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text on one line, with control and formatting characters (bidirectional ones, too) spelled out."""
    if text.isprintable():  # nothing of the kind is in it, and most texts are such
        return text
    return "".join(_spelled(one) if unicodedata.category(one) in _HIDDEN else one for one in text)


def _spelled(character: str) -> str:
    if character == "\n":
        return "\N{DOWNWARDS ARROW WITH TIP LEFTWARDS}"
    return f"\N{REPLACEMENT CHARACTER}{ord(character):X}"
