"""The page's tables (tables.js, version.js) are held to the vectors that the Python client is held to."""

import asyncio
from typing import Any

from playwright.async_api import Browser, Page

from tests.integration import pages
from tests.integration.pages import MARKS, gateway, page_of
from tests.vectors import Vector, merge_vectors, seen, version_vectors

pytestmark = MARKS
browser = pages.browser

RUN = """async (vectors) => {
    const { Tables } = await import("/static/tables.js");
    const written = (time) => (time === null ? null : new Date(time).toISOString().replace(".000Z", "Z"));
    const told = (tables) => ({
        rows: Object.fromEntries(tables.names.map((name) => [name, tables.rows(name)])),
        stale: tables.stale,
        next_expiry: written(tables.nextExpiry()),
    });
    const run = (steps) => {
        const tables = new Tables();
        const answers = [];
        const acts = {
            begin: (names) => tables.begin(names),
            snapshot: (frame) => tables.snapshot(frame),
            events: (events) => tables.events(events),
            caught_up: () => tables.caughtUp(),
            lost: () => tables.lost(),
            expire: (time) => tables.expire(Date.parse(time)),
            expect: () => answers.push(told(tables)),
        };
        for (const step of steps) for (const [name, value] of Object.entries(step)) acts[name](value);
        return answers;
    };
    return vectors.map(run);
}"""


async def answers(page: Page, vectors: list[Vector]) -> list[list[dict[str, Any]]]:
    """What the page's tables tell at the places where a vector expects something."""
    async with asyncio.timeout(30):
        found: list[list[dict[str, Any]]] = await page.evaluate(RUN, [vector.steps for vector in vectors])
        return found


async def test_the_merge_rule_is_the_same_in_the_browser(browser: Browser) -> None:
    """Each of merge.json, whose name says what it proves."""
    vectors = merge_vectors()
    async with gateway() as world, page_of(browser, world) as page:
        told = await answers(page, vectors)
    wrong = {
        vector.name: (each, expected)
        for vector, got in zip(vectors, told, strict=True)
        for each, expected in zip(got, vector.expected, strict=True)
        if seen(each, expected) != expected
    }
    assert wrong == {}
    assert len(vectors) > 50


async def test_versions_are_compared_the_same_way_in_the_browser(browser: Browser) -> None:
    """Each pair of versions.json, both ways round."""
    newer, same = version_vectors()
    async with gateway() as world, page_of(browser, world) as page:
        compare = """async (pairs) => {
            const { isNewer } = await import("/static/version.js");
            return pairs.map(([one, other]) => [isNewer(one, other), isNewer(other, one)]);
        }"""
        assert await page.evaluate(compare, newer) == [[True, False]] * len(newer)
        assert await page.evaluate(compare, same) == [[False, False]] * len(same)


async def test_the_browser_bounds_what_it_remembers_too(browser: Browser) -> None:
    """Of many deletions the latest are known: an older upsert of the first one is taken, one of the last one is not."""
    async with gateway() as world, page_of(browser, world) as page:
        left = await page.evaluate(
            """async () => {
                const { Tables, TOMBSTONES } = await import("/static/tables.js");
                const tables = new Tables();
                tables.begin(["t"]);
                const rules = { version: "v", compared: true, final: false, clock: [] };
                tables.snapshot({ table: "t", key: ["id"], rules, rows: [] });
                const say = (op, id, v) => tables.events([{ rows: [{ table: "t", op, row: { id, v } }] }]);
                for (let id = 0; id <= TOMBSTONES; id += 1) say("delete", id, 5);
                for (const id of [0, 1, TOMBSTONES]) say("upsert", id, 4);
                tables.caughtUp();
                return [TOMBSTONES, tables.rows("t")];
            }"""
        )
        assert left == [50_000, [{"id": 0, "v": 4}]]
