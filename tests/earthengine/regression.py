"""What the functions of Earth Engine do with arrays in pixels, regressions over a collection, and features: see `functions`."""

from __future__ import annotations

import numpy as np

from .functions import FUNCTIONS, function
from .interpreter import Collection, Geometry, Image, Projection, constant, inside
from .protocol import ApiError, refused

FUNCTIONS["Array"] = lambda _, values, pixelType=None: np.asarray(values, float)


@function("Element.set")
def _set(_, object, key, value=None):
    return object.derive(properties={**object.properties, key: value})


@function("Image.metadata")
def _metadata(_, image, property, name=None):
    if property not in image.properties:
        raise refused(f"Image.metadata: the image has no property '{property}'.")
    return constant(image.properties[property]).derive([name or property])


# ---------------------------------------------------------------- arrays


@function("Image.arrayProject")
def _array_project(_, input, axes):
    def project(values):
        shape = values.shape[2:]
        if any(length > 1 for axis, length in enumerate(shape) if axis not in axes):
            raise refused("Image.arrayProject: dropped axes must be at most length 1.")
        return values.reshape(*values.shape[:2], *(shape[axis] for axis in axes))

    return input.derive(pixels=lambda grid: [(project(v), m) for v, m in input.pixels(grid)])


@function("Image.arrayDotProduct")
def _array_dot_product(_, image1, image2):
    def pixels(grid):
        out = []
        for (a, m), (b, n) in zip(image1.pixels(grid), image2.pixels(grid)):
            if a.ndim != 3 or a.shape != b.shape:
                raise refused("Image.arrayDotProduct: arrays must be of one dimension and of the same length.")
            out.append(((a * b).sum(-1), m & n))
        return out

    return image1.derive(image1.bands, pixels)


# ---------------------------------------------------------------- regressions


@function("Reducer.linearRegression")
def _linear_regression(_, numX, numY=1):
    return ("linearRegression", int(numX), int(numY))


FUNCTIONS["Reducer.countDistinct"] = lambda _: ("countDistinct",)


@function("ImageCollection.reduce")
def _reduce_collection(_, collection, reducer, parallelScale=1):
    if not 1 <= parallelScale <= 16:
        raise refused("ImageCollection.reduce: parallelScale must be from 1 to 16.")
    if not isinstance(reducer, tuple):
        raise refused("The double reduces collections by linearRegression and countDistinct only.")
    return {"linearRegression": _regressed, "countDistinct": _distinct}[reducer[0]](collection, *reducer[1:])


def _distinct(collection):
    """How many different values each band has: missing ones are none."""

    def pixels(grid):
        out = []
        for layers in zip(*(image.pixels(grid) for image in collection)):
            values = np.sort([np.where(m, v, np.inf) for v, m in layers], axis=0)
            fresh = np.isfinite(values) & (np.diff(values, axis=0, prepend=-np.inf) > 0)
            out.append((fresh.sum(0).astype(float), fresh.any(0)))
        return out

    return Image([f"{band}_count" for band in collection[0].bands], pixels)


def _regressed(collection, unknowns, values):
    if any(len(image.bands) != unknowns + values for image in collection):
        raise refused(f"ImageCollection.reduce: the reducer has {unknowns + values} inputs, "
                      f"the collection {len(collection[0].bands)} bands.")  # fmt: skip

    def pixels(grid):
        layers = [image.pixels(grid) for image in collection]
        table = np.stack([np.stack([v for v, _ in one], -1) for one in layers], -2)  # rows, columns, images, bands
        valid = np.stack([np.all([m for _, m in one], 0) for one in layers], -1)
        enough = valid.sum(-1) > unknowns  # else both outputs are null
        table = np.where((valid & enough[..., None])[..., None], table, 0.0)
        table = np.concatenate([table, np.zeros((*table.shape[:2], unknowns, table.shape[-1]))], -2)  # fewer images than unknowns
        x, y = table[..., :unknowns], table[..., unknowns:]
        q, r = np.linalg.qr(x)  # a line of zeros changes no least squares
        r = np.where(enough[..., None, None], r, np.eye(unknowns))
        found = np.linalg.solve(r, np.swapaxes(q, -1, -2) @ y)
        left = np.sqrt(((y - x @ found) ** 2).sum(-2) / np.maximum(valid.sum(-1), 1)[..., None])
        return [(found, enough), (left, enough)]

    return Image(["coefficients", "residuals"], pixels)


# ---------------------------------------------------------------- features


@function("GeometryConstructors.MultiPolygon")
def _multi_polygon(_, coordinates, crs=None, geodesic=None, maxError=None, evenOdd=True):
    name = crs.crs if isinstance(crs, Projection) else crs or "EPSG:4326"
    if geodesic is not False:
        raise refused("The double knows straight edges only.")
    return [[Geometry(tuple(map(tuple, ring)), name) for ring in rings] for rings in coordinates]


FUNCTIONS["Collection"] = lambda _, features: Collection(features)


@function("Collection.loadTable")
def _load_table(interpreter, tableId, geometryColumn=None, version=None):
    if tableId not in interpreter.catalog:
        raise ApiError(404, "NOT_FOUND", f"Collection.loadTable: Collection asset '{tableId}' not found "
                       "(does not exist or caller does not have access).")  # fmt: skip
    return Collection(interpreter.catalog[tableId])


@function("Image.paint")
def _paint(_, image, featureCollection, color=0, width=None):
    if width is not None:
        raise refused("The double paints areas only.")

    def pixels(grid):
        hit = np.zeros((grid.height, grid.width), bool)
        for polygons in featureCollection:
            for rings in polygons:
                covered = np.zeros_like(hit)
                for ring in rings:  # a hole is a ring within
                    covered ^= inside(ring, grid)
                hit |= covered
        return [(np.where(hit, float(color), v), m) for v, m in image.pixels(grid)]

    return image.derive(pixels=pixels)
