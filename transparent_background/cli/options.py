"""The options of the main command. Imports the standard library only."""

from __future__ import annotations

import argparse
from typing import NoReturn, get_args

from .._version import __version__
from ..types import Backend, Precision
from . import films, live

EPILOG = """\
examples:
  transparent-background photo.jpg                      photo_rgba.png, transparent
  transparent-background photos/ -d cut --recursive     a folder, its tree mirrored in cut/
  transparent-background photo.jpg -t white -f jpg      on white, as JPEG
  transparent-background photo.jpg -t beach.jpg         in front of another picture
  transparent-background -m lite --crop=5% *.jpg        the bundled model, cropped to the object
  transparent-background - < photo.jpg > cutout.png     in a pipe
  transparent-background clip.mp4                       clip_rgba.mov, transparent, with its sound
  transparent-background clip.mp4 -t street.mp4         in front of another film
  transparent-background 0 -t blur                      a camera, to a virtual one or a window

commands (transparent-background COMMAND --help):
  models      list, download, locate and verify weights
  serve       serve a page, an HTTP service and an MCP server
  mcp         serve assistants over standard input and output
  export      write a model as ONNX, OpenVINO or TorchScript
  doctor      show versions, devices, weights, extras and one timed picture
  train       train a network on data of your own
  evaluate    score mattes on pictures with masks
  benchmark   measure what models cost on this machine
  completion  print a completion script for a shell

exit codes: 0 done, 2 wrong usage, 3 weights missing or broken, 4 some inputs failed, 130 interrupted
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with 2."""
        self.exit(2, f"{self.prog}: {message} (--help shows the options)\n")


def build_parser() -> Parser:
    """Return the parser of the main command."""
    parser = Parser(
        prog="transparent-background",
        description="Remove the background of pictures and films with InSPyReNet.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_sources(parser.add_argument_group("what to work on"))
    _add_result(parser.add_argument_group("the result"))
    _add_model(parser.add_argument_group("the model"))
    _add_running(parser.add_argument_group("running"))
    films.add_options(parser.add_argument_group("films"))
    live.add_options(parser.add_argument_group("cameras"))
    return parser


def _add_sources(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="picture, film, folder, glob in quotes, numbered pictures (frame_%%04d.png), address, "
        "camera (0), or - for standard input",
    )
    group.add_argument(
        "-s",
        "--source",
        nargs="+",
        action="extend",
        default=[],
        metavar="SOURCE",
        help="the same, as an option",
    )
    group.add_argument(
        "-d",
        "--dest",
        metavar="PATH",
        help="folder for the results, made if missing; with one source also a file name, or - for "
        "standard output (default: the current folder; for a folder, one of its name there)",
    )
    group.add_argument("--recursive", action="store_true", help="work through folders' folders too")
    group.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave sources whose result is there and newer",
    )
    group.add_argument(
        "--watch",
        action="store_true",
        help="go on watching the sources for new and changed pictures until Ctrl-C",
    )


def _add_result(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-t",
        "--type",
        metavar="TYPE",
        help="rgba (transparent), map (the matte), green, white, blur, overlay, a colour "
        "('[255, 0, 0]', '#ff0000', a CSS name), or a picture or film to put behind (default: rgba; of "
        "cameras blur)",
    )
    group.add_argument("-R", "--reverse", action="store_true", help="remove the object, keep the background")
    group.add_argument("-th", "--threshold", metavar="0..1", help="cut hard where the matte exceeds this")
    group.add_argument(
        "-f",
        "--format",
        metavar="FORMAT",
        help="png, jpg, webp, tiff, avif, gif, bmp ... (default: png for rgba, else the source's); of films: "
        "mp4, mov, mkv, webm, gif, apng, webp, or png, jpg ... for one picture a frame (default: mov for "
        "rgba, else mp4)",
    )
    group.add_argument(
        "--background",
        default="white",
        metavar="COLOUR",
        help="under rgba cut-outs in formats without transparency (default: white)",
    )
    group.add_argument(
        "--background-fit",
        default="cover",
        choices=("cover", "contain", "stretch", "tile"),
        help="how a picture behind fills the frame (default: cover)",
    )
    group.add_argument(
        "--foreground",
        default="auto",
        choices=("auto", "estimate", "original", *films.FOREGROUND_FILMS),
        help="edge colours: estimate takes the old background out of them, original keeps them "
        "(default: auto, which estimates for rgba); straight and premultiplied also write a film of the "
        "object's own colours, as they are or multiplied by the matte",
    )
    group.add_argument(
        "--crop",
        nargs="?",
        const="0",
        metavar="PAD",
        help="crop to the object, with PAD pixels or percent around it: --crop, --crop=20, --crop=5%%",
    )
    group.add_argument(
        "--quality",
        type=int,
        metavar="1..100",
        help="of JPEG (default 95), WebP (92; 100 is lossless) and AVIF (85)",
    )


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-m",
        "--mode",
        metavar="NAME",
        help="base, fast, base-nightly, lite (bundled, works offline) or another name that "
        "'transparent-background models' lists (default: base, or lite if it cannot be had)",
    )
    group.add_argument("-c", "--ckpt", metavar="FILE", help="weights of your own")
    group.add_argument(
        "-r",
        "--resize",
        choices=("static", "dynamic", "blend"),
        help="what the network sees: the base size, the picture's shape, or both (default: the mode's; for "
        "films static)",
    )
    group.add_argument(
        "--normalisation",
        choices=("minmax", "sigmoid"),
        help="stretch every matte to full range, or leave pictures without an object empty "
        "(default: the mode's)",
    )
    group.add_argument(
        "-j",
        "--jit",
        action="store_true",
        help="record the network once: faster for many pictures; implies --resize static",
    )
    group.add_argument(
        "-D", "--device", metavar="NAME", help="cpu, cuda, cuda:1, mps (default: the best there is)"
    )
    group.add_argument(
        "--backend",
        choices=get_args(Backend),
        default="auto",
        help="what runs the network: torch, plain (torch, layer by layer), openvino or onnxruntime "
        "(default: auto, the fastest that is there; -v and doctor say which)",
    )
    group.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="float32",
        help="half precision is faster on GPUs; it is tried first, and float32 is used where it changes "
        "mattes (default: float32)",
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="compile the network (torch.compile): for long work on a GPU; the first picture waits",
    )
    group.add_argument("--offline", action="store_true", help="never download weights")


def _add_running(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="threads that read, and as many that write (default: 2, or 1 on one core)",
    )
    group.add_argument(
        "--batch",
        type=positive,
        default=1,
        metavar="N",
        help="pictures that share a pass of the network; pays on GPUs (default: 1)",
    )
    group.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="processor threads of the network (default: the cores that this process may use)",
    )
    group.add_argument("--json", action="store_true", help="print a summary as JSON on standard output")
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    group.add_argument("-v", "--verbose", action="store_true", help="say what is being done")
    group.add_argument("--debug", action="store_true", help="show tracebacks and everything that is logged")


def positive(text: str) -> int:
    """Read a whole number above 0."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return value
