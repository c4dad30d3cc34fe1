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
        backbone="mobilenet_edgetpu_100",
        backbone_options={"pad_type": "same"},
        head="light",
        base_size=(320, 320),
        resize="blend",
        short_side=448,
        enlarge=True,
        normalisation="sigmoid",
        recipe="lite, then lite_blend",
        trained_on="ECSSD, VOC animals, CCP, FeralCats and six smaller sets (MODEL_CARD.md)",
        origin="this package",
        description="MobileNet-EdgeTPU at 320: bundled, needs no network; small and fast",
        bundled=True,
    ),
)


_SCORES = ("s_measure", "max_f", "mae", "mba")


def _scores(**sets: tuple[float, ...]) -> dict[str, dict[str, float]]:
    """Name the scores of each test set."""
    return {name.replace("_", "-"): dict(zip(_SCORES, values, strict=False)) for name, values in sets.items()}


def _zoo(
    name: str,
    drive_id: str,
    side: int,
    *trained_on: str,
    recipe: str = "",
    changes: str = "",
    scores: dict[str, dict[str, float]] | None = None,
) -> Checkpoint:
    res2net = name.startswith("Res2Net")
    config = "res2net50_384" if res2net else f"swin_b_{side}"
    if not recipe:
        sets = ", ".join(f"{{path: {entry}}}" for entry in trained_on)
        recipe = f"{config} 'data.train=[{sets}]' {changes}".rstrip()
    return Checkpoint(
        name=name,
        file_name=f"inspyrenet_{name.lower().replace('-', '_')}.pth",
        drive_id=drive_id,
        backbone="res2net50d" if res2net else "swin_base_patch4_window12_384",
        base_size=(side, side),
        resize="blend" if side == 384 else "static",
        recipe=recipe,
        scores=scores or {},
        trained_on=", ".join(trained_on),
        origin="Taehun Kim et al., InSPyReNet model zoo",
        description=f"{'Res2Net-50' if res2net else 'Swin-B'} at {side}, a checkpoint of the paper",
    )


# its configurations train three times as long on DIS5K (configs/extra_dataset/InSPyReNet_SwinB_DIS5K.yaml)
_DIS5K = "schedule.epochs=180"

# D, H and U in the names stand for DUTS-TR, HRSOD-TR and UHRSD-TR; LR for training at 384. Scores are of
# evaluation files in the repository's history (results_test/result_*.csv at commit 142f74a).
_ZOO = (
    _zoo(
        "SwinB",
        "1k5hNJImgEgSmz-ZeJEEb_dVkrOnswVMq",
        384,
        "DUTS-TR",
        recipe="swin_b_384",
        scores=_scores(
            DUTS_TE=(0.932, 0.928, 0.024),
            DUT_OMRON=(0.874, 0.829, 0.046),
            ECSSD=(0.951, 0.962, 0.022),
            HKU_IS=(0.944, 0.955, 0.021),
            PASCAL_S=(0.894, 0.894, 0.047),
            DAVIS_S=(0.953, 0.948, 0.013, 0.705),
            HRSOD_TE=(0.945, 0.940, 0.019, 0.700),
            UHRSD_TE=(0.928, 0.932, 0.032, 0.724),
        ),
    ),
    _zoo(
        "Res2Net50",
        "12moRuU8F0-xRvE16bVg6mkGWDuqYHJor",
        384,
        "DUTS-TR",
        recipe="res2net50_384",
        scores=_scores(
            DUTS_TE=(0.904, 0.892, 0.036),
            DUT_OMRON=(0.845, 0.790, 0.059),
            ECSSD=(0.936, 0.949, 0.031),
            HKU_IS=(0.930, 0.938, 0.028),
            PASCAL_S=(0.876, 0.869, 0.057),
            DAVIS_S=(0.937, 0.926, 0.017, 0.695),
            HRSOD_TE=(0.929, 0.920, 0.026, 0.688),
            UHRSD_TE=(0.906, 0.908, 0.043, 0.708),
        ),
    ),
    _zoo("SwinB-DH-LR", "1nbs6Xa7NMtcikeHFtkQRVrsHbBRHtIqC", 384, "DUTS-TR", "HRSOD-TR"),
    _zoo("SwinB-HU-LR", "1uLSIYXlRsZv4Ho0C-c87xKPhmF_b-Ll4", 384, "HRSOD-TR", "UHRSD-TR"),
    _zoo("SwinB-DHU-LR", "14gRNwR7XwJ5oEcR4RWIVbYH3HEV6uBUq", 384, "DUTS-TR", "HRSOD-TR", "UHRSD-TR"),
    _zoo(
        "SwinB-DH",
        "1UBGFDUYZ9SysZr96dhsscZg7nDXt6IUD",
        1024,
        "DUTS-TR",
        "HRSOD-TR",
        recipe="swin_b_1024",
        scores=_scores(
            DAVIS_S=(0.972, 0.976, 0.007, 0.770),
            HRSOD_TE=(0.960, 0.957, 0.014, 0.766),
            UHRSD_TE=(0.935, 0.938, 0.028, 0.785),
        ),
    ),
    _zoo("SwinB-HU", "1HB02tiInEgo-pNzwqyvyV6eSN1Y2xPRJ", 1024, "HRSOD-TR", "UHRSD-TR"),
    _zoo("SwinB-DIS5K-LR", "1Sj7GZoocGMHyKNhFnQQc1FTs76ysJIX3", 384, "DIS5K-TR", changes=_DIS5K),
    _zoo("SwinB-DIS5K", "1aCxHMbhvj8ah77jXVgqvqImQA_Y0G-Yg", 1024, "DIS5K-TR", changes=_DIS5K),
)

CHECKPOINTS: tuple[Checkpoint, ...] = _MODES + _ZOO
"""Every checkpoint the package knows by itself, in the order it lists them."""
