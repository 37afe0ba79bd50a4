"""Sample series in a real QGIS: points and polygons of any layer, all or selected, into memory, files and tables that join."""
from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from osgeo import gdal, osr
from qgis.core import (
    NULL,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerJoinInfo,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import Qt

DATES, ROWS, COLUMNS = ["2023-11-01/2023-11-13", "2023-11-13/2023-11-25", "2023-11-25/2023-12-07"], 8, 12
LEFT, TOP, PIXEL = 500000, 9000000, 50


def raster(path, values, variable, kind=gdal.GDT_Float32, method="fillharmonic") -> str:
    """Write a raster of the contract."""
    file = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, len(DATES), kind)
    file.SetGeoTransform((LEFT, PIXEL, 0, TOP, 0, -PIXEL))
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32749)
    file.SetProjection(crs.ExportToWkt())
    for band, date in enumerate(DATES, start=1):
        file.GetRasterBand(band).WriteArray(values[band - 1])
        file.GetRasterBand(band).SetDescription(date)
    units = "" if variable == "quality" else "1"
    file.SetMetadataItem("PHENOFUSE", json.dumps({"variable": variable, "method": method, "units": units}))
    return str(path)


@pytest.fixture(scope="module")
def filled(tmp_path_factory, qgis_app):
    """Give a fill, its deviations and codes: paths and arrays."""
    folder, rng = tmp_path_factory.mktemp("sampling"), np.random.default_rng(6)
    shape = len(DATES), ROWS, COLUMNS
    values = rng.uniform(0.1, 0.9, shape).astype("float32")
    values[1, 2, 3] = np.nan
    spread = rng.uniform(0.02, 0.1, shape).astype("float32")
    codes = rng.choice([1, 3], shape).astype("uint8")
    codes[1, 2, 3] = 4
    return {"SERIES": [raster(folder / "ndvi.tif", values, "NDVI")],
            "UNCERTAINTIES": [raster(folder / "sd.tif", spread, "standard deviation")],
            "QUALITIES": [raster(folder / "codes.tif", codes, "quality", gdal.GDT_Byte)]}, values, codes


def layer(kind, geometries, field="owner:string", names=("west", "east"), crs="EPSG:4326") -> QgsVectorLayer:
    """A layer in memory, drawn in the rasters' system and moved to another one."""
    found = QgsVectorLayer(f"{kind}?crs=EPSG:32749&field={field}", "fields", "memory")
    for name, geometry in zip(names, geometries):
        feature = QgsFeature(found.fields())
        feature.setAttributes([name])
        feature.setGeometry(geometry)
        found.dataProvider().addFeatures([feature])
    return processing.run("native:reprojectlayer", {"INPUT": found, "TARGET_CRS": crs, "OUTPUT": "TEMPORARY_OUTPUT"})["OUTPUT"]


def halves(**more) -> QgsVectorLayer:
    """The western and the eastern half."""
    boxes = [QgsRectangle(LEFT + 300 * place, TOP - 400, LEFT + 300 * (place + 1), TOP) for place in (0, 1)]
    return layer("Polygon", [QgsGeometry.fromRect(box) for box in boxes], **more)


def spots(**more) -> QgsVectorLayer:
    """A point in column 3, row 2, and one outside."""
    return layer("Point", [QgsGeometry.fromPointXY(QgsPointXY(x, y)) for x, y in ((LEFT + 170, TOP - 120), (LEFT - 5, TOP))], **more)


def run(context=None, **parameters):
    """Run the algorithm; its outputs."""
    given = {"TABLE": "TEMPORARY_OUTPUT", **parameters}
    return processing.run("phenofuse:sampleseries", given, context=context or QgsProcessingContext())


