"""Fetches the document in which a platform publishes its public keys."""

import ssl

import aiohttp

from signalman.errors import BackendUnavailable

MOST_BYTES = 256 * 1024
"""Bytes of the document. A key takes less than two thousand."""


class JwksFetch:
    """One HTTP GET for each call, over a connection of its own: there are minutes between two of them.

    Nothing but a plain 200 counts. A redirect is not followed, for the address was configured and whoever answers there
    must not choose another; nothing is unpacked, for a small answer must not become a large one.

    Args:
        url: Where the document is.
        ca_file: Certificate authorities in PEM form; empty trusts the system's.
        timeout: Seconds for all of it, from the connection to the last byte.

    Raises:
        OSError: The file cannot be read, or holds no certificate.
    """

    def __init__(self, url: str, *, ca_file: str = "", timeout: float = 3.0) -> None:
        self._url = url
        self._tls = ssl.create_default_context(cafile=ca_file or None)
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def __call__(self) -> bytes:
        """The document.

        Raises:
            BackendUnavailable: It cannot be had. Where it was sought is not told.
        """
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, auto_decompress=False) as session,
                session.get(
                    self._url,
                    ssl=self._tls,
                    allow_redirects=False,
                    headers={"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"},
                ) as response,
            ):
                if response.status != 200:
                    raise BackendUnavailable("jwks", f"the server answers with status {response.status}")
                return await _bounded(response.content)
        except TimeoutError as error:
            raise BackendUnavailable("jwks", "the server does not answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BackendUnavailable("jwks", "the server cannot be reached") from error


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    document = bytearray()
    async for chunk in content.iter_any():
        document += chunk
        if len(document) > MOST_BYTES:
            raise BackendUnavailable("jwks", f"the document is larger than {MOST_BYTES} bytes")
    return bytes(document)
