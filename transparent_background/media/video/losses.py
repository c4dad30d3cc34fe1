"""What could not be read of a film, in words."""

from __future__ import annotations

from fractions import Fraction

from ...types import Size


class Losses:
    """Counts what could not be read of a film, and says it in a few words."""

    def __init__(self) -> None:
        self.corrupt = 0
        self.retimed = 0
        self._packets = 0
        self._first: Fraction | None = None
        self._rest: list[str] = []

    def undecodable(self, after: Fraction | None) -> None:
        """Count a packet that the decoder refused."""
        self._first = after if self._packets == 0 else self._first
        self._packets += 1

    def broken_off(self, after: Fraction | None, error: Exception) -> None:
        """Note that the file could not be read on."""
        reason = str(error).rsplit(": ", 1)[-1]
        self._rest.append(f"cannot be read beyond {_clock(after)} ({reason})")

    def resized(self, size: Size, now: Size, time: Fraction) -> None:
        """Note that frames have another size from here on."""
        text = (
            f"from {_clock(time)} on frames have {now[1]} x {now[0]} pixels in place of {size[1]} x {size[0]}"
        )
        if not any("in place of" in line for line in self._rest):
            self._rest.append(f"{text}: scaled to the first ones' size")

    def ended(self, end: Fraction, expected: Fraction | None) -> None:
        """Compare the end with what the file says of it."""
        if expected is not None and end + max(Fraction(1), expected / 50) < expected and not self._rest:
            self._rest.append(f"ends at {_clock(end)}, though it says that it lasts {_clock(expected)}")

    @property
    def words(self) -> list[str]:
        """All of it."""
        words = []
        if self._packets:
            many = f"{self._packets} packets" if self._packets > 1 else "one packet"
            words.append(f"{many} cannot be decoded (first after {_clock(self._first)})")
        if self.corrupt:
            words.append(f"{self.corrupt} frames are damaged and were kept as far as they go")
        if self.retimed:
            words.append(f"{self.retimed} frames had times out of order and were moved")
        return words + self._rest


def _clock(time: Fraction | None) -> str:
    seconds = float(time or 0)
    return f"{int(seconds // 60)}:{seconds % 60:05.2f}"