def test_a_table_layer_of_polygons(provider, filled):
    """Without geometry, with typed columns; values, clear shares and counts as counted by hand; numbers that chain."""
    rasters, values, codes = filled
    found = run(**rasters, PLACES=halves(), ID_FIELD="owner")
    table = found["TABLE"]
    assert table.wkbType() == QgsWkbTypes.Type.NoGeometry and found["COUNT"] == 6 and found["MISSING"] == found["OUTSIDE"] == 0
    assert found["PLACES_COUNT"] == 2 and "CSV" not in found
    assert [field.name() for field in table.fields()] == [
        "id", "series", "variable", "date", "period_end", "value", "sd", "kind", "spread", "clear_share", "pixels"]
    rows = list(table.getFeatures())
    for number, row in enumerate(rows):
        half, date = divmod(number, 3)
        area = np.s_[date, :, 6 * half:6 * half + 6]
        assert row["id"] == ("west", "east")[half] and row["variable"] == "NDVI" and row["series"] == "ndvi"
        assert row["date"].toString(Qt.DateFormat.ISODate) == DATES[date][:10]
        assert row["period_end"].toString(Qt.DateFormat.ISODate) == DATES[date][11:]
        assert row["value"] == pytest.approx(np.nanmean(values[area].astype(float)), abs=1e-6)
        assert row["clear_share"] == pytest.approx((codes[area] == 1).mean()) and row["kind"] == "mixed"
        assert row["pixels"] == np.isfinite(values[area]).sum() and 0.02 < row["sd"] < 0.1


def test_points_of_a_selection_and_a_file(provider, filled, tmp_path):
    """Only the selected feature; CSV beside the table; its own id joins the table to the layer."""
    rasters, values, _ = filled
    points = spots()
    first = next(points.getFeatures()).id()
    points.selectByIds([first])
    QgsProject.instance().addMapLayer(points)
    path = str(tmp_path / "values.csv")
    project = QgsProcessingContext()
    project.setProject(QgsProject.instance())
    found = run(project, **rasters, PLACES=QgsProcessingFeatureSourceDefinition(points.id(), True), CSV=path)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert found["CSV"] == path and [row["id"] for row in rows] == [str(first)] * 3 and "pixels" not in rows[0]
    assert [row["kind"] == "missing" for row in rows] == [False, True, False]
    assert float(rows[0]["value"]) == pytest.approx(float(values[0, 2, 3]), abs=1e-7)
    table = found["TABLE"]
    features = list(table.getFeatures())
    assert [one["id"] for one in features] == [first] * 3 and features[1]["value"] == NULL
    QgsProject.instance().removeMapLayer(points.id())


@pytest.mark.parametrize("field, names", [("plot:integer", (7, 8)), ("plot:string", ("a", "b"))])
def test_a_table_joins_its_places(provider, filled, field, names):
    """By the field that gave the ids, numbers or texts, as the layer's properties join tables."""
    rasters, _, _ = filled
    places = halves(field=field, names=names)
    table = run(**rasters, PLACES=places, ID_FIELD="plot", END_DATE="2023-11-12")["TABLE"]
    project = QgsProject.instance()
    project.addMapLayers([places, table])
    join = QgsVectorLayerJoinInfo()
    join.setJoinLayer(table)
    join.setJoinFieldName("id")
    join.setTargetFieldName("plot")
    join.setPrefix("ndvi_")
    assert places.addJoin(join)
    joined = {feature["plot"]: feature["ndvi_value"] for feature in places.getFeatures()}
    assert joined == {row["id"]: row["value"] for row in table.getFeatures()} and set(joined) == set(names)
    project.removeMapLayers([places.id(), table.id()])


@pytest.mark.parametrize("ending", ["gpkg", "csv", "shp", "ods"])
def test_tables_of_every_format(provider, filled, tmp_path, ending):
    """Wherever QGIS can write a table: read again, the same rows."""
    rasters, _, _ = filled
    path = str(tmp_path / f"table.{ending}")
    found = run(**rasters, PLACES=spots(), ID_FIELD="owner", TABLE=path)
    table = QgsVectorLayer(found["TABLE"].replace(".shp", ".dbf"), "table", "ogr")
    rows = list(table.getFeatures())
    assert table.isValid() and len(rows) == 6 and [str(row["id"]) for row in rows] == ["west"] * 3 + ["east"] * 3
    assert {row["kind"] for row in rows[3:]} == {"missing"}


@pytest.mark.parametrize("field, names, expected", [("plot:integer", (7, 8), 7), ("plot:double", (7.5, 8.0), 7.5),
                                                    ("plot:string", ("7", ""), "7"), ("plot:string", ("=1+1", "b"), "=1+1")])
def test_ids_keep_their_type(provider, filled, field, names, expected):
    """Numbers stay numbers and texts texts, also those that a spreadsheet would calculate."""
    rasters, _, _ = filled
    rows = list(run(**rasters, PLACES=halves(field=field, names=names), ID_FIELD="plot")["TABLE"].getFeatures())
    assert rows[0]["id"] == expected and type(rows[0]["id"]) is type(expected)


