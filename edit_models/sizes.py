"""What picture sizes each editing model takes, so that source and result lie on each other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

MEGAPIXEL = 1024 * 1024
MAX_ASPECT = 4.0
"""Longer side over the shorter, in the sizes that are not listed one by one."""
_LARGEST_CROP = 0.5


@dataclass(frozen=True)
class SizeRule:
    """Sizes a model takes: one of `sizes` where there are any, else about `area` pixels.

    multiple: both sides are whole multiples of it, in pixels
    sizes: (height, width) in pixels, upright and lying
    """

    multiple: int
    area: int
    sizes: tuple[tuple[int, int], ...] = ()


def _both_ways(*sizes: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted({*sizes, *((width, height) for height, width in sizes)}))


def _stays(height: int, width: int) -> bool:
    """Whether scaling to one megapixel, as Qwen's text encoder nodes do, keeps the latent's size.

    TextEncodeQwenImageEdit rounds to whole pixels, of which the VAE drops what is over a multiple
    of 8; TextEncodeQwenImageEditPlus rounds to the nearest multiple of 8.
    """
    scale = math.sqrt(MEGAPIXEL / (height * width))
    return all(
        round(side * scale) // 8 * 8 == round(side * scale / 8) * 8 == side
        for side in (height, width)
    )


def _stays_in_sixteens(height: int, width: int) -> bool:
    """Whether TextEncodeBooguEdit's scaling to one megapixel keeps a size: multiples of 16."""
    scale = math.sqrt(MEGAPIXEL / (height * width))
    return all(round(side * scale / 16) * 16 == side for side in (height, width))


def _boogu_sizes() -> tuple[tuple[int, int], ...]:
    sides = range(512, 2048 + 1, 16)
    return tuple((h, w) for h in sides for w in sides if _stays_in_sixteens(h, w))


def _joyai_sizes() -> tuple[tuple[int, int], ...]:
    """The buckets that TextEncodeJoyImageEdit cuts its pictures to: upright heights by width."""
    upright = {
        512: range(1792, 2049, 64),
        576: range(1600, 1793, 64),
        640: range(1472, 1601, 64),
        704: range(1344, 1473, 64),
        768: range(1216, 1345, 64),
        832: range(1152, 1217, 64),
        896: range(1088, 1153, 64),
        960: range(1024, 1089, 64),
        1024: range(1024, 1025, 64),
    }
    return _both_ways(*((short, long) for short, longs in upright.items() for long in longs))


def _qwen_sizes(multiple: int = 16) -> tuple[tuple[int, int], ...]:
    sides = range(512, 2048 + 1, multiple)
    return tuple((h, w) for h in sides for w in sides if _stays(h, w))


# The sizes FLUX.1 Kontext was trained at.
_KONTEXT = _both_ways(
    (672, 1568),
    (688, 1504),
    (720, 1456),
    (752, 1392),
    (800, 1328),
    (832, 1248),
    (880, 1184),
    (944, 1104),
    (1024, 1024),
)
# The sizes HiDream-O1 was trained at, of about four megapixels.
_O1 = _both_ways((1312, 3104), (1440, 2560), (1664, 2496), (1728, 2304), (1792, 2304), (2048, 2048))
_SD15, _ONE_MEGAPIXEL = SizeRule(64, 512 * 512), SizeRule(16, MEGAPIXEL)
_EMBEDDED = SizeRule(8, 128 * 128, ((128, 128),))

