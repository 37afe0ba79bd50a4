"""What the functions of Earth Engine do, as its documentation says, on numpy arrays. Only what tests call is here."""

from __future__ import annotations

import datetime as dt
import re
import warnings

import numpy as np

from .interpreter import (
    Collection,
    Geometry,
    Image,
    Projection,
    bounds,
    constant,
    grid_over,
    inside,
)
from .protocol import ApiError, refused

FUNCTIONS = {}


def function(*names):
    """Register under some names."""

    def add(body):
        FUNCTIONS.update(dict.fromkeys(names, body))
        return body

    return add


def milliseconds(value) -> int:
    """A date as the service counts it; texts are UTC."""
    if isinstance(value, (int, float)):
        return int(value)
    moment = dt.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)).timestamp() * 1000)


# ---------------------------------------------------------------- arithmetic, pixel by pixel

_BINARY = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "pow": np.power,
    "min": np.minimum, "max": np.maximum,
    "eq": np.equal, "neq": np.not_equal, "lt": np.less, "lte": np.less_equal, "gt": np.greater,
    "gte": np.greater_equal, "and": np.logical_and, "or": np.logical_or,
    "bitwiseAnd": lambda a, b: a.astype("int64") & b.astype("int64"),
}  # fmt: skip
_UNARY = {"sin": np.sin, "cos": np.cos, "log10": np.log10, "log": np.log, "tanh": np.tanh, "exp": np.exp,
          "floor": np.floor, "not": lambda v: v == 0}


def _divided(a, b):
    return np.where(b == 0, 0.0, a / np.where(b == 0, 1, b))  # "0 for division by 0"


_BINARY["divide"] = _divided


def _binary(name, operation):
    def call(_, image1, image2):
        a, b = constant(image1), constant(image2)
        if len(a.bands) != len(b.bands) and 1 not in (len(a.bands), len(b.bands)):
            raise refused(f"Image.{name}: images must have the same number of bands or one band.")
        lead = a if len(a.bands) >= len(b.bands) else b

        def pixels(grid):
            first, second = a.pixels(grid), b.pixels(grid)
            count = max(len(first), len(second))
            first, second = (side * count if len(side) == 1 else side for side in (first, second))
            with np.errstate(all="ignore"):
                made = [(np.asarray(operation(x, y), float), m & n) for (x, m), (y, n) in zip(first, second)]
            return [(np.nan_to_num(v), m & np.isfinite(v)) for v, m in made]

        return lead.derive(lead.bands, pixels, properties={}, projection=a.projection)

    return call


def _unary(operation, kind=None):
    def call(_, **arguments):
        image = constant(next(iter(arguments.values())))

        def pixels(grid):
            with np.errstate(all="ignore"):
                made = [(np.asarray(operation(v), float), m) for v, m in image.pixels(grid)]
            return [(np.nan_to_num(v), m & np.isfinite(v)) for v, m in made]

        return image.derive(pixels=pixels, types=[kind] * len(image.bands) if kind else image.types)

    return call


for _name, _operation in _BINARY.items():
    FUNCTIONS[f"Image.{_name}"] = _binary(_name, _operation)
for _name, _operation in _UNARY.items():
    FUNCTIONS[f"Image.{_name}"] = _unary(_operation)
FUNCTIONS["Image.toFloat"] = FUNCTIONS["Image.float"] = _unary(lambda v: v.astype("f4"), "float")
FUNCTIONS["Image.toDouble"] = FUNCTIONS["Image.double"] = _unary(lambda v: v, "double")

# ---------------------------------------------------------------- values

FUNCTIONS.update({
    "Date": lambda _, value, timeZone=None: milliseconds(value),
    "DateRange": lambda _, start, end=None, timeZone=None: (
        milliseconds(start), milliseconds(end) if end is not None else milliseconds(start) + 1),
    "Projection": lambda _, crs, transform=None, transformWkt=None: Projection(crs, tuple(transform or (1, 0, 0, 0, 1, 0))),
    "Feature": lambda _, geometry=None, metadata=None: geometry,
    "Number.add": lambda _, left, right: left + right,
    "Number.subtract": lambda _, left, right: left - right,
    "Image.constant": lambda _, value: constant(value),
    "Image.projection": lambda _, image: image.projection,
    "Image.bandNames": lambda _, image: list(image.bands),
    "Element.get": lambda _, object, property: object.properties.get(property),
    "Collection.size": lambda _, collection: len(collection),
    "ImageCollection.merge": lambda _, collection1, collection2: Collection([*collection1, *collection2]),
    "Collection.map": lambda _, collection, baseAlgorithm, dropNulls=False: Collection(baseAlgorithm(i) for i in collection),
    "Collection.filter": lambda _, collection, filter: Collection(i for i in collection if filter(i)),
    "ImageCollection.fromImages": lambda _, images: Collection(images),
    "AggregateFeatureCollection.array": lambda _, collection, property: [
        i.properties[property] for i in collection if property in i.properties],
})  # fmt: skip


