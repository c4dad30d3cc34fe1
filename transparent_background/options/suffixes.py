"""File names: which are pictures, which are films. Imports nothing, so that the command starts fast."""

from __future__ import annotations

PICTURE_SUFFIXES = frozenset(
    """
    .apng .avif .avifs .bmp .dds .dib .gif .heic .heif .hif .icns .ico .j2c .j2k .jfif .jp2 .jpc .jpe
    .jpeg .jpf .jpg .jpx .pbm .pcx .pgm .png .pnm .ppm .psd .qoi .ras .sgi .tga .tif .tiff .webp .xbm
    .xpm
    """.split()
)
"""What a folder's pictures may be called; Pillow reads them (HEIC with the extra ``heif``)."""

FILM_SUFFIXES = frozenset(
    """
    .3g2 .3gp .amv .asf .avi .divx .drc .dv .f4a .f4b .f4p .f4v .flv .gifv .264 .265 .h264 .h265 .hevc
    .ivf .m2ts .m2v .m3u8 .m4p .m4v .mkv .mng .mov .mp2 .mp4 .mpe .mpeg .mpg .mpv .mts .mxf .nsv .ogg
    .ogv .qt .rm .rmvb .roq .svi .ts .vob .webm .wmv .y4m .yuv
    """.split()
)
"""What a folder's films may be called: as in transparent-background 1.3.4, and more; GIF is a picture."""

ANIMATED_SUFFIXES = frozenset((".gif", ".apng"))
"""Of the pictures, those that usually move."""

WRITABLE = {
    ".png": "PNG",
    ".apng": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".dib": "DIB",
    ".ppm": "PPM",
    ".pnm": "PPM",
    ".jp2": "JPEG2000",
    ".tga": "TGA",
    ".ico": "ICO",
}
"""Suffix to Pillow's format, for what results can be written as."""

LARGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "AVIF": 32_768, "GIF": 65_535, "TGA": 65_535}
"""Most pixels on a side by Pillow's format, where that can be met: libjpeg's, libwebp's and those of the
formats' own fields. libavif writes 65,536, and reads no more than this."""

FILM_FORMATS = ("mp4", "m4v", "mov", "qt", "mkv", "webm", "ts", "gif", "apng", "webp")
"""What films can be written as; ``media.video.containers`` says how."""

KEEPS_ALPHA = frozenset(("PNG", "WEBP", "TIFF", "AVIF", "GIF", "JPEG2000", "TGA", "ICO"))
ANIMATED = frozenset(("PNG", "WEBP", "GIF"))


def format_of(name: str) -> str | None:
    """Return Pillow's format for ``jpg``, ``.JPG`` or ``photo.jpg``; None if it can't be written."""
    suffix = name[name.rfind(".") :] if "." in name else f".{name}"
    return WRITABLE.get(suffix.lower())
