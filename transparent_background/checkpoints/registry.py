"""The published checkpoints, as data.

Sources: the configuration of transparent-background 1.3.4 for the modes, the model zoo of the
InSPyReNet repository (github.com/plemeri/InSPyReNet, docs/model_zoo.md) for the rest.
"""

from __future__ import annotations

from .records import Checkpoint

_RELEASE = "https://github.com/plemeri/transparent-background/releases/download/1.2.12/"
_HUB = "https://huggingface.co/plemeri/InSPyReNet/resolve/main/"
_ORIGIN = "Taehun Kim et al., transparent-background"
# the model zoo names these sets for the Drive files of base and fast; later settings of its authors
# (configs/extra_dataset/Plus_Ultra.yaml) add DIS5K. Scores on any of them say nothing about new photos
_MANY = (
    "DUTS, HRSOD, UHRSD (their test sets too), DUT-OMRON, ECSSD, HKU-IS, PASCAL-S, DAVIS-S, FSS-1000, "
    "MSRA-10K; maybe DIS5K"
)

_MODES = (
    Checkpoint(
        name="base",
        file_name="ckpt_base.pth",
        urls=(_RELEASE + "ckpt_base.pth", _HUB + "ckpt_base.pth"),
        drive_id="13oBl5MTVcWER3YU4fSxW3ATlVfueFQPY",
        size=367_520_613,
        md5="d692e3dd5fa1b9658949d452bebf1cda",
        sha256="0a6fe2a73ab0532d6d0b8d82849a9760a226df719e3063d09b4149ece6f80fcd",
        base_size=(1024, 1024),
        trained_on=_MANY,
        origin=_ORIGIN,
        description="Swin-B at 1024: the best results, the slowest",
    ),
    Checkpoint(
        name="fast",
        file_name="ckpt_fast.pth",
        urls=(_RELEASE + "ckpt_fast.pth", _HUB + "ckpt_fast.pth"),
        drive_id="1iRX-0MVbUjvAVns5MtVdng6CQlGOIo3m",
        md5="9efdbfbcc49b79ef0f7891c83d2fd52f",
        sha256="e61ed7e85763dd83a796e1d650ea78604fff524121750858c54a6b560ac58c82",
        trained_on=_MANY,
        origin=_ORIGIN,
        description="Swin-B at 384: faster, softer edges",
    ),
    Checkpoint(
        name="base-nightly",
        file_name="ckpt_base_nightly.pth",
        urls=(_RELEASE + "ckpt_base_nightly.pth",),
        drive_id="13YER0ri0RZkTdGQqWiwK795i39FrXNKL",
        base_size=(1024, 1024),
        trained_on="not stated",
        origin=_ORIGIN,
        description="Swin-B at 1024, the latest training run of its authors",
    ),
    Checkpoint(
        name="lite",
        file_name="lite.safetensors",
        backbone="mobilenetv2_100",
        backbone_options={"pad_type": "same"},
        depth=16,
        base_size=(160, 160),
        resize="blend",
        short_side=384,  # 2.4 times its base size: the detail pass costs no more than it shows
        normalisation="sigmoid",
        trained_on="ECSSD, VOC animals, CCP and FeralCats (see the README)",
        origin="this package",
        description="MobileNetV2: bundled, needs no network; small and fast, a first version",
        bundled=True,
    ),
)


def _zoo(name: str, drive_id: str, side: int, trained_on: str, backbone: str = "Swin-B") -> Checkpoint:
    timm_name = "res2net50d" if backbone == "Res2Net-50" else "swin_base_patch4_window12_384"
    return Checkpoint(
        name=name,
        file_name=f"inspyrenet_{name.lower().replace('-', '_')}.pth",
        drive_id=drive_id,
        backbone=timm_name,
        base_size=(side, side),
        resize="blend" if side == 384 else "static",
        trained_on=trained_on,
        origin="Taehun Kim et al., InSPyReNet model zoo",
        description=f"{backbone} at {side}, a checkpoint of the paper",
    )


# D, H and U in the names stand for DUTS-TR, HRSOD-TR and UHRSD-TR; LR for training at 384
_ZOO = (
    _zoo("SwinB", "1k5hNJImgEgSmz-ZeJEEb_dVkrOnswVMq", 384, "DUTS-TR"),
    _zoo("Res2Net50", "12moRuU8F0-xRvE16bVg6mkGWDuqYHJor", 384, "DUTS-TR", "Res2Net-50"),
    _zoo("SwinB-DH-LR", "1nbs6Xa7NMtcikeHFtkQRVrsHbBRHtIqC", 384, "DUTS-TR, HRSOD-TR"),
    _zoo("SwinB-HU-LR", "1uLSIYXlRsZv4Ho0C-c87xKPhmF_b-Ll4", 384, "HRSOD-TR, UHRSD-TR"),
    _zoo("SwinB-DHU-LR", "14gRNwR7XwJ5oEcR4RWIVbYH3HEV6uBUq", 384, "DUTS-TR, HRSOD-TR, UHRSD-TR"),
    _zoo("SwinB-DH", "1UBGFDUYZ9SysZr96dhsscZg7nDXt6IUD", 1024, "DUTS-TR, HRSOD-TR"),
    _zoo("SwinB-HU", "1HB02tiInEgo-pNzwqyvyV6eSN1Y2xPRJ", 1024, "HRSOD-TR, UHRSD-TR"),
    _zoo("SwinB-DIS5K-LR", "1Sj7GZoocGMHyKNhFnQQc1FTs76ysJIX3", 384, "DIS5K-TR"),
    _zoo("SwinB-DIS5K", "1aCxHMbhvj8ah77jXVgqvqImQA_Y0G-Yg", 1024, "DIS5K-TR"),
)

CHECKPOINTS: tuple[Checkpoint, ...] = _MODES + _ZOO
"""Every checkpoint the package knows by itself, in the order it lists them."""
