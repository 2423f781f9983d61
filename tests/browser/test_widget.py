"""The chat widget and the public page in a real Chromium, on a real core."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription
from litestar import Request, Response, get, post
from playwright.async_api import Browser, BrowserContext, Page, expect

from channels.chat import ChatHub, chat_routes
from channels.visitor import Claims, sign_claims
from gateway.public_site import site_routes
from knowledge.errors import NoSuchArticle
from knowledge.model import Article
from router.events import SurveyAnswered
from router.model import Author, Channel, Citation, EndedBy, IdentityKind, Message, NewMessage
from tests.fakes.core import Core, running_core, until
from tests.fakes.web import serving

pytestmark = pytest.mark.browser

ARTICLES = [
    Article("track-parcel", "Track a parcel", "en", "Use the **number**.\n\n<script>x</script>"),
    Article("track-parcel", "查询包裹", "zh", "使用**号码**。", ("parcels", "tracking")),
    Article("closed", "For staff", "en", "secret", audience="staff"),
]


class Help:
    """A help centre of three articles."""

    def article(self, article_id: str, language: str = "en") -> Article:
        for wanted in (language, "en"):
            for article in ARTICLES:
                if (article.id, article.language) == (article_id, wanted):
                    return article
        raise NoSuchArticle(article_id)

    def articles(self, language: str = "en") -> list[Article]:
        return [one for one in ARTICLES if one.language == language and one.audience == "public"]


@dataclass
class Web:
    """A core with its web node, and one browser."""

    core: Core
    url: str
    context: BrowserContext

    async def page(self, path: str = "/?lang=en") -> Page:
        page = await self.context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"the page raised {error}"))
        await page.goto(self.url + path)
        return page

    async def open_chat(self, path: str = "/?lang=en") -> Page:
        page = await self.page(path)
        await page.locator(".launcher").click()
        return page

    async def lines(self) -> list[Message]:
        interaction = (await self.core.interactions())[0]
        async with self.core.store.transaction() as tx:
            return await tx.interactions.messages(interaction.id)

    async def stored(self, count: int) -> None:
        async def there() -> bool:
            return bool(await self.core.interactions()) and len(await self.lines()) == count

        await until(there, 10)

    async def bot_says(self, text: str, *cited: Citation) -> None:
        interaction = (await self.core.interactions())[0]
        line = NewMessage(Author.BOT, text, citations=cited)
        await self.core.lifecycle.save_bot_turn(interaction, {}, [line])


def routes(hub: ChatHub) -> list[object]:
    return [chat_routes(hub, "s3cret"), *site_routes(Help(), "Harbourline")]


@pytest.fixture
async def web(tmp_path: Path, browser: Browser) -> AsyncIterator[Web]:
    async with running_core(tmp_path) as core:
        hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
        await hub.start()
        async with serving(routes(hub)) as url:
            context = await browser.new_context(locale="en-GB")
            yield Web(core, url, context)
            await context.close()
        await hub.stop()


async def say(page: Page, text: str) -> None:
    field = page.get_by_label("Write a message")
    await field.fill(text)
    await field.press("Enter")


async def shown(page: Page, *texts: str) -> None:
    await expect(page.locator(".bubble:not(.dots)")).to_have_text(list(texts), timeout=10_000)


async def test_question_answer_source_and_reload(web: Web) -> None:
    page = await web.open_chat()
    await say(page, "Where is it?")
    await web.stored(1)
    cited = Citation("track-parcel", "Track a parcel", "/help/en/track-parcel")
    await web.bot_says("On its way.", cited)
    await shown(page, "Where is it?", "On its way.")
    source = page.locator(".sources a")
    await expect(source).to_have_attribute("href", f"{web.url}/help/en/track-parcel")

    await page.reload()
    await shown(page, "Where is it?", "On its way.")
    assert len(await web.core.interactions()) == 1


async def test_text_is_never_markup_and_only_web_links_are_links(web: Web) -> None:
    page = await web.open_chat()
    text = '<img src=x onerror="document.title=1"> https://ok.example/a. javascript:alert(1)'
    await say(page, text)
    await web.stored(1)
    await web.bot_says("<b>bold</b>", Citation("x", "bad", "javascript:alert(1)"))
    await shown(page, text, "<b>bold</b>")
    assert await page.locator(".bubble img, .bubble b").count() == 0
    hrefs = await page.locator(".bubble a").evaluate_all("all => all.map(a => a.href)")
    assert hrefs == ["https://ok.example/a"]
    assert await page.locator(".sources a").count() == 0


async def test_server_restarts_and_nothing_is_lost_or_doubled(
    tmp_path: Path, browser: Browser
) -> None:
    async with running_core(tmp_path) as core:
        hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
        await hub.start()
        async with serving(routes(hub)) as url:
            web = Web(core, url, await browser.new_context(locale="en-GB"))
            page = await web.open_chat()
            await say(page, "One")
            await web.stored(1)
            await shown(page, "One")
        await hub.stop()
    await expect(page.locator(".bar")).to_be_visible()
    await say(page, "Two")
    await say(page, "Three")
    await page.wait_for_function("JSON.parse(localStorage['parley-chat']).unsent.length == 2")
    async with running_core(tmp_path) as core:
        hub = ChatHub(core.store, core.lifecycle, core.bus, "web-1", core.clock)
        await hub.start()
        async with serving(routes(hub), port=int(url.rsplit(":", 1)[1])):
            web.core = core
            await web.stored(3)
            await web.bot_says("Four")
            await shown(page, "One", "Two", "Three", "Four")
            assert [line.text for line in await web.lines()] == ["One", "Two", "Three", "Four"]
            assert await page.locator(".unsent").count() == 0
            await web.context.close()
        await hub.stop()


async def test_reload_while_offline_keeps_the_unsent_line(web: Web) -> None:
    page = await web.open_chat()
    await page.evaluate("""() => {
        window.WebSocket.prototype.send = () => {};
    }""")
    await say(page, "Not yet sent")
    await expect(page.locator(".unsent")).to_have_count(1)
    await page.reload()
    await web.stored(1)
    await shown(page, "Not yet sent")


async def test_agent_joins_types_and_is_scored_by_keyboard(web: Web) -> None:
    page = await web.open_chat()
    await say(page, "A person, please")
    await web.stored(1)
    interaction = (await web.core.interactions())[0]
    await web.core.to_agent(interaction)
    await expect(page.locator(".who p")).to_have_text("You are talking to Ana Ozola")
    await web.core.lifecycle.reply(interaction.id, "ana", "Here I am")
    await shown(page, "A person, please", "Here I am")
    await web.core.lifecycle.end(interaction.id, EndedBy.AGENT, "solved")
    star = page.get_by_role("button", name="4 of 5 stars")
    await star.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Thank you for your score!")).to_be_visible()
    async with web.core.store.transaction() as tx:
        facts = await tx.log.facts(types=[SurveyAnswered])
    assert [fact.score for fact in facts if isinstance(fact, SurveyAnswered)] == [4]


async def test_keyboard_alone_opens_writes_and_closes(web: Web) -> None:
    page = await web.page()
    await page.locator(".launcher").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Write a message")).to_be_focused()
    await page.keyboard.type("Hello")
    await page.keyboard.press("Enter")
    await web.stored(1)
    await page.keyboard.press("Escape")
    await expect(page.locator(".launcher")).to_be_focused()
    await web.bot_says("Good day")
    await expect(page.locator(".badge")).to_have_text("1")
    await page.locator(".launcher").click()
    await page.keyboard.press("Escape")
    await page.reload()
    await shown(page, "Hello", "Good day")
    await expect(page.locator(".badge")).to_be_hidden()


async def test_one_line_on_another_site_with_its_sign_in(web: Web) -> None:
    expires = web.core.clock.now().timestamp() + 600
    token = sign_claims("s3cret", Claims("anna-7", expires, "Anna", "anna@example.org"))
    html = (
        "<!doctype html><title>Shop</title><h1>A shop</h1>"
        f'<script src="{web.url}/widget.js" async data-token="{token}"></script>'
    )

    @get("/", sync_to_thread=False)
    def shop() -> Response[str]:
        policy = {"Content-Security-Policy": f"script-src {web.url}; style-src 'none'"}
        return Response(html, media_type="text/html", headers=policy)

    async with serving([shop]) as elsewhere:
        page = await web.context.new_page()
        await page.goto(elsewhere)
        await page.locator(".launcher").click()
        await say(page, "Hello from the shop")
        await web.stored(1)
        await shown(page, "Hello from the shop")
        await page.close()
    interaction = (await web.core.interactions())[0]
    assert (interaction.channel, interaction.address) == (Channel.CHAT, "anna-7")
    async with web.core.store.transaction() as tx:
        customer = await tx.people.customer(interaction.customer_id)
    assert {one.kind for one in customer.identities} == {IdentityKind.LOGIN, IdentityKind.EMAIL}


async def test_two_tabs_show_one_chat(web: Web) -> None:
    first = await web.open_chat()
    await say(first, "From the first")
    await web.stored(1)
    second = await web.page()
    await shown(second, "From the first")
    await say(second, "From the second")
    for page in (first, second):
        await shown(page, "From the first", "From the second")


class Answerer:
    """Takes "Call us" the way a voice process does, and notes the keys it hears."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection()
        self.keys: list[str] = []
        self.asked: dict[str, str] = {}

    def route(self) -> Any:
        @post("/api/calls")
        async def calls(request: Request[Any, Any, Any]) -> dict[str, str]:
            data = self.asked = await request.json()
            self.peer.on("datachannel", self._channel)
            self.peer.addTrack(AudioStreamTrack())
            await self.peer.setRemoteDescription(RTCSessionDescription(data["sdp"], "offer"))
            await self.peer.setLocalDescription(await self.peer.createAnswer())
            return {"sdp": self.peer.localDescription.sdp, "interaction_id": "i1"}

        return calls

    def _channel(self, channel: Any) -> None:
        channel.on("message", self.keys.append)


