"""Look-ups put together: few questions, each answer to who asked, none older than his question."""

import asyncio
from collections.abc import Mapping

import pytest

from signalman.backends.gathering import Gathering


class Server:
    """Answers each question when it is told to: with the key in capitals, unless it is unknown."""

    def __init__(self) -> None:
        self.questions: list[tuple[list[str], asyncio.Future[None]]] = []

    async def ask(self, keys: list[str]) -> Mapping[str, str]:
        """Wait to be told."""
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.questions.append((keys, told))
        await told
        return {key: key.upper() for key in keys if key != "unknown"}

    @property
    def asked(self) -> list[list[str]]:
        """All questions so far."""
        return [keys for keys, _ in self.questions]

    def answer(self, number: int) -> None:
        """Answer that question."""
        self.questions[number][1].set_result(None)


async def turn() -> None:
    """Let everybody go on as far as he can."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def server() -> Server:
    """One that has not been asked."""
    return Server()


@pytest.fixture
def gathering(server: Server) -> Gathering[str]:
    """Questions of up to three keys."""
    return Gathering(server.ask, longest=3)


async def busy(server: Server, gathering: Gathering[str]) -> list[asyncio.Task[Mapping[str, str]]]:
    """As many questions under way as there can be."""
    tasks = [asyncio.create_task(gathering.find([key])) for key in ("x", "y")]
    await turn()
    assert server.asked == [["x"], ["y"]]
    return tasks


async def test_who_comes_meanwhile_is_asked_for_together(server: Server, gathering: Gathering[str]) -> None:
    """In one question, and everybody gets what he asked for and nothing else."""
    first = await busy(server, gathering)
    later = [asyncio.create_task(gathering.find(keys)) for keys in (["a"], ["b", "unknown"], ["a", "b"])]
    await turn()
    assert len(server.questions) == 2
    server.answer(1)
    await turn()
    assert server.asked[2:] == [["a", "b", "unknown"]]
    server.answer(2)
    assert [await each for each in later] == [{"a": "A"}, {"b": "B"}, {"a": "A", "b": "B"}]
    assert not first[0].done()
    server.answer(0)
    assert [await each for each in first] == [{"x": "X"}, {"y": "Y"}]


async def test_no_answer_is_older_than_its_question(server: Server, gathering: Gathering[str]) -> None:
    """The same key is asked for again where the question under way was sent before."""
    first = await busy(server, gathering)
    again = asyncio.create_task(gathering.find(["x"]))
    await turn()
    server.answer(0)
    await turn()
    assert first[0].done()
    assert not again.done()
    assert server.asked[2:] == [["x"]]
    server.answer(2)
    assert await again == {"x": "X"}
    server.answer(1)
    await first[1]


async def test_a_question_has_a_length(server: Server, gathering: Gathering[str]) -> None:
    """Who does not fit in is in the next one; keys that are there already need no room."""
    first = await busy(server, gathering)
    later = [asyncio.create_task(gathering.find(keys)) for keys in (["a", "b"], ["c", "d"], ["c", "d", "e"], ["f"])]
    await turn()
    for number in range(5):
        server.answer(number)
        await turn()
    assert server.asked[2:] == [["a", "b"], ["c", "d", "e"], ["f"]]
    await asyncio.gather(*first, *later)


async def test_a_failure_is_told_to_all_who_wait(server: Server, gathering: Gathering[str]) -> None:
    """And to nobody else; the next question is sent."""
    first = await busy(server, gathering)
    later = [asyncio.create_task(gathering.find([key])) for key in ("a", "b")]
    await turn()
    server.answer(0)
    await turn()
    server.questions[2][1].set_exception(ConnectionError("gone"))
    for each in later:
        with pytest.raises(ConnectionError, match="gone"):
            await each
    after = asyncio.create_task(gathering.find(["c"]))
    await turn()
    for number in (1, 3):
        server.answer(number)
    assert await after == {"c": "C"}
    await asyncio.gather(*first)


async def test_who_leaves_leaves_the_others(server: Server, gathering: Gathering[str]) -> None:
    """A question is given up when the last one has left, sent or not; then there is room for the next."""
    first = await busy(server, gathering)
    stays, leaves = (asyncio.create_task(gathering.find([key])) for key in ("a", "b"))
    alone = asyncio.create_task(gathering.find(["c", "d", "e"]))
    await turn()
    leaves.cancel()
    alone.cancel()
    first[0].cancel()
    await turn()
    assert server.questions[0][1].cancelled()
    assert server.asked[2:] == [["a", "b"]]
    server.answer(2)
    assert await stays == {"a": "A"}
    server.answer(1)
    await first[1]
    assert len(server.questions) == 3