@function("GeometryConstructors.Polygon", "GeometryConstructors.Rectangle")
def _geometry(_, coordinates, crs=None, **others):
    corners = np.reshape(np.asarray(coordinates, float), (-1, 2))
    if len(corners) == 2:
        (x0, y0), (x1, y1) = corners
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    name = crs.crs if isinstance(crs, Projection) else crs or "EPSG:4326"
    if isinstance(crs, Projection):  # coordinates are those of its pixels
        a, b, c, d, e, f = crs.transform
        corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in corners]
    return Geometry(tuple(tuple(map(float, corner)) for corner in corners), name)


@function("ImageCollection.load")
def _load_collection(interpreter, id, version=None):
    if id not in interpreter.catalog:
        raise ApiError(404, "NOT_FOUND", f"ImageCollection.load: ImageCollection asset '{id}' not found "
                       "(does not exist or caller does not have access).")  # fmt: skip
    return Collection(interpreter.catalog[id])


@function("Image.load")
def _load_image(interpreter, id, version=None):
    for collection in interpreter.catalog.values():
        for image in collection:
            if isinstance(image, Image) and image.properties.get("system:id") == id:
                return image
    raise ApiError(404, "NOT_FOUND", f"Image.load: Image asset '{id}' not found "
                   "(does not exist or caller does not have access).")  # fmt: skip


# ---------------------------------------------------------------- filters

_COMPARISONS = {
    "lessThan": lambda a, b: a < b,
    "greaterThan": lambda a, b: a > b,
    "equals": lambda a, b: a == b,
    "listContains": lambda a, b: b in a,
    "inList": lambda a, b: b in a if isinstance(a, list) else a in b,
    "dateRangeContains": lambda a, b: a[0] <= b < a[1],
}


def _comparison(operation):
    def call(_, leftField=None, rightValue=None, rightField=None, leftValue=None):
        def test(image):
            left = image.properties.get(leftField) if leftField else leftValue
            right = image.properties.get(rightField) if rightField else rightValue
            return left is not None and right is not None and operation(left, right)

        return test

    return call


for _name, _operation in _COMPARISONS.items():
    FUNCTIONS[f"Filter.{_name}"] = _comparison(_operation)
FUNCTIONS["Filter.and"] = lambda _, filters: lambda image: all(test(image) for test in filters)
FUNCTIONS["Filter.or"] = lambda _, filters: lambda image: any(test(image) for test in filters)
FUNCTIONS["Filter.not"] = lambda _, filter: lambda image: not filter(image)


@function("Filter.intersects")
def _intersects(_, rightValue, leftField=None, **others):
    def test(image):
        a, b = bounds(image.footprint, rightValue.crs), bounds(rightValue, rightValue.crs)
        return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

    return test


# ---------------------------------------------------------------- bands and masks


def _chosen(image, selectors) -> list:
    found = []
    for wanted in selectors if isinstance(selectors, list) else [selectors]:
        exact = [i for i, band in enumerate(image.bands) if band == wanted]
        hits = [wanted] if isinstance(wanted, int) else exact or [
            i for i, band in enumerate(image.bands) if re.fullmatch(str(wanted), band)]
        if not hits:
            raise refused(f"Image.select: Band pattern '{wanted}' did not match any bands. "
                          f"Available bands: [{', '.join(image.bands)}]")  # fmt: skip
        found += hits
    return found


@function("Image.select")
def _select(_, input, bandSelectors, newNames=None):
    index = _chosen(input, bandSelectors)
    return input.derive(newNames or [input.bands[i] for i in index], lambda grid: [input.pixels(grid)[i] for i in index],
                        types=[input.types[i] for i in index])