SIZE_RULES: dict[str, SizeRule] = {
    "instruct_pix2pix": _SD15,
    "magicbrush": _SD15,
    "instruct_diffusion": _SD15,
    "mgie": _SD15,
    "ultraedit": SizeRule(16, 512 * 512),
    "cosxl_edit": SizeRule(64, MEGAPIXEL),
    "flux_kontext": SizeRule(16, MEGAPIXEL, _KONTEXT),
    "qwen_image_edit": SizeRule(16, MEGAPIXEL, _qwen_sizes()),
    "omnigen2": _ONE_MEGAPIXEL,
    "hidream_e1": _ONE_MEGAPIXEL,
    "flux2": _ONE_MEGAPIXEL,
    **dict.fromkeys(
        ("qwen_image_edit_2509", "qwen_image_edit_2511", "firered_image_edit"),
        SizeRule(16, MEGAPIXEL, _qwen_sizes()),
    ),
    "qwen_image_21": SizeRule(32, MEGAPIXEL),
    **dict.fromkeys(("flux2_klein", "flux2_klein_base", "flux2_klein_kv"), _ONE_MEGAPIXEL),
    "longcat_image_edit": SizeRule(16, MEGAPIXEL, _qwen_sizes()),
    "joyai_image_edit": SizeRule(64, MEGAPIXEL, _joyai_sizes()),
    "boogu_image_edit": SizeRule(16, MEGAPIXEL, _boogu_sizes()),
    **dict.fromkeys(("mage_flow_edit", "mage_flow_edit_turbo"), _ONE_MEGAPIXEL),
    "hidream_o1": SizeRule(32, 4 * MEGAPIXEL, _O1),
    "chronoedit": SizeRule(16, 720 * 720),
    "capybara": _ONE_MEGAPIXEL,
    "embedded": _EMBEDDED,
    "embedded_flow": _EMBEDDED,
}
"""Rule of each family of `families.FAMILIES`."""


def with_area(rule: SizeRule, area: int) -> SizeRule:
    """The rule at another number of pixels: whole multiples of any shape, none listed."""
    return replace(rule, area=area, sizes=())


def edit_size(height: int, width: int, rule: SizeRule) -> tuple[int, int]:
    """Height and width to which a picture is scaled and centre-cropped for a model.

    A picture that fits already keeps its size. Of listed sizes the one nearest in width / height
    is taken, as ComfyUI's FluxKontextImageScale does.
    height, width: of the picture, in pixels.  Raises ValueError where cropping to the model's
    shapes would take more than half of the picture.
    """
    size = _nearest_listed(height, width, rule) if rule.sizes else _free(height, width, rule)
    aspect, taken = width / height, size[1] / size[0]
    if min(aspect / taken, taken / aspect) < 1 - _LARGEST_CROP:
        raise ValueError(
            f"image: expected a picture that can be cut to {_shapes(rule)} without losing more "
            f"than half of it, got {width}x{height}. Crop it to the part that is to be edited."
        )
    return size


def _nearest_listed(height: int, width: int, rule: SizeRule) -> tuple[int, int]:
    if (height, width) in rule.sizes:
        return height, width
    aspect = width / height
    _, width, height = min((abs(aspect - w / h), w, h) for h, w in rule.sizes)
    return height, width


def _free(height: int, width: int, rule: SizeRule) -> tuple[int, int]:
    half = rule.multiple / 2
    whole = height % rule.multiple == 0 and width % rule.multiple == 0
    aspect = min(max(width / height, 1 / MAX_ASPECT), MAX_ASPECT)
    # As near to the area as rounding brings a picture, so that a second pass changes nothing.
    near = (height - half) * (width - half) <= rule.area <= (height + half) * (width + half)
    if whole and near and aspect == width / height:
        return height, width
    sides = (math.sqrt(rule.area / aspect), math.sqrt(rule.area * aspect))
    height, width = (max(1, round(side / rule.multiple)) * rule.multiple for side in sides)
    return height, width


def _aspect(size: tuple[int, int]) -> float:
    return size[1] / size[0]


def _shapes(rule: SizeRule) -> str:
    """The most upright and the most lying size, for a message."""
    if rule.sizes:
        ends = {min(rule.sizes, key=_aspect), max(rule.sizes, key=_aspect)}
        shown = (f"{width}x{height}" for height, width in sorted(ends, key=_aspect))
        return f"{' to '.join(shown)} pixels"
    return f"shapes from 1:{MAX_ASPECT:g} to {MAX_ASPECT:g}:1 of about {rule.area} pixels"
