"""What four small numbers also are: things that have the form of an IPv4 address and are none.

A closed list, each as narrow as the thing itself, so that an address cannot pass as one of them.
"""

_END = r"(?![0-9]|[.:/_-][0-9])"
_SLASH = r"(?:\\*/|%(?:25)*2[Ff])"

_CHROMIUM = "|".join(
    (
        *("Chrome", "HeadlessChrome", "Chromium", "CriOS", "Edg", "EdgA", "EdgiOS", "OPR", "OPX", "Opera", "Vivaldi"),
        *("SamsungBrowser", "YaBrowser", "Brave", "DuckDuckGo", "Ddg", "MiuiBrowser", "HuaweiBrowser", "Silk", "Whale"),
    )
)

# Browsers have hidden all but their major version since 2022.
_REDUCED_VERSION = rf"(?:{_CHROMIUM}){_SLASH}[0-9]{{1,3}}\.0\.0\.0{_END}"
_VLC = rf"(?:Lib)?VLC{_SLASH}[1-4]\.[0-9]\.[0-9]{{1,2}}\.[0-9]{_END}"
_APPLE_MEDIA = rf"AppleCoreMedia{_SLASH}1\.0\.0\.[0-9]{{1,2}}[A-Z][0-9]{{1,5}}[a-z]?(?![0-9A-Za-z.])"
_YANDEX = rf"YaBrowser{_SLASH}2[0-9]\.[0-9]{{1,2}}\.[0-9]\.[0-9]{{1,4}}{_END}"
_WHALE = rf"Whale{_SLASH}[1-4]\.[0-9]{{1,2}}\.[0-9]{{3}}\.[0-9]{{1,3}}{_END}"
# Vewd's player of smart televisions.
_VEWD = rf"OMI{_SLASH}4\.[0-9]{{1,2}}\.[0-9]\.[0-9]{{1,3}}{_END}"
# Five parts, of which the last four would do.
_META = rf"(?:FBAV{_SLASH}|Instagram )[1-9][0-9]{{2}}\.0\.0\.[0-9]{{1,3}}\.[0-9]{{1,3}}{_END}"

# RFC 6381 and the codecs' own registrations: vp09.00.10.08, av01.0.04M.08.0.110.01.01.01.0, hvc1.1.6.L120.90.
_VP9 = rf"vp0[89]\.0[0-3]\.[1-6][0-9]\.(?:08|10|12)(?:\.[0-9]{{2}}){{0,5}}{_END}"
_AV1 = rf"av01\.[0-2]\.[0-9]{{2}}[MH]\.(?:08|10|12)\.[01]\.[01]{{3}}(?:\.[0-9]{{2}}){{3}}\.[01]{_END}"
_HEVC = rf"h(?:vc|ev)1\.[A-C]?[0-9]\.[0-9A-F]{{1,8}}\.[LH][0-9]{{2,3}}(?:\.[0-9A-F]{{1,2}}){{1,6}}{_END}"

# 2026-08-20-10-11-12, as recordings are named. With dots it is no usual way to write a time.
_MOMENT = (
    r"(?:19|20)[0-9]{2}(?P<between>[-_])(?:0[1-9]|1[0-2])(?P=between)(?:0[1-9]|[12][0-9]|3[01])"
    rf"(?P=between)(?:[01][0-9]|2[0-3])(?P=between)[0-5][0-9](?:(?P=between)[0-5][0-9])?{_END}"
)

_HEX = "[0-9A-Fa-f]"
_MAC = (
    rf"(?<!ip-)(?<!{_HEX}{{2}}-){_HEX}{{2}}(?:-{_HEX}{{2}}){{5}}(?:(?:-{_HEX}{{2}}){{2}})?(?![0-9A-Za-z]|-[0-9A-Za-z])"
)

_VERSIONS = f"{_REDUCED_VERSION}|{_VLC}|{_APPLE_MEDIA}|{_YANDEX}|{_WHALE}|{_VEWD}|{_META}"
_CODECS = f"{_VP9}|{_AV1}|{_HEVC}"

LOOK_ALIKES = f"(?<![0-9A-Za-z])(?:{_VERSIONS}|{_CODECS}|{_MOMENT}|{_MAC})"
"""A regular expression for what has the form of an IPv4 address and is none."""
