"""AV1 still images: the quantiser of the first frame.

Source: AV1 Bitstream & Decoding Process Specification (2019, with errata 1), 5.3 (units), 5.5
(sequence header) and 5.9 (frame header), up to ``base_q_idx``.  The names are the specification's.
"""

from __future__ import annotations

from dataclasses import dataclass

_SEQUENCE_HEADER, _FRAME_HEADER, _FRAME = 1, 3, 6
_KEY_FRAME = 0
_SELECT = 2  # a tool that each frame switches on or off
_MOST_TILES = 64  # along a side
_MOST_TILE_WIDTH, _MOST_TILE_AREA = 4096, 4096 * 2304


class _Bits:
    """Bits from the highest of the first byte on."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def flag(self) -> bool:
        """Return the next bit.

        Raises:
            IndexError: there is no more.
        """
        byte, bit = divmod(self._at, 8)
        self._at += 1
        return bool(self._data[byte] >> (7 - bit) & 1)

    def number(self, bits: int) -> int:
        """Return the next number, its highest bit first."""
        value = 0
        for _ in range(bits):
            value = value << 1 | self.flag()
        return value

    def variable(self) -> int:
        """Return the next number of variable length (4.10.3)."""
        zeros = 0
        while not self.flag():
            zeros += 1
        return self.number(zeros) + (1 << zeros) - 1

    def below(self, count: int) -> int:
        """Return the next number that is less than a count (4.10.7)."""
        width = count.bit_length()
        short = (1 << width) - count
        value = self.number(width - 1)
        return value if value < short else (value << 1 | self.flag()) - short


@dataclass(frozen=True)
class _Sequence:
    """Fields of a sequence's header, which a frame's header depends on."""

    reduced_still_picture_header: bool
    equal_picture_interval: bool
    frame_presentation_time_length: int
    buffer_removal_time_length: int
    operating_points: tuple[tuple[int, bool], ...]
    frame_width_bits: int
    frame_height_bits: int
    width: int
    height: int
    frame_id_length: int
    use_128x128_superblock: bool
    screen_content_tools: int
    integer_mv: int
    order_hint_bits: int
    enable_superres: bool


def base_quantiser(units: bytes) -> int | None:
    """Return ``base_q_idx`` of the first frame: 0 (finest, or lossless) to 255.

    Args:
        units: an image's open bitstream units (OBUs), from the first on; their end may lack.

    Returns:
        None where the first frame is not a key frame that is shown, or makes no sense.
    """
    try:
        return _first_frame(units)
    except IndexError:
        return None


def _first_frame(units: bytes) -> int | None:
    sequence, at = None, 0
    while at < len(units):
        kind, extended, has_size = units[at] >> 3 & 15, units[at] >> 2 & 1, units[at] >> 1 & 1
        at += 1 + extended
        size = len(units) - at
        if has_size:
            size, at = _leb128(units, at)
        content = _Bits(units[at : at + size])
        if kind == _SEQUENCE_HEADER:
            sequence = _sequence(content)
        elif kind in (_FRAME_HEADER, _FRAME) and sequence is not None:
            return _quantiser(content, sequence)
        at += size
    return None


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in units of seven bits, the lowest first, and where it ends (4.10.5)."""
    value = 0
    for index in range(8):
        value |= (data[at + index] & 127) << 7 * index
        if data[at + index] < 128:
            return value, at + index + 1
    raise IndexError("too long a number")


def _sequence(bits: _Bits) -> _Sequence:
    """Read ``sequence_header_obu`` up to ``enable_superres``."""
    bits.number(3)  # seq_profile
    bits.flag()  # still_picture
    reduced = bits.flag()
    equal_interval, presentation, removal, delay_bits = False, 0, 0, 0
    points: list[tuple[int, bool]] = []
    if reduced:
        bits.number(5)  # seq_level_idx
    else:
        has_model = False
        if bits.flag():  # timing_info_present_flag
            bits.number(64)
            equal_interval = bits.flag()
            if equal_interval:
                bits.variable()
            has_model = bits.flag()
            if has_model:
                delay_bits = bits.number(5) + 1
                bits.number(32)
                removal, presentation = bits.number(5) + 1, bits.number(5) + 1
        has_delay = bits.flag()
        for _ in range(bits.number(5) + 1):
            idc = bits.number(12)
            if bits.number(5) > 7:
                bits.flag()  # seq_tier
            in_model = has_model and bits.flag()
            if in_model:
                bits.number(2 * delay_bits + 1)
            if has_delay and bits.flag():
                bits.number(4)
            points.append((idc, in_model))
    width_bits, height_bits = bits.number(4) + 1, bits.number(4) + 1
    width, height = bits.number(width_bits) + 1, bits.number(height_bits) + 1
    id_length = 0
    if not reduced and bits.flag():  # frame_id_numbers_present_flag
        id_length = bits.number(4) + 2 + bits.number(3) + 1
    large = bits.flag()
    bits.number(2)  # enable_filter_intra, enable_intra_edge_filter
    screen, integer, hint_bits = _SELECT, _SELECT, 0
    if not reduced:
        bits.number(4)  # compound, warped and switchable prediction
        has_hint = bits.flag()
        if has_hint:
            bits.number(2)
        screen = _SELECT if bits.flag() else bits.number(1)
        if screen > 0:
            integer = _SELECT if bits.flag() else bits.number(1)
        if has_hint:
            hint_bits = bits.number(3) + 1
    return _Sequence(
        reduced_still_picture_header=reduced,
        equal_picture_interval=equal_interval,
        frame_presentation_time_length=presentation,
        buffer_removal_time_length=removal,
        operating_points=tuple(points),
        frame_width_bits=width_bits,
        frame_height_bits=height_bits,
        width=width,
        height=height,
        frame_id_length=id_length,
        use_128x128_superblock=large,
        screen_content_tools=screen,
        integer_mv=integer,
        order_hint_bits=hint_bits,
        enable_superres=bits.flag(),
    )


