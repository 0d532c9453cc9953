"""A browser without a window, to print a page: it prints just what a person's browser would."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from sites.drivers.command import run
from sites.errors import BlackstartError, CommandError, MissingProgram

BROWSER = "BLACKSTART_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_LIMIT_SECONDS = 120.0
# Nothing leaves the machine: the page asks for nothing, and the browser shall not for itself.
_QUIET = (
    *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
    *("--disable-sync", "--no-first-run", "--no-pings", "--metrics-recording-only"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer"),
)


def find_browser() -> str:
    """The browser that BLACKSTART_BROWSER names, else the first that is installed. Raises MissingProgram."""
    wanted = os.environ.get(BROWSER)
    found = shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise MissingProgram(
            f'cannot print a PDF: there is no "{wanted}"'
            if wanted
            else "cannot print a PDF: no Chromium is here",
            hint=f"install Debian's package chromium, or name a browser of its kind in {BROWSER}; "
            "any browser also prints the HTML report just as well",
        )
    return found


def print_pdf(page: bytes) -> bytes:
    """The PDF of a self-contained HTML page. Raises MissingProgram, CommandError, BlackstartError."""
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="blackstart-print-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "page.html").write_bytes(page)
        target = folder / "page.pdf"
        # The page holds no script and may fetch nothing, so a root user loses nothing without the sandbox.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        argv = [
            *(browser, *_QUIET, *sandbox, f"--user-data-dir={folder / 'profile'}"),
            *(f"--print-to-pdf={target}", (folder / "page.html").as_uri()),
        ]
        try:
            run(argv, limit_seconds=_LIMIT_SECONDS, env={"HOME": str(folder)})
        except CommandError as error:
            raise BlackstartError(
                f"cannot print a PDF: {error}", hint=f"another browser can be named in {BROWSER}"
            ) from error
        if not target.is_file():
            raise BlackstartError(f"cannot print a PDF: {browser} ended well and wrote nothing")
        return target.read_bytes()