@function("Image.rename")
def _rename(_, input, names):
    names = names if isinstance(names, list) else [names]
    if len(names) != len(input.bands):
        raise refused(f"Image.rename: The number of names ({len(names)}) must match the number of bands ({len(input.bands)}).")
    return input.derive(names, types=input.types)


@function("Image.normalizedDifference")
def _normalized_difference(_, input, bandNames=None):
    i, j = _chosen(input, bandNames) if bandNames else (0, 1)

    def pixels(grid):
        (x, m), (y, n) = input.pixels(grid)[i], input.pixels(grid)[j]
        with np.errstate(all="ignore"):
            values = (x - y) / (x + y)
        return [(np.nan_to_num(values), m & n & (x >= 0) & (y >= 0) & (x + y != 0))]  # a negative input masks

    return input.derive(["nd"], pixels, properties={})  # properties are not retained


FUNCTIONS["Image.clamp"] = lambda _, input, low, high: input.derive(
    pixels=lambda grid: [(np.clip(v, low, high), m) for v, m in input.pixels(grid)])


@function("Image.updateMask")
def _update_mask(_, image, mask):
    mask = constant(mask)

    def pixels(grid):
        values, masks = image.pixels(grid), mask.pixels(grid)
        masks = masks * len(values) if len(masks) == 1 else masks
        return [(v, m & n & (w != 0)) for (v, m), (w, n) in zip(values, masks)]

    return image.derive(pixels=pixels)


@function("Image.unmask")
def _unmask(_, input, value=0, sameFootprint=True):
    fill = constant(0 if value is None else value)

    def pixels(grid):
        bands, others = input.pixels(grid), fill.pixels(grid)
        others = others * len(bands) if len(others) == 1 else others
        return [(np.where(m, v, w), m | n) for (v, m), (w, n) in zip(bands, others)]

    return input.derive(pixels=pixels)


@function("Image.mask")
def _mask(_, image, mask=None):
    if mask is not None:
        return image.derive(pixels=lambda grid: [(v, mask.pixels(grid)[0][0] != 0) for v, _ in image.pixels(grid)])
    return image.derive(pixels=lambda grid: [(m.astype(float), np.ones_like(m)) for _, m in image.pixels(grid)])


@function("Image.addBands")
def _add_bands(_, dstImg, srcImg, names=None, overwrite=False):
    srcImg = constant(srcImg)
    index = _chosen(srcImg, names) if names else list(range(len(srcImg.bands)))
    fresh = [srcImg.bands[i] for i in index]
    kept = [i for i, band in enumerate(dstImg.bands) if not (overwrite and band in fresh)]
    base = [dstImg.bands[i] for i in kept]
    fresh = [band if band not in base else band + "_1" for band in fresh]  # a clash is renamed, not refused

    def pixels(grid):
        a, b = dstImg.pixels(grid), srcImg.pixels(grid)
        return [a[i] for i in kept] + [b[i] for i in index]

    return dstImg.derive(base + fresh, pixels, types=[dstImg.types[i] for i in kept] + [srcImg.types[i] for i in index])


@function("Image.linkCollection")
def _link(interpreter, input, imageCollection, linkedBands=None, linkedProperties=None, matchPropertyName="system:index"):
    names = [linkedBands] if isinstance(linkedBands, str) else linkedBands
    for other in imageCollection:
        if other.properties.get(matchPropertyName) == input.properties.get(matchPropertyName):
            return _add_bands(interpreter, input, other, names, overwrite=True)

    def nothing(grid):
        shape = (grid.height, grid.width)
        return [(np.zeros(shape), np.zeros(shape, bool))] * len(names)

    return _add_bands(interpreter, input, constant(0).derive(names, nothing), overwrite=True)


# ---------------------------------------------------------------- collections to images, images to numbers


def _quiet(reduce):
    def call(values):
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of pixels without any value
            return reduce(values, 0)

    return call


_STATISTICS = {"min": _quiet(np.nanmin), "max": _quiet(np.nanmax), "median": _quiet(np.nanmedian),
               "mean": _quiet(np.nanmean), "sum": _quiet(np.nansum),
               "count": lambda values: np.isfinite(values).sum(0).astype(float)}  # fmt: skip