async def test_call_us_connects_sends_keys_and_ends(context: BrowserContext) -> None:
    answerer = Answerer()
    async with serving([*site_routes(Help(), "Harbourline"), answerer.route()]) as url:
        page = await context.new_page()
        await page.goto(f"{url}/?lang=en")
        await page.locator("[data-call]").first.click()
        call = page.locator("#call")
        await expect(call).to_have_attribute("data-state", "talking")
        await call.get_by_role("button", name="Keypad").click()
        await call.get_by_role("button", name="5", exact=True).click()
        await page.keyboard.press("#")
        await until(lambda: answerer.keys == ["5", "#"])
        await call.get_by_role("button", name="Mute").click()
        await expect(call.get_by_role("button", name="Unmute")).to_have_attribute(
            "aria-pressed", "true"
        )
        await expect(call.get_by_role("timer")).to_have_text("0:01")
        await call.get_by_role("button", name="Hang up").click()
        await expect(call).to_have_attribute("data-state", "over")
        await context.close()
    await answerer.peer.close()
    assert answerer.asked["language"] == "en"


async def test_refused_call_says_why(context: BrowserContext) -> None:
    @post("/api/calls", status_code=503)
    async def calls() -> dict[str, str]:
        return {"detail": "Nobody can take calls now."}

    async with serving([*site_routes(Help(), "Harbourline"), calls]) as url:
        page = await context.new_page()
        await page.goto(f"{url}/?lang=en")
        await page.locator("[data-call]").first.click()
        await expect(page.locator(".call-state")).to_contain_text("Nobody can take calls now.")
        await context.close()


async def test_help_article_is_rendered_without_raw_html(web: Web) -> None:
    page = await web.page("/help/en/track-parcel")
    assert await page.locator(".prose strong").text_content() == "number"
    assert await page.locator(".prose script").count() == 0
    await page.goto(f"{web.url}/help/zh/track-parcel")
    assert await page.locator("h1").text_content() == "查询包裹"
    for missing in ("/help/en/closed", "/help/en/none", "/help/xx"):
        answer = await page.goto(web.url + missing)
        assert answer is not None
        assert answer.status == 404


async def test_page_speaks_three_languages_and_fits_a_phone(web: Web) -> None:
    page = await web.page()
    await page.set_viewport_size({"width": 360, "height": 740})
    for language, title in (("en", "Everything"), ("zh", "送到"), ("lv", "Viss")):
        await page.goto(f"{web.url}/?lang={language}")
        assert title in (await page.locator("h1").text_content() or "")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360


async def test_tracking_form_asks_in_the_chat(web: Web) -> None:
    page = await web.page()
    await page.get_by_label("Order number").fill("HL-482913")
    await page.get_by_role("button", name="Ask where it is").click()
    await expect(page.get_by_label("Write a message")).to_have_value(
        "Where is my parcel HL-482913?"
    )
