"""An installation to which a platform confides everything that it has, and everybody who could get at it."""

import random
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from uuid import uuid4

import orjson

from signalman.access.mint import mint
from signalman.simulate.tenants import tenant_ids
from signalman.simulate.wire import Emitted
from signalman.simulate.world import World
from tests.acceptance.bad_records import BAD
from tests.acceptance.bad_records import SECRET as BAD_SECRET
from tests.acceptance.processes import SECRET as JWT_SECRET
from tests.acceptance.processes import Installation, port_of
from tests.acceptance.prying import look, pry, read_tables
from tests.acceptance.records import Topics
from tests.acceptance.redis_watch import PASSWORD, GuardedRedis
from tests.acceptance.scenario import CATALOG, Platform
from tests.servers import Child
from tests.servers.ports import free_port, wait_for_async

TENANTS = tenant_ids(3)
SERVICE_TOKEN = "the service token of this test"
PSEUDONYM_KEY = "the key of this test's pseudonyms"
SASL_PASSWORD = "the password that no Kafka here asks for"
WRONG_PASSWORD = "not-the-password-at-all"
HOUR = 3600.0
UNHEARD_OF = {"client_lifecycle_update": "client_lifecycle_batch", "message_lifecycle": "message_received"}
"""Event types of the pack that no part of the platform sends any more, and those that carry the same."""
DEBUG = ["--log-level", "debug"]


