"""How each format that is written states a colour space that was not stated by a profile."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from scalewise.files.avif_boxes import boxes_of_colour
from scalewise.files.metadata import Metadata


@dataclass(frozen=True)
class Statement:
    """What a file will say of its colours.

    Attributes:
        metadata: with a profile, where only that can say it.
        boxes: of an AVIF file.
        warnings: what a user should know, without the file's name.
    """

    metadata: Metadata
    boxes: list[bytes] = field(default_factory=list[bytes])
    warnings: list[str] = field(default_factory=list[str])


def state_colours(metadata: Metadata, form: str, grey: bool, lossless: bool = False) -> Statement:
    """Decide how a file states its colours.

    PNG has chunks for everything (:mod:`scalewise.files.png_colour`), AVIF has code points; for
    the rest a profile is made.

    Args:
        metadata: what is to be written.
        form: the format's name.
        grey: whether the file will have one colour channel.
        lossless: whether every sample will be kept.
    """
    stated = metadata.stated
    if stated is None:
        return Statement(metadata)
    has_profile = metadata.icc is not None
    if form == "png":
        return Statement(metadata)
    if form == "avif" and stated.has_code and stated.full_range:
        return Statement(metadata, boxes=boxes_of_colour(stated, lossless))
    warnings: list[str] = []
    if not (stated.is_srgb or has_profile):
        made = stated.profile(grey)
        metadata = replace(metadata, icc=made)
        if made is None:
            warnings.append(f"{form} cannot state its colours ({stated.name}): they look wrong")
    if stated.is_hdr:
        warnings.append(
            f"{form} states its colours ({stated.name}) by a profile alone, by which most "
            "programs show no HDR; png and avif keep it"
        )
    elif stated.mastering or stated.light:
        warnings.append(f"{form} cannot hold mDCV and cLLI, left out")
    return Statement(metadata, warnings=warnings)
