"""The machine's Chromium, driven by Playwright: what a person would see of a page."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

LOCAL = ("file:", "data:", "blob:", "http://127.0.0.1:")


@dataclass
class Shown:
    """A page in the browser.

    Attributes:
        page: Playwright's page.
        errors: What the console called an error, and exceptions that no script caught.
        outside: Addresses asked for that are not on this machine.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def broken_images(self) -> list[str]:
        """Texts of the images that show nothing."""
        return self.page.evaluate(
            "[...document.images].filter(one => !one.complete || !one.naturalWidth).map(one => one.alt)"
        )

    def is_wider_than_the_window(self) -> bool:
        """Whether a person must scroll sideways."""
        return self.page.evaluate("document.documentElement.scrollWidth > innerWidth")

    def cut_tables(self, selector: str) -> int:
        """How many tables below a selector do not fit into the window, and must be scrolled themselves."""
        return self.page.evaluate(
            "selector => [...document.querySelectorAll(`${selector} .scroll`)]"
            ".filter(one => one.scrollWidth > one.clientWidth).length",
            selector,
        )

    def number(self, selector: str) -> int:
        """How many elements there are."""
        return self.page.locator(selector).count()


@contextlib.contextmanager
def shown(address: str, width: int = 1280, color_scheme: str = "light") -> Iterator[Shown]:
    """Opens a page in a window of a width in pixels.

    The proxy leads nowhere: what the page asks of another machine fails, and is in `outside`.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--proxy-server=127.0.0.1:9"],
        )
        try:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=color_scheme)
            found = Shown(page)
            page.on("console", lambda said: found.errors.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: found.errors.append(str(error)))
            page.on(
                "request",
                lambda asked: None if asked.url.startswith(LOCAL) else found.outside.append(asked.url),
            )
            page.goto(address)
            yield found
        finally:
            browser.close()
