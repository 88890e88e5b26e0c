"""PNG files of few colours: what an independent reader finds in them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from shopwright.service.png import COLOURS, encode

PALETTE = bytes(range(3 * COLOURS))


@given(
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 40), st.integers(1, 40)),
        elements=st.integers(0, COLOURS - 1),
    )
)
def test_every_pixel_is_read_back_of_odd_widths_too(pixels):
    read = Image.open(BytesIO(encode(pixels, PALETTE)))
    read.load()
    assert (read.mode, read.format) == ("P", "PNG")
    assert np.array_equal(np.asarray(read), pixels)
    assert bytes(read.getpalette()[: len(PALETTE)]) == PALETTE
    assert np.array_equal(
        np.asarray(read.convert("RGB")), np.frombuffer(PALETTE, np.uint8).reshape(-1, 3)[pixels]
    )
