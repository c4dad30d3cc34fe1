"""The main command with a camera as its source. Imports the standard library only, until one is opened."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import DeviceError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ..live.camera import Camera
    from ..live.outputs import Output, Status
    from ..options.cameras import CameraOptions
    from .options import Request

MODE = "lite"  # if none is asked for: the large networks take seconds a frame on most machines
PERIOD = 0.25  # seconds between changes of the progress line


def run_live(request: Request, source: str) -> int:
    """Show a camera without its background until Ctrl-C or the window is closed; return 0.

    A recording is ended properly whatever ends the call. ``source`` is as for
    :class:`media.camera.CameraReader`.

    Raises
    ------
    DeviceError, MissingExtraError
        There is nothing to show it on.
    InputError
        The camera cannot be opened, or was pulled out and did not come back.
    """
    from ..media.camera_devices import check_source
    from ..media.video.containers import CONTAINERS, film_format
    from .console import load_remover, start_console

    run, settings, options, network = request.run, request.settings, request.camera, request.network
    options = replace(options, record=options.record or run.dest)
    console = start_console(quiet=run.quiet, verbose=run.verbose, debug=run.debug)
    check_source(source)  # before the network is loaded, which takes a while
    if options.record is not None and film_format(options.record) is None:
        raise UsageError(f"--record {options.record}: recordings are films; choose {', '.join(CONTAINERS)}")
    if network.mode is None and network.ckpt is None:
        network = replace(network, mode=MODE)
    remover = load_remover(network, console, threads=run.threads)

    from ..live.camera import Camera

    kind = request.values.get("type", "blur")
    fps = settings.film.fps
    with ExitStack() as stack:
        camera = Camera(
            source,
            remover,
            type=kind,
            backgrounds=[scene for scene in options.scenes if scene != kind],
            mirror=options.mirror,
            size=options.size,
            fps=None if fps is None else float(fps),
            realtime=options.realtime,
            temporal=settings.film.temporal,
            threshold=settings.threshold,
            reverse=settings.reverse,
            fit=settings.fit,
        )
        stack.enter_context(camera)
        outputs = open_outputs(options, camera, console)
        for output in outputs:
            stack.callback(output.close)
        if options.record is not None:
            camera.start_recording(options.record)
        _run(camera, outputs, console)
    return 0


def open_outputs(options: CameraOptions, camera: Camera, console: Console) -> list[Output]:
    """Open what was asked for; if nothing was, a virtual camera if there is one, else a window.

    Raises
    ------
    DeviceError, MissingExtraError
        What was asked for is not there; or nothing is there, and nothing is recorded.
    """
    from ..live.outputs import VirtualCamera
    from ..live.window import PreviewWindow

    asked = options.virtual_camera
    device = asked if asked and isinstance(asked, str) else None

    def virtual_camera() -> Output:
        output = VirtualCamera(camera.size, camera.rate, device)
        console.print(f"showing on the virtual camera {output.device}; Ctrl-C ends")  # to be found in a call
        return output

    outputs = [virtual_camera()] if asked else []
    if options.preview:
        outputs.append(PreviewWindow())
    if outputs:
        return outputs
    reasons: list[str] = []
    for opened in (virtual_camera, PreviewWindow):
        try:
            outputs.append(opened())
        except (DeviceError, MissingExtraError) as error:
            reasons.append(str(error))
            continue
        if reasons:
            console.print(f"showing a preview window: {reasons[0]}")
        return outputs
    if options.record is None:
        raise DeviceError(f"nothing to show the camera on: {'; or: '.join(reasons)}")
    console.print("recording only: there is neither a virtual camera nor a screen")
    return []


def _run(camera: Camera, outputs: Sequence[Output], console: Console) -> None:
    from rich.text import Text

    from .console import shown

    started = time.monotonic()
    with _stopping(camera), ExitStack() as stack:
        seen = console.is_terminal and not console.quiet
        line = stack.enter_context(console.status("waiting for the first picture")) if seen else None
        due = 0.0

        def progress(status: Status) -> None:
            nonlocal due
            now = time.monotonic()
            if line is not None and now >= due:
                due = now + PERIOD
                line.update(Text(shown(progress_line(status))))

        camera.run(outputs, progress)
    console.print(
        f"{camera.processed} frames in {time.monotonic() - started:.1f} s, {camera.dropped} left out, "
        f"latency {camera.latency * 1000:.0f} ms"
    )
    if camera.recorded is not None:
        console.print(str(camera.recorded))


def progress_line(status: Status) -> str:
    """Return rate, latency and what else there is to know, in one line."""
    words = [f"{status.fps:.1f} frames/s", f"latency {status.latency * 1000:.0f} ms", status.background]
    if status.network is not None:
        words.append(f"network {status.network[1]} x {status.network[0]}")
    if status.scale != 1:
        words.append(f"frame {status.scale:.0%}")
    words += [word for word, on in (("recording", status.recording), ("paused", status.paused)) if on]
    if not status.connected:
        words.append("no picture")
    return ", ".join(words)


def _stopping(camera: Camera) -> AbstractContextManager[None]:
    """Let Ctrl-C and SIGTERM end the camera after its turn, so that films are whole; twice: at once."""
    from ..pipeline.signals import on_signals

    def stop(number: int, frame: object) -> None:
        camera.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    return on_signals(stop)
