"""The MASK parameter: a layer in any reference system becomes a file in that of the series."""
from __future__ import annotations

import json
import os

import pytest

pytest.importorskip("qgis.core")
from osgeo import gdal
from phenofuse.algorithms.bridge.mask import mask_file
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)

UTM = QgsCoordinateReferenceSystem("EPSG:32749")
SQUARE = "POLYGON((111 -7, 111.01 -7, 111.01 -7.01, 111 -7.01, 111 -7))"


def polygons(*texts, kind="Polygon", crs="EPSG:4326") -> QgsVectorLayer:
    """A layer in memory with a feature per WKT text; None is a feature without geometry."""
    layer = QgsVectorLayer(f"{kind}?crs={crs}", "fields", "memory")
    features = []
    for text in texts:
        feature = QgsFeature()
        if text:
            feature.setGeometry(QgsGeometry.fromWkt(text))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def geometries(path) -> list:
    """Geometries of a GeoJSON file."""
    with open(path, encoding="utf-8") as file:
        return [feature["geometry"] for feature in json.load(file)["features"]]


def test_polygons_are_brought_into_the_series_reference_system(tmp_path, qgis_app):
    """Every corner lies where QGIS's own transformation puts it, to a micrometre; holes stay."""
    hole = "(111.002 -7.002, 111.004 -7.002, 111.004 -7.004, 111.002 -7.002)"
    layer = polygons(SQUARE, SQUARE[:-1] + f", {hole})")
    found = geometries(mask_file(layer, UTM, tmp_path))
    assert [g["type"] for g in found] == ["Polygon"] * 2 and [len(g["coordinates"]) for g in found] == [1, 2]
    transform = QgsCoordinateTransform(layer.crs(), UTM, QgsProject.instance())
    for (x, y), (longitude, latitude) in zip(found[0]["coordinates"][0], [(111, -7), (111.01, -7), (111.01, -7.01)]):
        point = transform.transform(QgsPointXY(longitude, latitude))
        assert (x, y) == pytest.approx((point.x(), point.y()), abs=1e-6)


def test_all_features_whether_selected_or_not(tmp_path, qgis_app):
    """A selection in the layer does not change the result."""
    layer = polygons(SQUARE, SQUARE.replace("111", "112"))
    layer.selectByIds([1])
    assert len(geometries(mask_file(layer, UTM, tmp_path))) == 2


def test_heights_curves_parts_and_empty_features(tmp_path, qgis_app):
    """Heights are dropped, curves become corners, parts stay together, features without geometry are left out."""
    layer = polygons("PolygonZ((111 -7 5, 111.01 -7 5, 111.01 -7.01 5, 111 -7 5))", None)
    assert all(len(point) == 2 for point in geometries(mask_file(layer, UTM, tmp_path))[0]["coordinates"][0])
    circle = "CurvePolygon(CircularString(111 -7, 111.01 -7.01, 111 -7.02, 110.99 -7.01, 111 -7))"
    curved = polygons(circle, kind="CurvePolygon")
    shape = geometries(mask_file(curved, UTM, tmp_path))[0]
    assert shape["type"] == "Polygon" and len(shape["coordinates"][0]) > 50
    parts = polygons(SQUARE.replace("POLYGON", "MULTIPOLYGON(") + ")", kind="MultiPolygon")
    assert geometries(mask_file(parts, UTM, tmp_path))[0]["type"] == "MultiPolygon"


@pytest.mark.parametrize(("layer", "sentence"), [
    (lambda: polygons("Point(111 -7)", kind="Point"), "holds no polygons"),
    (lambda: polygons(), "is empty"),
    (lambda: polygons(None), "is empty"),
    (lambda: polygons(SQUARE, crs=""), "has no reference system"),
])
def test_what_cannot_be_a_mask_is_said(layer, sentence, tmp_path, qgis_app):
    """One plain sentence with the layer's name and what to do."""
    with pytest.raises(QgsProcessingException, match=f"fields {sentence}"):
        mask_file(layer(), UTM, tmp_path)


def test_the_same_polygons_are_the_same_file(tmp_path, qgis_app):
    """A rerun gives the very file of the first run, untouched, so that its journal knows it; other polygons another."""
    first = mask_file(polygons(SQUARE), UTM, tmp_path)
    os.utime(first, (1, 1))
    assert mask_file(polygons(SQUARE), UTM, tmp_path) == first and os.path.getmtime(first) == 1
    assert mask_file(polygons(SQUARE.replace("111.01", "111.02")), UTM, tmp_path) != first
    assert len(list(tmp_path.iterdir())) == 2


def test_a_raster_is_its_own_file(tmp_path, qgis_app):
    """A raster mask goes to the engine as it is."""
    path = str(tmp_path / "mask.tif")
    gdal.GetDriverByName("GTiff").Create(path, 4, 4, 1, gdal.GDT_Byte).FlushCache()
    assert mask_file(QgsRasterLayer(path), UTM, tmp_path) == path


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["square", "bowtie"])
def test_19_masks_passes(shared_data, tmp_path, qgis_app, name):
    """Polygons in degrees, one that crosses itself, mean the same pixels as those in the series' own system."""
    from osgeo import ogr

    folder = shared_data.parent / "cases" / "files" / "19-masks"
    if not folder.is_dir():
        pytest.skip(f"no cases in {folder.parent}")
    raster = gdal.Open(str(folder / "ndvi.tif"))

    def burnt(path):
        target = gdal.GetDriverByName("MEM").Create("", raster.RasterXSize, raster.RasterYSize, 1)
        target.SetGeoTransform(raster.GetGeoTransform())
        source = ogr.Open(str(path))
        gdal.RasterizeLayer(target, [1], source.GetLayer(), burn_values=[1])
        return target.ReadAsArray()

    layer = QgsVectorLayer(str(folder / f"{name}4326.gpkg"), name)
    crs = QgsRasterLayer(str(folder / "ndvi.tif"), "ndvi").crs()
    found = burnt(mask_file(layer, crs, tmp_path))
    assert 0 < found.sum() < found.size
    rows, columns = (found != burnt(folder / f"{name}.geojson")).nonzero()
    assert name == "bowtie" or not len(rows)
    assert all(row in (column, found.shape[1] - 1 - column) for row, column in zip(rows, columns))  # edges through middles
