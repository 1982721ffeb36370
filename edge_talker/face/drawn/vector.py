"""Vector graphics as pictures: SVG text drawn by ThorVG, at any size.

Knows how to call ThorVG; knows nothing of faces. What of SVG can be relied on: paths, basic shapes,
groups with `transform` and `opacity`, strokes, linear and radial gradients (userSpaceOnUse, with
`stop-opacity`), `clip-path` by one path, and feGaussianBlur on a shape of its own. A blurred shape
is not clipped, there are no masks, and a clipped edge blends with nothing: lay the unclipped
shape below.
"""

import threading
from ctypes import Array, c_uint32
from functools import cache
from typing import cast

import numpy as np
from thorvg_python.canvas.sw import SwCanvas
from thorvg_python.engine import Engine
from thorvg_python.paint.picture import Picture as Drawing

from edge_talker.face.mesh import Picture

Box = tuple[float, float, float, float]  # left, top, right, bottom in drawing units

_LOCK = threading.Lock()  # ThorVG keeps process-wide state


def render(fragment: str, box: Box, width: int, height: int) -> Picture:
    """Return the part of a drawing that lies in `box`, scaled to `width` x `height` pixels.

    `fragment` is what stands between <svg> and </svg>. It must be well formed: ThorVG may crash
    where it is not.
    """
    left, top, right, bottom = box
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{left} {top} {right - left} {bottom - top}" preserveAspectRatio="none">'
        f"{fragment}</svg>"
    )
    with _LOCK:
        engine = _engine()
        canvas, drawing = SwCanvas(engine), Drawing(engine)
        canvas.set_target(width, height)
        drawing.load_data(text.encode(), "svg", None, copy=True)
        drawing.set_size(width, height)
        canvas.add(drawing)
        canvas.draw(True)
        canvas.sync()
        canvas.destroy()
        pixels = np.ctypeslib.as_array(cast("Array[c_uint32]", canvas.buffer_arr))
    return pixels.view(np.uint8).reshape(height, width, 4)


@cache
def _engine() -> Engine:
    return Engine(threads=0)
