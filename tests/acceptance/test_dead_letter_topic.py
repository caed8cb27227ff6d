"""The topic for dead letters is missing, or takes no large ones."""

import os

from tests.acceptance.processes import Installation, ready
from tests.acceptance.running import run
from tests.servers import Kafka
from tests.servers.ports import wait_for_async


async def test_without_a_topic_the_partition_waits(real_kafka: Kafka, installation: Installation) -> None:
    """Events that were understood are delivered, but what nobody can bury is not committed; readiness tells. When the
    topic is there, the letter is written and the partition goes on.
    """
    installation.use_dead_letters(f"late-{installation.dead_letters}")
    async with run(installation) as running:
        await running.put_good()
        await running.arrived()
        await running.topics.all_committed()
        bad = await running.topics.put(b"{")
        await wait_for_async(lambda: not ready(running.relay_port), within=30)
        await running.put_good(3)
        assert await running.topics.committed() == bad
        assert len(running.client.ids("streams")) == 1

        installation.create_topic(installation.dead_letters, 1)
        ((_, letter),) = await running.topics.dead_letters(1)
        assert letter["offset"] == bad
        await running.arrived()
        await running.topics.all_committed()
        assert ready(running.relay_port)


async def test_a_topic_for_small_letters_gets_one_without_the_value(
    real_kafka: Kafka, installation: Installation
) -> None:
    """Where and why are written, how long the value was instead of the value, and the partition moves on."""
    installation.use_dead_letters(f"small-{installation.dead_letters}")
    real_kafka.create_topic(installation.dead_letters, 1, max_message_bytes=2_000)
    async with run(installation) as running:
        await running.put_good()
        # Random, since letters are compressed.
        bad = await running.topics.put(os.urandom(10_000))
        await running.topics.put(b"{")
        await running.put_good()
        await running.arrived()
        (_, small), (_, next_one) = await running.topics.dead_letters(2)
        assert (small["offset"], small["error"]) == (bad, "not_json")
        assert (small["value_base64"], small["value_omitted_bytes"]) == ("", 10_000)
        assert (next_one["offset"], next_one["value_base64"]) == (bad + 1, "ew==")
        await running.topics.all_committed()
