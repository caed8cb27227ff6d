"""What ``signalman check`` tells about a pack without faults."""

from signalman.channel import Catalog, Channel


def summary(catalog: Catalog) -> list[str]:
    """One line for the pack and one for each channel."""
    levels = " / ".join(level.name for level in catalog.levels)
    topics = ", ".join(topic.default for topic in catalog.topics.values())
    width = max(map(len, catalog.channels), default=0)
    return [
        f"{catalog.pack}: {catalog.title}",
        f"scope {levels}; topics {topics}; {_count(len(catalog.ignored), 'event type')} known and ignored",
        *(f"  {name:<{width}}  {_contents(channel)}" for name, channel in catalog.channels.items()),
    ]


def _contents(channel: Channel) -> str:
    parts = [_count(len(channel.events), "event type")]
    if channel.tables:
        parts.append(f"{_count(len(channel.tables), 'table')} ({', '.join(channel.tables)})")
    if channel.filters:
        parts.append(f"filter by {', '.join(channel.filters)}")
    return "; ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
