"""A real Chromium for tests, with a fake microphone and nothing sent to anybody."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
]
WAIT_MS = 30_000
"""So long a page may take on a busy machine; nothing waits for it when all is well."""

CALL_MS = 90_000
"""So long a browser's call may take to connect there: both its ends run on this machine."""

expect.set_options(timeout=WAIT_MS)


@pytest.fixture
async def browser(program: Callable[[str], str]) -> AsyncIterator[Browser]:
    """A headless Chromium, closed afterwards."""
    path = shutil.which("chromium") or program("chromium")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest.fixture
async def context(browser: Browser) -> BrowserContext:
    """A fresh browser profile that may use the microphone."""
    made = await browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["microphone"]
    )
    made.set_default_timeout(WAIT_MS)
    return made


@pytest.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A tab; a script error in it fails the test."""
    opened = await context.new_page()
    broken: list[str] = []
    opened.on("pageerror", lambda error: broken.append(str(error)))
    yield opened
    assert broken == []
