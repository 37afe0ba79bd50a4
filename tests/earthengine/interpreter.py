"""The interpreter of expression graphs: images are evaluated when, and where, pixels are asked for."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rasterio.warp import transform as reproject

from .protocol import refused

DEGREE = 111319.49079327358  # metres at the equator


class Projection(NamedTuple):
    """A reference system and six numbers of an affine transform, row by row."""

    crs: str
    transform: tuple


class PixelGrid(NamedTuple):
    """A projection with a size."""

    crs: str
    transform: tuple
    width: int
    height: int


class Geometry(NamedTuple):
    """One planar ring."""

    ring: tuple
    crs: str


COMPOSITE = Projection("EPSG:4326", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))  # what a composite has, whatever its inputs


class Image:
    """A lazy image: ``pixels(grid)`` gives one (float64 values, bool valid) per band."""

    def __init__(self, bands, pixels, properties=None, projection=COMPOSITE, types=None, footprint=None, grid=None):
        self.bands, self._pixels, self._seen = list(bands), pixels, None
        self.properties, self.projection, self.footprint = dict(properties or {}), projection, footprint
        self.grid = grid  # only after clipToBoundsAndScale: what an export will write
        self.types = list(types or ["double"] * len(self.bands))

    def pixels(self, grid):
        """Values and masks on a grid; the last grid's are kept, as graphs use an image more than once."""
        if self._seen is None or self._seen[0] != grid:
            self._seen = (grid, self._pixels(grid))
        return self._seen[1]

    def derive(self, bands=None, pixels=None, **changes):
        """A copy with other bands or pixels."""
        same = {"properties": self.properties, "projection": self.projection, "footprint": self.footprint}
        return Image(self.bands if bands is None else bands, pixels or self._pixels,
                     **{**same, "types": self.types if bands is None else None, **changes})


class Collection(list):
    """Images in order."""


def constant(value) -> Image:
    """A value, one per band, or an array in each pixel, as an image without end; an image as it is."""
    if isinstance(value, Image):
        return value
    if isinstance(value, np.ndarray):
        return Image(["constant"], lambda grid: [(np.broadcast_to(value, (grid.height, grid.width, *value.shape)),
                                                  np.ones((grid.height, grid.width), bool))])  # fmt: skip
    values = value if isinstance(value, list) else [value]
    names = ["constant"] if len(values) == 1 else [f"constant_{i}" for i in range(len(values))]

    def pixels(grid):
        shape = (grid.height, grid.width)
        return [(np.full(shape, float(v)), np.ones(shape, bool)) for v in values]

    return Image(names, pixels)


def moved(source: str, target: str, x, y):
    """Coordinates in another reference system."""
    if source == target:
        return np.asarray(x), np.asarray(y)
    x, y = np.asarray(x, float), np.asarray(y, float)
    xs, ys = reproject(source, target, x.ravel(), y.ravel())
    return np.reshape(xs, x.shape), np.reshape(ys, y.shape)


def centres(grid):
    """Coordinates of the pixels' centres."""
    a, b, c, d, e, f = grid.transform
    column, row = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    return a * column + b * row + c, d * column + e * row + f


def stored(arrays: dict, transform, crs: str, properties: dict, types=None) -> Image:
    """A stored image of 2-D (masked) arrays, sampled at the nearest neighbour."""
    names = list(arrays)
    height, width = arrays[names[0]].shape
    a, _, c, _, e, f = transform

    def pixels(grid):
        x, y = moved(grid.crs, crs, *centres(grid))
        column, row = np.floor((x - c) / a).astype(int), np.floor((y - f) / e).astype(int)
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        column, row = np.clip(column, 0, width - 1), np.clip(row, 0, height - 1)
        out = []
        for name in names:
            valid = inside & ~np.ma.getmaskarray(arrays[name])[row, column]
            out.append((np.where(valid, np.ma.getdata(arrays[name])[row, column], 0).astype(float), valid))
        return out

    x0, y0, x1, y1 = c, f, c + a * width, f + e * height
    footprint = Geometry(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), crs)
    return Image(names, pixels, properties, Projection(crs, tuple(transform)), types, footprint)