def test_features_without_geometry_have_rows(provider, filled):
    """An empty feature and one outside are not dropped."""
    rasters, _, _ = filled
    places = halves()
    places.dataProvider().addFeatures([QgsFeature(places.fields())])
    found = run(**rasters, PLACES=places)
    assert len(list(found["TABLE"].getFeatures())) == 9 and found["OUTSIDE"] == 1 and found["MISSING"] == 3


def test_what_is_read_is_never_written_over(provider, filled, tmp_path):
    """The table in the place of the polygons or of a series, a raster's name or a folder; lines; no layer."""
    rasters, _, _ = filled
    path = str(tmp_path / "fields.gpkg")
    processing.run("native:savefeatures", {"INPUT": halves(), "OUTPUT": path})
    before = Path(path).read_bytes()
    for table in (path, rasters["SERIES"][0]):
        with pytest.raises(QgsProcessingException, match="are the same file"):
            run(**rasters, PLACES=path, TABLE=table)
    with pytest.raises(QgsProcessingException, match="are the same file"):
        run(**rasters, PLACES=path, CSV=path)
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(QgsProcessingException, match="is a folder"):
        run(**rasters, PLACES=path, TABLE=str(tmp_path / "folder.gpkg"))
    assert Path(path).read_bytes() == before
    with pytest.raises(QgsProcessingException):
        run(**rasters, PLACES=layer("LineString", [QgsGeometry.fromWkt("LineString(500000 9000000, 500100 8999900)")]))
    with pytest.raises(QgsProcessingException, match="START_DATE lies after END_DATE"):
        run(**rasters, PLACES=path, START_DATE="2024-01-01", END_DATE="2023-01-01")


def test_coordinates_that_are_not_of_their_system_are_said(provider, filled, tmp_path):
    """GeoJSON is in degrees: one with metres in it cannot be brought into the series' system."""
    rasters, _, _ = filled
    path = tmp_path / "metres.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [LEFT + 20, TOP - 20]}}]}))
    told = QgsProcessingFeedback()
    with pytest.raises(QgsProcessingException):
        processing.run("phenofuse:sampleseries", {"TABLE": "TEMPORARY_OUTPUT", **rasters, "PLACES": str(path)}, feedback=told)
    assert "cannot be brought into EPSG:32749. Check the layer's reference system" in told.textLog()


def test_in_a_model(provider, filled, qgis_app):
    """The table of one step feeds the next."""
    rasters, _, _ = filled
    model = QgsProcessingModelAlgorithm("sample", "", "")
    for definition in (QgsProcessingParameterRasterLayer("ndvi", "ndvi"), QgsProcessingParameterFeatureSource("fields", "fields")):
        model.addModelParameter(definition, QgsProcessingModelParameter(definition.name()))
    source = QgsProcessingModelChildParameterSource
    sample = QgsProcessingModelChildAlgorithm("phenofuse:sampleseries")
    sample.setChildId("sample")
    sample.addParameterSources("SERIES", [source.fromModelParameter("ndvi")])
    sample.addParameterSources("PLACES", [source.fromModelParameter("fields")])
    model.addChildAlgorithm(sample)
    best = QgsProcessingModelChildAlgorithm("native:extractbyexpression")
    best.setChildId("best")
    best.addParameterSources("INPUT", [source.fromChildOutput("sample", "TABLE")])
    best.addParameterSources("EXPRESSION", [source.fromStaticValue('"date" >= to_date(\'2023-11-13\')')])
    output = QgsProcessingModelOutput("rows", "rows")
    output.setChildId("best")
    output.setChildOutputName("OUTPUT")
    best.setModelOutputs({"rows": output})
    model.addChildAlgorithm(best)
    found = processing.run(model, {"ndvi": rasters["SERIES"][0], "fields": halves(), "best:rows": "TEMPORARY_OUTPUT"})
    assert len(list(found["best:rows"].getFeatures())) == 4


def test_in_batch(provider, filled, tmp_path):
    """Rows of a batch as the batch dialog runs them: one call each, with files as outputs."""
    rasters, _, _ = filled
    for number, places in enumerate((halves(), spots())):
        path = tmp_path / f"{number}.csv"
        run(**rasters, PLACES=places, TABLE=None, CSV=str(path))
        assert len(path.read_text().splitlines()) == 7
