"""Notices that wait: bounded, and none is lost."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from signalman.backends import notice_queue
from signalman.backends.notice_queue import NoticeQueue
from signalman.notice import EVERYBODY, Notice, notice


async def taken(queue: NoticeQueue) -> list[Notice]:
    """All that waits, once no more comes."""
    queue.close()
    found = []
    while told := await queue.get():
        found.append(told)
    return found


NOTICES = st.one_of(st.just(EVERYBODY), st.integers(0, 30).map(lambda i: notice("token", f"t{i}")))


@given(st.lists(NOTICES))
def test_whoever_was_told_of_is_looked_at(told: list[Notice]) -> None:
    """By name, or with everybody; in the order told, each once, and never more than the limit."""
    limit, notice_queue.LONGEST = notice_queue.LONGEST, 10
    try:
        queue = NoticeQueue()
        for each in told:
            queue.put(each)
        found = asyncio.run(taken(queue))
    finally:
        notice_queue.LONGEST = limit
    if EVERYBODY in told or len(set(told)) > 10:
        assert found == [EVERYBODY]
    else:
        assert found == list(dict.fromkeys(told))


async def test_what_was_taken_can_be_told_again() -> None:
    """It may have changed once more since it was looked at."""
    queue = NoticeQueue()
    for _ in range(2):
        for each in (notice("user", "u"), EVERYBODY):
            queue.put(each)
            assert await queue.get() == each


async def test_who_waits_is_woken() -> None:
    """By a notice, and by the end."""
    queue = NoticeQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put(EVERYBODY)
    assert await waiting == EVERYBODY
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.close()
    assert await waiting is None
