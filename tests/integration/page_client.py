"""The page's client (signalman.js) on its own, in a page, and the first words of a server that follows a script."""

from playwright.async_api import Page

from tests.integration.scripted import Line


async def follow(page: Page, url: str, *tokens: str) -> None:
    """Run the page's client against another server. `told` is everything that it says of subscriptions, `heard` the
    ids of events, `access` what it says of access.

    *tokens*: what the page gives, one after the other, when it is asked for one; then it has none. Without any it has
    one for good, ``t``.
    """
    await page.evaluate(
        """async ([url, tokens]) => {
            const { Client } = await import("/static/signalman.js");
            Object.assign(window, { told: [], heard: [], states: [], access: [] });
            const tell = (name) => (_, more) => told.push([name, ...(typeof more === "string" ? [more] : [])]);
            const next = async () => {
                if (tokens.length === 0) throw new Error("Nobody is there.");
                return tokens.shift();
            };
            window.client = new Client({ url, token: tokens.length ? next : "t", on: {
                welcome: (frame, again) => access.push(["welcome", again, frame.channels]),
                expiring: (frame) => access.push(["expiring", frame.in_seconds]),
                notRenewed: (detail) => access.push(["not renewed", detail]),
                events: (_, frame, live) => {
                    told.push(["events", live]);
                    heard.push(...frame.events.map((event) => event.id));
                },
                subscribed: (_, frame) => told.push(["subscribed", frame.recovered]),
                caughtUp: tell("caught up"),
                reset: tell("reset"),
                dropped: (_, count) => told.push(["dropped", count]),
                state: ({ name, detail }) => states.push([name, detail]),
                refused: (_, error) => told.push(["refused", error.code]),
                trouble: tell("trouble"),
            }});
            client.start();
        }""",
        [f"{url}/v1/ws", tokens],
    )


async def let_in(line: Line, *channels: str, credential: str = "t", heartbeat_ms: int = 25_000) -> None:
    """Greet a client, and accept its token."""
    await line.say("hello", protocol="signalman.v1", heartbeat_ms=heartbeat_ms)
    assert await line.hear() == {"type": "auth", "token": credential}
    await welcome(line, *channels)


async def welcome(line: Line, *channels: str) -> None:
    """Let it in, or tell it that it goes on."""
    principal = {"kind": "account", "id": "dev"}
    await line.say("welcome", principal=principal, channels=channels or ["streams"], expires_at=None)