def bounds(geometry: Geometry, crs: str):
    """Box around a ring in another reference system; its edges are densified, because they bulge."""
    ring = np.array(geometry.ring, float)
    if geometry.crs != crs:
        steps = np.linspace(0, 1, 9)[:, None]
        ring = np.concatenate([a + (b - a) * steps for a, b in zip(ring, np.roll(ring, -1, 0))])
    x, y = moved(geometry.crs, crs, ring[:, 0], ring[:, 1])
    return x.min(), y.min(), x.max(), y.max()


def inside(geometry: Geometry, grid) -> np.ndarray:
    """Which pixels' centres lie in a ring."""
    x, y = moved(grid.crs, geometry.crs, *centres(grid))
    hit = np.zeros(np.shape(x), bool)
    points = list(geometry.ring)
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1]):
        if y1 != y2:
            hit ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return hit


def grid_over(geometry: Geometry, projection: Projection, scale=None) -> PixelGrid:
    """The pixels of a projection that a geometry touches."""
    a, _, c, _, e, f = projection.transform
    if scale:
        size = scale / (DEGREE if projection.crs == "EPSG:4326" else 1.0)
        a, e = np.copysign(size, a), np.copysign(size, e)
    x0, y0, x1, y1 = bounds(geometry, projection.crs)
    columns, rows = sorted(((x0 - c) / a, (x1 - c) / a)), sorted(((y0 - f) / e, (y1 - f) / e))
    left, right = int(np.floor(columns[0] + 1e-6)), int(np.ceil(columns[1] - 1e-6))
    top, bottom = int(np.floor(rows[0] + 1e-6)), int(np.ceil(rows[1] - 1e-6))
    transform = (a, 0.0, c + a * left, 0.0, e, f + e * top)
    return PixelGrid(projection.crs, transform, max(right - left, 1), max(bottom - top, 1))


class Interpreter:
    """Evaluates one expression.

    Parameters
    ----------
    expression : dict
        ``values`` and ``result`` as the client sends them.
    functions : dict
        What each function does: ``function(interpreter, **arguments)``.
    signatures : dict
        Per function of the true service: {argument: whether it is optional}.
    catalog : dict
        Collections by id.
    used : Counter
        Counts the functions called.
    """

    def __init__(self, expression, functions, signatures, catalog, used):
        self.values, self.result = expression["values"], expression["result"]
        self.functions, self.signatures, self.catalog, self.used = functions, signatures, catalog, used
        self._known = {}

    def run(self):
        """The value of the whole."""
        return self._reference(self.result, {})

    def _reference(self, key, arguments):
        if arguments:  # within a function's body the value depends on them
            return self._node(self.values[key], arguments)
        if key not in self._known:
            self._known[key] = self._node(self.values[key], arguments)
        return self._known[key]

    def _node(self, node, arguments):
        ((kind, content),) = node.items()
        if kind == "constantValue":
            return content
        if kind == "integerValue":
            return int(content)
        if kind == "valueReference":
            return self._reference(content, arguments)
        if kind == "argumentReference":
            return arguments[content]
        if kind == "arrayValue":
            return [self._node(item, arguments) for item in content["values"]]
        if kind == "dictionaryValue":
            return {key: self._node(item, arguments) for key, item in content["values"].items()}
        if kind == "functionDefinitionValue":
            names, body = content["argumentNames"], content["body"]
            return lambda *given: self._reference(body, {**arguments, **dict(zip(names, given))})
        if kind == "functionInvocationValue":
            return self._call(content, arguments)
        raise refused(f"unknown kind of value: {kind}")

    def _call(self, content, arguments):
        name = content.get("functionName")
        given = {key: self._node(item, arguments) for key, item in content.get("arguments", {}).items()}
        known = self.signatures.get(name)
        if known is None:
            raise refused(f"Unknown function '{name}'.")
        if set(given) - set(known):
            raise refused(f"{name}: unknown arguments {sorted(set(given) - set(known))}.")
        missing = [key for key, optional in known.items() if not optional and key not in given]
        if missing:
            raise refused(f"{name}: missing arguments {missing}.")
        if name not in self.functions:
            raise refused(f"The double does not interpret {name}.")
        self.used[name] += 1
        return self.functions[name](self, **given)