def _quantiser(bits: _Bits, sequence: _Sequence) -> int | None:
    """Read ``uncompressed_header`` of a key frame up to ``base_q_idx``."""
    if not sequence.reduced_still_picture_header:
        is_other = bits.flag() or bits.number(2) != _KEY_FRAME or not bits.flag()
        if is_other:  # show_existing_frame, frame_type, show_frame
            return None
        if sequence.buffer_removal_time_length and not sequence.equal_picture_interval:
            bits.number(sequence.frame_presentation_time_length)
    keeps_cdf = bits.flag()  # disable_cdf_update
    screen = sequence.screen_content_tools
    has_screen_tools = bits.flag() if screen == _SELECT else bool(screen)
    if has_screen_tools and sequence.integer_mv == _SELECT:
        bits.flag()  # force_integer_mv
    bits.number(sequence.frame_id_length)
    has_size = not sequence.reduced_still_picture_header and bits.flag()
    bits.number(sequence.order_hint_bits)
    if sequence.buffer_removal_time_length and bits.flag():
        for idc, in_model in sequence.operating_points:
            # Without layers each point is meant; an image has none.
            if in_model and idc == 0:
                bits.number(sequence.buffer_removal_time_length)
    width, height = sequence.width, sequence.height
    if has_size:
        width = bits.number(sequence.frame_width_bits) + 1
        height = bits.number(sequence.frame_height_bits) + 1
    upscaled = width
    if sequence.enable_superres and bits.flag():
        denominator = bits.number(3) + 9
        width = (width * 8 + denominator // 2) // denominator
    if bits.flag():  # render_and_frame_size_different
        bits.number(32)
    if has_screen_tools and upscaled == width:
        bits.flag()  # allow_intrabc
    if not sequence.reduced_still_picture_header and not keeps_cdf:
        bits.flag()  # disable_frame_end_update_cdf
    _skip_tiles(bits, width, height, 128 if sequence.use_128x128_superblock else 64)
    return bits.number(8)


def _skip_tiles(bits: _Bits, width: int, height: int, superblock: int) -> None:
    """Read ``tile_info``."""
    columns, rows = (-(-side // superblock) for side in (width, height))
    widest, area = _MOST_TILE_WIDTH // superblock, _MOST_TILE_AREA // superblock**2
    least_columns = _log2(widest, columns)
    least = max(least_columns, _log2(area, rows * columns))
    if bits.flag():  # uniform_tile_spacing_flag
        column_bits = _counted(bits, least_columns, _log2(1, min(columns, _MOST_TILES)))
        row_bits = _counted(bits, max(least - column_bits, 0), _log2(1, min(rows, _MOST_TILES)))
    else:
        tile_columns, broadest = _spaced(bits, columns, widest)
        area = rows * columns >> (least + 1) if least else rows * columns
        tile_rows, _ = _spaced(bits, rows, max(area // broadest, 1))
        column_bits, row_bits = _log2(1, tile_columns), _log2(1, tile_rows)
    if column_bits or row_bits:
        bits.number(column_bits + row_bits + 2)  # context_update_tile_id, tile_size_bytes_minus_1


def _counted(bits: _Bits, least: int, most: int) -> int:
    """Return a number that is coded by ones and a zero."""
    while least < most and bits.flag():
        least += 1
    return least


def _spaced(bits: _Bits, superblocks: int, most: int) -> tuple[int, int]:
    """Return how many tiles there are along a side, and the longest of them."""
    count, at, longest = 0, 0, 0
    while at < superblocks:
        size = bits.below(min(superblocks - at, most)) + 1
        longest, at, count = max(longest, size), at + size, count + 1
    return count, longest


def _log2(size: int, target: int) -> int:
    """Return the smallest k for which size x 2^k is at least the target."""
    return next(k for k in range(32) if size << k >= target)
