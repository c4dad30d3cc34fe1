"""Playlists of HLS in files, looked at before FFmpeg follows what they list."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import UnreadableError
from ..files import url_scheme

MOST = 1 << 20  # bytes that are looked at; lists of a film's versions have some hundred
_URI = re.compile(r'\bURI="([^"]+)"')


def check_playlist(path: Path) -> None:
    """Refuse a list of playlists of which one lists playlists again, which HLS does not allow.

    FFmpeg would follow a list that leads back to itself until there is no memory left. Other files pass. The
    rule is that of RFC 8216, section 4.3.4.

    Raises
    ------
    UnreadableError
        It is one.
    """
    for line in map(str.strip, _list_of_lists(path).splitlines()):
        for listed in _URI.findall(line) if line.startswith("#") else filter(None, [line]):
            name = listed.removeprefix("file://").removeprefix("file:")
            if url_scheme(name) is None and _list_of_lists(path.parent / name):
                raise UnreadableError(f"{path}: lists {name}, which lists other playlists; give one of those")


def _list_of_lists(path: Path) -> str:
    """Return the text of a playlist that lists others; nothing for other files."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST) if file.read(7) == b"#EXTM3U" else b""
    except (OSError, ValueError):
        return ""
    return text.decode(errors="replace") if b"#EXT-X-STREAM-INF:" in text or b"#EXT-X-MEDIA:" in text else ""
