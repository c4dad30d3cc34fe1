"""A local RTSP camera: MPEG-TS in RTP (RFC 2250), interleaved with RTSP (RFC 2326, 10.12)."""

from __future__ import annotations

import io
import socketserver
import struct
import threading
from fractions import Fraction

import av
import numpy as np

PACKETS = 7  # of 188 bytes in an RTP packet, so that it fits an Ethernet frame


def encode_ts(pictures: list[np.ndarray], fps: int) -> list[bytes]:
    """Return MPEG-TS with H.264, every picture a key frame, as one chunk a picture."""
    height, width = pictures[0].shape[:2]
    stream = io.BytesIO()
    chunks = []
    with av.open(stream, "w", format="mpegts", options={"flush_packets": "1"}) as container:
        options = {"tune": "zerolatency", "preset": "ultrafast", "g": "1", "qp": "12"}
        video = container.add_stream("libx264", rate=fps, options=options)
        video.height, video.width, video.pix_fmt = height, width, "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
            chunks.append(stream.getvalue())
            stream.seek(0)
            stream.truncate()
    return chunks


class RtspServer:
    """Plays chunks of MPEG-TS to everyone who asks, over and over, until it is pulled out."""

    def __init__(self, chunks: list[bytes], fps: int) -> None:
        self.pulled = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                try:
                    while request := _read_request(self.rfile):
                        method, headers = request
                        self.wfile.write(_answer(method, headers, outer.url))
                        if method == "PLAY":
                            self.play()
                            return
                except OSError:
                    return  # who looked has gone

            def play(self) -> None:
                sequence = number = 0
                while not outer.pulled.wait(1 / fps):
                    data = chunks[number % len(chunks)]
                    for start in range(0, len(data), PACKETS * 188):
                        body = data[start : start + PACKETS * 188]
                        head = struct.pack(">BBHII", 0x80, 33, sequence & 0xFFFF, number * 90000 // fps, 1)
                        self.wfile.write(struct.pack(">cBH", b"$", 0, len(head) + len(body)) + head + body)
                        sequence += 1
                    number += 1

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"rtsp://127.0.0.1:{self._server.server_address[1]}/live"
        arguments = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=arguments, daemon=True)
        self._thread.start()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.pulled.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _read_request(file: io.BufferedIOBase) -> tuple[str, dict[str, str]] | None:
    """Read one request; None at the end."""
    line = file.readline()
    if not line.strip():
        return None
    headers = {}
    while (text := file.readline().decode().strip()) != "":
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return line.decode().split()[0], headers


def _answer(method: str, headers: dict[str, str], url: str) -> bytes:
    lines = [f"CSeq: {headers.get('cseq', '0')}"]
    body = ""
    if method == "OPTIONS":
        lines.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
    elif method == "DESCRIBE":
        body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 33\r\n"
        lines += ["Content-Type: application/sdp", f"Content-Base: {url}", f"Content-Length: {len(body)}"]
    elif method == "SETUP":
        lines += ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"]
    elif method == "PLAY":
        lines += ["Session: 1", "Range: npt=0.000-"]
    return ("\r\n".join(["RTSP/1.0 200 OK", *lines, "", ""]) + body).encode()
