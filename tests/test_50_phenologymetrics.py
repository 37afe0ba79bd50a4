"""Phenology metrics in a real QGIS: with the input alone, with polygons of a layer, and refused where it makes no sense."""
from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from osgeo import gdal, osr
from phenofuse.algorithms.bridge import styles
from qgis.core import (
    NULL,
    QgsFeature,
    QgsGeometry,
    QgsProcessingException,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt

STEP, DATES = 10, 73
LEFT, TOP, PIXEL = 500000, 9000000, 50


@pytest.fixture(scope="module")
def series(tmp_path_factory, qgis_app) -> str:
    """Two years of 12 x 8 pixels: two seasons a year in the west, one in the east."""
    path = str(tmp_path_factory.mktemp("phenology") / "ndvi.tif")
    days = np.datetime64("2023-01-01") + STEP * np.arange(DATES)
    turn = 2 * np.pi * STEP * np.arange(DATES) / 365.25
    crops = np.where(np.arange(12) < 6, 2, 1)
    values = 0.45 - 0.35 * np.cos(turn[:, None, None] * crops) * np.ones((1, 8, 1))
    file = gdal.GetDriverByName("GTiff").Create(path, 12, 8, DATES, gdal.GDT_Float32)
    file.SetGeoTransform((LEFT, PIXEL, 0, TOP, 0, -PIXEL))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32749)
    file.SetProjection(crs.ExportToWkt())
    for band in range(DATES):
        file.GetRasterBand(band + 1).WriteArray(values[band])
        file.GetRasterBand(band + 1).SetDescription(str(days[band]))
    file.SetMetadataItem("variable", "NDVI")
    return path


def halves() -> QgsVectorLayer:
    """Two named fields in degrees: the western and the eastern half."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32749&field=owner:string", "fields", "memory")
    for place, name in enumerate(("west", "east")):
        feature = QgsFeature(layer.fields())
        feature["owner"] = name
        box = QgsRectangle(LEFT + 300 * place, TOP - 400, LEFT + 300 * (place + 1), TOP)
        feature.setGeometry(QgsGeometry.fromRect(box))
        layer.dataProvider().addFeatures([feature])
    return processing.run("native:reprojectlayer", {"INPUT": layer, "TARGET_CRS": "EPSG:4326", "OUTPUT": "TEMPORARY_OUTPUT"})["OUTPUT"]


def run(series, **parameters):
    """Run the algorithm."""
    return processing.run("phenofuse:phenologymetrics", {"INPUT": series, **parameters})


def test_the_input_alone_is_enough(provider, series):
    """A raster of starts with a band per season, and a number that chains; nothing that was not asked for stays."""
    found = run(series, OUTPUT="TEMPORARY_OUTPUT")
    assert found["SEASONS_PER_YEAR"] == pytest.approx(1.5, abs=0.05)
    layer = QgsRasterLayer(found["OUTPUT"])
    assert layer.bandCount() == 6 and layer.bandName(1).endswith("season 1")
    styles.apply(layer, styles.KIND_OF_VARIABLE["date"])
    assert layer.renderer().classificationMin() == 10957
    assert not {"SEASONS", "PLANTING", "EVENTS", "ZONAL_SUMMARY", "UNCERTAINTY_DAYS"} & set(found)
    assert not list(Path(found["OUTPUT"]).parent.glob(".*seasons*"))


def test_polygons_of_a_layer_are_summed_up_by_the_name_in_a_field(provider, series, tmp_path):
    """The table names the polygons as the field does, or by feature id."""
    for field, names in (("owner", ["west", "east"]), (None, None)):
        table = tmp_path / f"{field}.csv"
        run(series, OUTPUT="TEMPORARY_OUTPUT", PEAK="TEMPORARY_OUTPUT", ZONES=halves(), ZONE_FIELD=field, ZONAL_SUMMARY=str(table))
        with open(table, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        assert [row["zone"] for row in rows] == (names or ["1", "2"])
        assert [row["pixels"] for row in rows] == ["48", "48"]
        assert [row["usual_seasons"] for row in rows] == ["4", "2"]
        assert rows[1]["peak_1"].startswith("2023-0")


def test_polygons_come_back_with_their_seasons(provider, series, tmp_path):
    """A GeoPackage holds the polygons where they were, with the table's cells as numbers, names and dates; no table stays."""
    path, table = str(tmp_path / "fields.gpkg"), tmp_path / "table.csv"
    found = run(series, OUTPUT="TEMPORARY_OUTPUT", PEAK="TEMPORARY_OUTPUT", ZONES=halves(), ZONE_FIELD="owner", ZONAL_LAYER=path)
    assert found["ZONAL_LAYER"] == path and "ZONAL_SUMMARY" not in found and [one.name for one in tmp_path.iterdir()] == ["fields.gpkg"]
    run(series, OUTPUT="TEMPORARY_OUTPUT", PEAK="TEMPORARY_OUTPUT", ZONES=halves(), ZONE_FIELD="owner", ZONAL_SUMMARY=str(table))
    layer = QgsVectorLayer(path)
    assert layer.isValid() and layer.crs().authid() == "EPSG:32749"
    features = {feature["zone"]: feature for feature in layer.getFeatures()}
    assert features["west"].geometry().boundingBox().center().x() == pytest.approx(LEFT + 150, abs=0.1)
    with open(table, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            feature = features[row["zone"]]
            assert feature["pixels"] == int(row["pixels"]) == 48 and feature["usual_seasons"] == int(row["usual_seasons"])
            assert feature["seasons_2_percent"] == float(row["seasons_2_percent"])
            assert feature["peak_1"].toString(Qt.DateFormat.ISODate) == row["peak_1"] != ""
    assert features["east"]["peak_4"] == NULL


def test_polygons_that_are_given_are_never_written(provider, series, tmp_path):
    """The engine gets a copy of them, so that only this side knows where they lie: no output takes their place."""
    path = str(tmp_path / "fields.gpkg")
    processing.run("native:savefeatures", {"INPUT": halves(), "OUTPUT": path})
    before = Path(path).read_bytes()
    for key, outputs in (("ZONES", {"ZONAL_LAYER": path}), ("ZONES", {"ZONAL_SUMMARY": path}), ("MASK", {"OUTPUT": path})):
        with pytest.raises(QgsProcessingException, match="are the same file|is not written"):
            run(series, **{"OUTPUT": "TEMPORARY_OUTPUT", key: path, **outputs})
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(QgsProcessingException, match="is a folder"):
        run(series, OUTPUT="TEMPORARY_OUTPUT", ZONES=path, ZONAL_LAYER=str(tmp_path / "folder.gpkg"))
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize("parameters, words", [({"THRESHOLD": 3}, "share of the amplitude"),
                                               ({"ZONAL_LAYER": "TEMPORARY_OUTPUT"}, "needs polygons"),
                                               ({"UNCERTAINTY_DAYS": "TEMPORARY_OUTPUT"}, "standard deviations")])
def test_what_makes_no_sense_is_refused(provider, series, parameters, words):
    """A threshold that is no share; deviations in days without those of the fill."""
    with pytest.raises(QgsProcessingException, match=words):
        run(series, OUTPUT="TEMPORARY_OUTPUT", **parameters)
