"""Names of pages: safe in a path and in a link, whatever the drill or the service is called."""

from __future__ import annotations

import hashlib
import re


def page_of_run(folder: str) -> str:
    """A run's folder is safe already: the chain holds it to that."""
    return f"runs/{folder}.html"


def page_of_drill(plan: str, drill: str) -> str:
    return f"drills/{_slug(plan, drill)}.html"


def page_of_subject(plan: str, subject: str) -> str:
    """A service's page, or a dataset's."""
    return f"services/{_slug(plan, subject)}.html"


def _slug(plan: str, name: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60]
    return f"{readable or 'x'}-{hashlib.sha256(repr((plan, name)).encode()).hexdigest()[:8]}"
