"""A URL to its scheme and path: where something lies, not on whose machine, for whom, or with which token.

``https://user:pw@edge.example/live/index.m3u8?tkn=1#t`` becomes ``https:/live/index.m3u8``. Programs do not agree on
where the host of an odd URL ends, so a text that two of them could read differently is no URL here.
"""

import re
import unicodedata

SCHEMES = frozenset(
    {
        *("http", "https", "ws", "wss", "hls", "webrtc", "whip", "whep", "moq"),
        *("rtmp", "rtmps", "rtmpe", "rtmpt", "rtsp", "rtsps", "rtp", "srt", "rist", "udp", "dtsc"),
        *("file", "ftp", "ftps", "sftp", "s3", "gs"),
    }
)
"""Others are none: of ``nas-7:/films`` nobody can say that it begins with no host."""

_URL = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(//[^/?#]*)?(/[^?#]*)?(?:[?#].*)?")
_DELIMITERS = "/\\?#@:"


def scheme_and_path(text: str) -> str | None:
    """``https:/live/index.m3u8``; a URL with a host and no path has the path ``/``. The scheme comes in lower case, the
    path as it is, but for slashes before the first one.

    A path alone, ``/live/index.m3u8?tkn=1``, is one without its query; so is ``//host/path``, which has no scheme.
    None for all else: other schemes, no path and no host (``https:``, ``mailto:a@b``), a path that does not begin with
    a slash (it may begin with a host), or that has ``@`` or ``:`` in it (it may hold a host or user info), and any text
    with white space, control characters, backslashes, or letters that some programs take for delimiters.
    """
    if not text.isprintable() or " " in text or "\\" in text or _has_lookalikes(text):
        return None
    url = _URL.fullmatch(text)
    if url is None:
        return None
    scheme, authority, path = url.groups()
    if path is None and authority is None:
        return None
    if scheme is not None and scheme.lower() not in SCHEMES:
        return None
    # Two slashes at the beginning would be a host when this is read again.
    path = "/" + (path or "").lstrip("/")
    if "@" in path or ":" in path:
        return None
    return f"{scheme.lower()}:{path}" if scheme else path


def _has_lookalikes(text: str) -> bool:
    if text.isascii():
        return False
    folded = unicodedata.normalize("NFKC", text)
    return any(folded.count(delimiter) != text.count(delimiter) for delimiter in _DELIMITERS)
