"""librdkafka's mock broker, for machines without Java or Maven."""

from typing import ClassVar

from confluent_kafka import Producer


class MockKafka:
    """Stands in for `Kafka` with the same interface, inside this process.

    Good for producing, consuming, and a group of one member. It cannot do with several members, cannot be started
    again, has four partitions in every topic and no topic settings; a topic appears when somebody asks for it. Tests
    that need more ask for the fixture ``real_kafka``.
    """

    name: ClassVar[str] = "kafka-mock"
    real: ClassVar[bool] = False

    def __init__(self) -> None:
        self._owner: Producer | None = None
        self._bootstrap = ""

    @property
    def bootstrap(self) -> str:
        """What clients are given as their bootstrap servers."""
        return self._bootstrap

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._owner is not None

    def start(self) -> None:
        """Start, on a port that librdkafka chooses; only once."""
        if self._bootstrap:
            raise RuntimeError("a mock broker cannot be started again")
        self._owner = Producer({"test.mock.num.brokers": 1})
        (broker,) = self._owner.list_topics(timeout=10).brokers.values()
        self._bootstrap = f"{broker.host}:{broker.port}"

    def stop(self) -> None:
        """Stop and forget everything."""
        self._owner = None

    def create_topic(self, name: str, partitions: int = 4, **configs: object) -> None:
        """Make a topic of four partitions; anything else is beyond a mock broker."""
        if self._owner is None:
            raise RuntimeError("the mock broker is not running")
        if partitions != 4 or configs:
            raise RuntimeError("a mock broker's topics have four partitions and no settings")
        self._owner.list_topics(name, timeout=10)

    def delete_topic(self, name: str) -> None:
        """Refuse: a mock broker cannot delete."""
        raise RuntimeError(f"a mock broker cannot delete {name}")
