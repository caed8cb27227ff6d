"""The installed command, as processes around real servers."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
from prometheus_client.parser import text_string_to_metric_families

from signalman.access.mint import mint
from signalman.access.tokens import token_hash
from tests.acceptance.scenario import CATALOG
from tests.servers import Child, ClickHouse, Kafka, MockKafka, Postgres, Redis
from tests.servers.ports import free_port

SIGNALMAN = str(Path(sys.executable).with_name("signalman"))
SECRET = "the platform's secret, of more than thirty-two bytes"


class Installation:
    """Settings of one relay group and its gateways, apart from every other test's on the same servers."""

    def __init__(
        self, folder: Path, *, kafka: Kafka | MockKafka, redis: Redis, postgres: Postgres, clickhouse: ClickHouse
    ) -> None:
        name = uuid4().hex[:8]
        self.folder = folder
        self.kafka = kafka
        self.clickhouse = clickhouse
        self.postgres = postgres
        self.topics = {"analytics": f"analytics-{name}", "service": f"service-{name}"}
        self.dead_letters = f"dead-letters-{name}"
        self.logs: list[Path] = []
        self.env = {
            "KAFKA_BROKERS": kafka.bootstrap,
            "KAFKA_GROUP_ID": f"group-{name}",
            "ANALYTICS_KAFKA_TOPIC": self.topics["analytics"],
            "SERVICE_EVENTS_KAFKA_TOPIC": self.topics["service"],
            "DECKLOG_DLQ_KAFKA_TOPIC": self.dead_letters,
            "REDIS_URL": redis.url,
            "SIGNALMAN_REDIS__PREFIX": name,
            "CLICKHOUSE_HOST": clickhouse.host,
            "CLICKHOUSE_PORT": str(clickhouse.port),
            "CLICKHOUSE_DB": clickhouse.database,
            "CLICKHOUSE_USER": clickhouse.user,
            "CLICKHOUSE_PASSWORD": clickhouse.password,
            "DATABASE_URL": postgres.dsn(),
            "JWT_SECRET": SECRET,
            "SIGNALMAN_LOG__FORMAT": "json",
        }

    def create_topics(self, partitions: int) -> None:
        """The platform's topics, and one for dead letters that takes the largest record."""
        for topic in self.topics.values():
            self.create_topic(topic, partitions)
        self.create_topic(self.dead_letters, 1)

    def use_dead_letters(self, topic: str) -> None:
        """Let relays started from now on write to another topic, which may not exist."""
        self.env["DECKLOG_DLQ_KAFKA_TOPIC"] = self.dead_letters = topic

    def create_topic(self, topic: str, partitions: int) -> None:
        """One topic, which takes large records."""
        if isinstance(self.kafka, MockKafka):
            # It has its own mind about both; the tests that depend on them ask for a real Kafka.
            self.kafka.create_topic(topic)
        else:
            self.kafka.create_topic(topic, partitions, max_message_bytes=10_000_000)

    @contextmanager
    def relay(
        self, env: Mapping[str, str] | None = None, *, port: int = 0, until_ready: bool = True
    ) -> Iterator[Child]:
        """A running relay, which Kafka and Redis have answered."""
        port = port or free_port()
        with self.run("relay", ["relay"], {"SIGNALMAN_RELAY__PORT": str(port), **(env or {})}) as child:
            child.wait_ready(lambda: ready(port) if until_ready else alive(port), timeout=60)
            yield child

    @contextmanager
    def gateway(
        self, env: Mapping[str, str] | None = None, *, until_ready: bool = True, command: str = "gateway"
    ) -> Iterator[str]:
        """A running gateway; gives its address. *command* may be another that serves clients."""
        port = free_port()
        with self.run(command, [command, "--host", "127.0.0.1", "--port", str(port)], env) as child:
            child.wait_ready(lambda: ready(port) if until_ready else alive(port), timeout=60)
            yield f"ws://127.0.0.1:{port}"

    @contextmanager
    def run(self, name: str, arguments: list[str], env: Mapping[str, str] | None = None) -> Iterator[Child]:
        """The command with *arguments*, until the block ends."""
        log = self.folder / f"{name}-{len(self.logs)}.log"
        self.logs.append(log)
        child = Child([SIGNALMAN, *arguments], log=log, env={**self.env, **(env or {})})
        try:
            yield child
        finally:
            if child.running:
                assert child.stop() == 0, log.read_text()

    def output(self) -> str:
        """Everything that the processes have written."""
        return "\n".join(log.read_text() for log in self.logs)

    def jwt(self, tenant: str, now: float) -> str:
        """A token as the platform would sign it, for a user whom its databases know."""
        user = str(uuid4())
        self._register(tenant, user)
        claims = CATALOG.access.claims
        return mint(SECRET, CATALOG.levels, claims, user_id=user, scope=(tenant,), now=now, role="owner")

    def api_token(self, tenant: str) -> str:
        """An API token that the platform's databases know, with its user and tenant."""
        token, user = f"fw_{uuid4().hex}{uuid4().hex}", str(uuid4())
        self._register(tenant, user)
        self.postgres.run_sql(
            "commodore",
            "INSERT INTO commodore.api_tokens (tenant_id, user_id, token_value, token_name, permissions)"
            f" VALUES ('{tenant}', '{user}', '{token_hash(token)}', 'test', ARRAY['read'])",
        )
        return token

    def _register(self, tenant: str, user: str) -> None:
        self.postgres.run_sql(
            "commodore", f"INSERT INTO commodore.users (id, tenant_id, role) VALUES ('{user}', '{tenant}', 'owner')"
        )
        self.postgres.run_sql(
            "quartermaster",
            f"INSERT INTO quartermaster.tenants (id, name) VALUES ('{tenant}', 'T') ON CONFLICT DO NOTHING",
        )


def ready(port: int) -> bool:
    """Whether the process on *port* says that it is ready."""
    return _status(port, "readyz") == 200


def alive(port: int) -> bool:
    """Whether the process on *port* says that it is alive."""
    return _status(port, "healthz") == 200


def port_of(url: str) -> int:
    """The port in *url*."""
    return int(url.rpartition(":")[2])


def counted(port: int, metric: str, **labels: str) -> float:
    """The sum of *metric* over all series with *labels*, in the process on *port*."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == metric and labels.items() <= sample.labels.items()
    )


def _status(port: int, path: str) -> int:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/{path}", trust_env=False, timeout=10).status_code
    except httpx.TransportError:
        return 0
