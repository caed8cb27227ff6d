import pytest

from signalman.client.address import websocket_url
from signalman.client.errors import AddressError


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("ws://127.0.0.1:18009", "ws://127.0.0.1:18009/v1/ws"),
        ("http://127.0.0.1:18009/", "ws://127.0.0.1:18009/v1/ws"),
        ("https://live.example.org", "wss://live.example.org/v1/ws"),
        ("wss://live.example.org/v1/ws", "wss://live.example.org/v1/ws"),
        ("wss://live.example.org/events/", "wss://live.example.org/events/v1/ws"),
        (" ws://[::1]:18009\n", "ws://[::1]:18009/v1/ws"),
    ],
)
def test_what_a_person_writes_becomes_the_address_of_the_socket(given: str, wanted: str) -> None:
    """A dashboard's address, a load balancer's prefix and the full URL all work."""
    assert websocket_url(given) == wanted


@pytest.mark.parametrize(
    "given",
    [
        "",
        "127.0.0.1:18009",
        "ftp://127.0.0.1",
        "ws://",
        "ws://host:port",
        "ws://user:hunter2@host",
        "ws://host?token=hunter2",
        "ws://host#token=hunter2",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(given: str) -> None:
    """The sentence says what is wrong and shows what is right; a credential in a URL is not written anywhere."""
    with pytest.raises(AddressError) as error:
        websocket_url(given)
    assert "ws://127.0.0.1:18009" in str(error.value)
    assert "hunter2" not in str(error.value)
