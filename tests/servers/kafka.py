"""Apache Kafka: one node that is broker and controller (KRaft), on Java 17 or later."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from tests.servers.kafka_jars import kafka_jars
from tests.servers.ports import accepts, free_port, wait_for
from tests.servers.process import Child
from tests.servers.server import MissingServerError, Server

_JAVA = 17
_TIMEOUT = 30
# What StorageTool calls a cluster id: 16 bytes in URL-safe base 64.
_CLUSTER = "U2lnbmFsbWFuLXRlc3RzIQ"


class Kafka(Server):
    """One Kafka broker. Topics are made by `create_topic` only, and take messages of 1 MB unless they are told more, up
    to 10 MB. A group's first rebalance does not wait for further members.
    """

    name: ClassVar[str] = "kafka"
    start_timeout: ClassVar[float] = 90

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port=port)
        self._java = _find_java()
        self._jars = kafka_jars()
        self._data = folder / "data"
        self._properties = folder / "server.properties"
        self._controller_port = free_port()

    @property
    def bootstrap(self) -> str:
        """What clients are given as their bootstrap servers."""
        return f"{self.host}:{self.port}"

    def create_topic(self, name: str, partitions: int = 1, **configs: object) -> None:
        """Make a topic and return once each partition has a leader; an error when there is one of that name.

        *configs* are topic settings, with ``_`` for ``.``: ``max_message_bytes=8_000_000``.
        """
        settings = {setting.replace("_", "."): str(value) for setting, value in configs.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
        admin = self._admin()
        admin.create_topics([topic])[name].result(_TIMEOUT)
        wait_for(lambda: _leaders(admin, name) == partitions, within=_TIMEOUT, what=f"leaders of {name}")

    def delete_topic(self, name: str) -> None:
        """Delete a topic and return once no client can see it."""
        admin = self._admin()
        admin.delete_topics([name])[name].result(_TIMEOUT)
        wait_for(lambda: name not in _topics(admin), within=_TIMEOUT, what=f"deletion of {name}")

    def _launch(self) -> Child:
        if not self._properties.exists():
            self._properties.write_text(self._settings())
        if not self._data.exists():
            words = ("format", "--cluster-id", _CLUSTER, "--config", str(self._properties))
            self._run_java("kafka.tools.StorageTool", *words).wait_done(timeout=self.start_timeout)
        return self._run_java("kafka.Kafka", str(self._properties))

    def _run_java(self, main: str, *words: str) -> Child:
        options = ("-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        return Child([self._java, *options, "-cp", f"{self._jars}/*", main, *words], log=self.log)

    def _settings(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{self.host}:{self._controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{self.host}:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._data,
            "auto.create.topics.enable": "false",
            # So that a topic can allow it; the default of a topic stays below.
            "message.max.bytes": 10 * 1024 * 1024,
            "replica.fetch.max.bytes": 10 * 1024 * 1024,
            "socket.request.max.bytes": 100 * 1024 * 1024,
            "group.initial.rebalance.delay.ms": 0,
            # Tests of a member that dies need not wait out six seconds.
            "group.min.session.timeout.ms": 1000,
            # After `kill`, the broker's former self has to time out before it may come back; ten seconds unless told.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())

    def _ready(self) -> bool:
        if not accepts(self.port):
            return False
        try:
            return bool(self._admin().list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def _admin(self) -> AdminClient:
        # A new one each time: it has nothing to keep, and one that outlived the broker would log until it came back.
        return AdminClient({"bootstrap.servers": self.bootstrap})


def _topics(admin: AdminClient) -> dict[str, Any]:
    return admin.list_topics(timeout=_TIMEOUT).topics


def _leaders(admin: AdminClient, topic: str) -> int:
    metadata = _topics(admin).get(topic)
    return sum(partition.leader >= 0 for partition in metadata.partitions.values()) if metadata else 0


def _find_java() -> str:
    java = shutil.which("java")
    if java is None:
        raise MissingServerError("Kafka: Java is not on the path")
    text = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', text)
    if found is None or int(found[1]) < _JAVA:
        raise MissingServerError(
            f"Kafka: needs Java {_JAVA} or later; here is {text.strip() or 'one that does not answer'}"
        )
    return java