def _reduced(collection, reduce) -> Image:
    if not collection:
        return Image([], lambda grid: [])  # an empty collection reduces to an image without bands
    first = collection[0]
    if any(image.bands != first.bands or image.types != first.types for image in collection):
        raise refused("Expected a homogeneous image collection, but an image with incompatible bands was encountered.")

    def pixels(grid):
        stacks = [image.pixels(grid) for image in collection]
        out = []
        for band in range(len(first.bands)):
            values = np.array([np.where(m, v, np.nan) for v, m in (one[band] for one in stacks)])
            out.append((np.nan_to_num(reduce(values)), np.isfinite(values).any(0)))
        return out

    return Image(first.bands, pixels)


for _name, _reduce in _STATISTICS.items():
    FUNCTIONS[f"reduce.{_name}"] = lambda _, collection, _reduce=_reduce: _reduced(collection, _reduce)


@function("ImageCollection.toBands")
def _to_bands(_, collection):
    names = [f"{number}_{band}" for number, image in enumerate(collection) for band in image.bands]
    return Image(names, lambda grid: [band for image in collection for band in image.pixels(grid)])


@function("ImageCollection.mosaic")
def _mosaic(_, collection):
    def last(values):
        out = values[0]
        for layer in values[1:]:
            out = np.where(np.isfinite(layer), layer, out)
        return out

    return _reduced(collection, last)


# A reducer is a list of (suffix, function of the valid values).
_ONE = {
    "min": np.min, "max": np.max, "mean": np.mean, "sum": np.sum, "stdDev": np.std, "median": np.median,
}  # fmt: skip
for _name, _f in _ONE.items():
    FUNCTIONS[f"Reducer.{_name}"] = lambda _, _name=_name, _f=_f, **others: [(_name, _f)]
FUNCTIONS["Reducer.count"] = lambda _: [("count", len)]
FUNCTIONS["Reducer.minMax"] = lambda _: [("min", np.min), ("max", np.max)]
FUNCTIONS["Reducer.percentile"] = lambda _, percentiles, outputNames=None, **others: [
    (name, lambda v, p=p: np.percentile(v, p)) for p, name in zip(percentiles, outputNames or [f"p{p}" for p in percentiles])]


@function("Reducer.combine")
def _combine(_, reducer1, reducer2, outputPrefix="", sharedInputs=False):
    if not sharedInputs:
        raise refused("The double combines reducers of shared inputs only.")
    return reducer1 + reducer2


FUNCTIONS["Reducer.pearsonsCorrelation"] = lambda _: "correlation"


def _correlation(image, pixels, hit) -> dict:
    """Of the two bands of an image, where both are valid."""
    (x, m), (y, n) = pixels
    both = m & n & hit
    x, y = x[both], y[both]
    usable = x.size > 2 and x.std() > 0 and y.std() > 0
    return {"correlation": float(np.corrcoef(x, y)[0, 1]) if usable else None, "p-value": None}


@function("Image.reduceRegion")
def _reduce_region(_, image, reducer, geometry=None, scale=None, crs=None, crsTransform=None, maxPixels=1e7,
                   bestEffort=False, tileScale=1):  # fmt: skip
    if crs is None:
        projection = image.projection
    else:
        projection = Projection(crs, (1, 0, 0, 0, 1, 0)) if isinstance(crs, str) else crs
    if crsTransform:
        projection = Projection(projection.crs, tuple(crsTransform))
    grid = grid_over(geometry, projection, scale)
    if grid.width * grid.height > maxPixels:
        raise refused(f"Image.reduceRegion: Too many pixels in the region. Found {grid.width * grid.height}, "
                      f"but maxPixels allows only {int(maxPixels)}.")  # fmt: skip
    hit, out = inside(geometry, grid), {}
    if reducer == "correlation":
        return _correlation(image, image.pixels(grid), hit)
    for band, (values, mask) in zip(image.bands, image.pixels(grid)):
        chosen = values[mask & hit]
        for suffix, reduce in reducer:
            name = band if len(reducer) == 1 else f"{band}_{suffix}"
            out[name] = (int(reduce(chosen)) if suffix == "count" else
                         float(reduce(chosen)) if chosen.size or suffix == "sum" else None)
    return out


@function("Image.reproject")
def _reproject(_, image, crs, crsTransform=None, scale=None):
    name = crs.crs if isinstance(crs, Projection) else crs
    return image.derive(projection=Projection(name, tuple(crsTransform or crs.transform)))


@function("Image.clipToBoundsAndScale")
def _clip_to_bounds(_, input, geometry=None, width=None, height=None, maxDimension=None, scale=None):
    return input.derive(grid=grid_over(geometry, input.projection, scale))
