"""The page's client (signalman.js) on its own, in a page, and the first words of a server that follows a script."""

from playwright.async_api import Page

from tests.integration.scripted import Line


async def follow(page: Page, url: str) -> None:
    """Run the page's client against another server. `told` is everything that it says, `heard` the ids of events."""
    await page.evaluate(
        """async (url) => {
            const { Client } = await import("/static/signalman.js");
            Object.assign(window, { told: [], heard: [], states: [] });
            const tell = (name) => (_, more) => told.push([name, ...(typeof more === "string" ? [more] : [])]);
            window.client = new Client({ url, token: "t", on: {
                events: (_, frame, live) => {
                    told.push(["events", live]);
                    heard.push(...frame.events.map((event) => event.id));
                },
                subscribed: (_, frame) => told.push(["subscribed", frame.recovered]),
                caughtUp: tell("caught up"),
                reset: tell("reset"),
                dropped: (_, count) => told.push(["dropped", count]),
                state: ({ name, detail }) => states.push([name, detail]),
                refused: tell("refused"),
                trouble: tell("trouble"),
            }});
            client.start();
        }""",
        f"{url}/v1/ws",
    )


async def let_in(line: Line, *, heartbeat_ms: int = 25_000) -> None:
    """Greet a client, and accept its token."""
    await line.say("hello", protocol="signalman.v1", heartbeat_ms=heartbeat_ms)
    assert await line.hear() == {"type": "auth", "token": "t"}
    await line.say("welcome", principal={"kind": "account", "id": "dev"}, channels=["streams"], expires_at=None)