class Scenario:
    """An installation at work, everything that came out of it, and what may not be in that."""

    def __init__(self, installation: Installation, redis: GuardedRedis) -> None:
        self.installation = installation
        self.redis = redis
        self.outputs: dict[str, bytes] = {}
        self.platform = Platform(start=time.time(), tenants=3, viewers_per_stream=10, speed=6.0)
        # In a quarter of an hour everything has happened at least once.
        self.past = World(start=time.time() - HOUR / 4, seed=2, viewers_per_stream=3)
        self.kinds = _one_of_each([*self.past.history(), *self.past.step(time.time())])
        now = time.time()
        self.tokens = [
            installation.jwt(TENANTS[0], now),
            installation.api_token(TENANTS[1]),
            installation.jwt(TENANTS[0], now - 7 * 24 * HOUR),
            mint(
                WRONG_PASSWORD * 2,
                CATALOG.levels,
                CATALOG.access.claims,
                user_id=str(uuid4()),
                scope=(TENANTS[0],),
                now=now,
                role="owner",
            ),
            f"fw_{uuid4().hex}{uuid4().hex}",
            "nobody's token at all",
        ]
        self.relay_ports: list[int] = []
        self.urls: list[str] = []

    def add(self, name: str, text: bytes) -> None:
        """Keep *text*, which came out of *name*."""
        self.outputs[name] = self.outputs.get(name, b"") + b"\n" + text

    def secrets(self) -> set[str]:
        """Everything that may not come out."""
        env = self.installation.env
        configured = [JWT_SECRET, SERVICE_TOKEN, PSEUDONYM_KEY, SASL_PASSWORD, WRONG_PASSWORD, PASSWORD, BAD_SECRET]
        urls = [env["REDIS_URL"], env["DATABASE_URL"], self.installation.postgres.password, env["CLICKHOUSE_PASSWORD"]]
        return {*self.platform.secrets(), *self.past.secrets(), *self.tokens, *configured, *urls}

    async def start(self, stack: AsyncExitStack) -> None:
        """Two relays and two gateways, one of each for every format of logs."""
        for form in ("json", "console"):
            env = {
                "SIGNALMAN_LOG__LEVEL": "debug",
                "SIGNALMAN_LOG__FORMAT": form,
                "SIGNALMAN_LIMITS__FAILURES": "0",  # or those who pry would have to wait
            }
            self.relay_ports.append(port := free_port())
            stack.enter_context(self.installation.relay(env, port=port))
            self.urls.append(stack.enter_context(self.installation.gateway(env)))

    async def put_all_kinds(self, topics: Topics) -> None:
        """A record of every event type that the platform has, as it is."""
        for each in self.kinds:
            topic = self.installation.topics[each.topic]
            await topics.put(each.value, key=each.key, headers=each.headers, topic=topic)

    async def put_bad(self, topics: Topics) -> int:
        """What cannot be understood: by hand, and records of every event type that are cut off, or hold something else
        than their payload. How many.
        """
        for bad in BAD:
            await topics.put(bad.value, key=b"bad", headers=bad.headers)
        for each in self.kinds:
            await topics.put(each.value[:-1], key=each.key, headers=each.headers)
            await topics.put(orjson.dumps(each.body | {"timestamp": each.body["data"]}), key=each.key)
        return len(BAD) + 2 * len(self.kinds)

    async def ask(self) -> None:
        """Everything that can be asked over HTTP and WebSocket, by operators, by clients and by others."""
        secrets = random.Random(1).sample(sorted(self.platform.secrets()), 3)
        for url in self.urls:
            self.add("answers", await pry(url, self.tokens, secrets))
            self.add("stats", await look(port_of(url), "/v1/stats", token=SERVICE_TOKEN))
            for token in self.tokens[:2]:
                self.add("tables", await read_tables(url, token))
        for port in (*map(port_of, self.urls), *self.relay_ports):
            self.add("operations", await look(port, "/metrics", "/healthz", "/readyz", "/nothing"))

    async def run_commands(self) -> None:
        """What a person runs beside: `tail` in both forms and with a wrong token, `check` of wrong settings."""
        url = {"SIGNALMAN_URL": self.urls[0]}
        wrong = {
            "REDIS_URL": f"http://:{WRONG_PASSWORD}@host",
            "DATABASE_URL": f"mysql://user:{WRONG_PASSWORD}@host",
            "KAFKA_BROKERS": f"host:{WRONG_PASSWORD}",
            "JWT_SECRET": WRONG_PASSWORD,
        }
        good, bad = {"SIGNALMAN_TOKEN": self.tokens[0]}, {"SIGNALMAN_TOKEN": self.tokens[4]}
        for arguments, env, code in (
            (["tail", "--duration", "3", "-o", "json"], url | good, 0),
            (["tail", "--duration", "3", "-o", "pretty"], url | good, 0),
            (["tail", "streams"], url | bad, 3),
            (["check"], {}, 0),
            (["check"], wrong, 2),
            (["config"], {}, 0),
            (["channels"], {}, 0),
            (["token", "mint", "--tenant", TENANTS[0]], {}, 0),
        ):
            with self.installation.run(arguments[0], [*DEBUG, *arguments], env) as child:
                await wait_for_async(partial(_has_ended, child), within=60)
                assert child.code == code, self.installation.logs[-1].read_text()

    async def misconfigure(self) -> None:
        """A process to whom every backend says that its credentials are wrong, and somebody who asks it."""
        env = {
            "REDIS_URL": self.redis.url_with(WRONG_PASSWORD),
            "KAFKA_SASL_MECHANISM": "PLAIN",
            "KAFKA_SASL_USERNAME": "signalman",
            "KAFKA_SASL_PASSWORD": SASL_PASSWORD,
            "CLICKHOUSE_PASSWORD": WRONG_PASSWORD,
            "DATABASE_URL": self.installation.postgres.dsn().replace("it%27s%20only", WRONG_PASSWORD),
            "SIGNALMAN_LOG__LEVEL": "debug",
        }
        with self.installation.gateway(env, until_ready=False, command="serve") as url:
            self.add("answers", await pry(url, self.tokens, []))
            self.add("operations", await look(port_of(url), "/metrics", "/readyz"))


def _one_of_each(emitted: Iterable[Emitted]) -> list[Emitted]:
    """A record for everything that the pack routes, aliases among them."""
    kinds = {(each.topic, each.body["event_type"]): each for each in emitted}
    for (topic, name), (_, event_type) in CATALOG.routes.items():
        if (topic, name) not in kinds:
            like = kinds.get((topic, event_type.name)) or kinds[topic, UNHEARD_OF[event_type.name]]
            kinds[topic, name] = _renamed(like, name)
    return list(kinds.values())


def _renamed(like: Emitted, name: str) -> Emitted:
    data = like.body["data"]
    if name == "client_lifecycle_update":
        data = data | {name: data["client_lifecycle_batch"]["samples"][0]}
    body = like.body | {"event_id": str(uuid4()), "event_type": name, "data": data}
    return replace(like, key=body["event_id"].encode(), value=orjson.dumps(body), headers=(), body=body)


def _has_ended(child: Child) -> bool:
    return not child.running
