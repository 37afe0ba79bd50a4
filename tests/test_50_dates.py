"""Relative paths and dates as a user gives them, in a real QGIS."""

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from osgeo import gdal
from phenofuse.algorithms.bridge import parameters, rasters
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingParameterFile,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
)


def raster(path, value=0.5, bands=("2020-01-04",), **tags):
    """A small raster of one value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = gdal.GetDriverByName("GTiff").Create(str(path), 8, 8, len(bands), gdal.GDT_Float32)
    made.SetGeoTransform((430000, 50, 0, 9240000, 0, -50))
    made.SetProjection('LOCAL_CS["metres"]')
    for number, name in enumerate(bands, start=1):
        made.GetRasterBand(number).WriteArray(np.full((8, 8), value + number / 100, "float32"))
        made.GetRasterBand(number).SetDescription(name)
    made.SetMetadata(tags)
    return path


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with one thing of each kind, in which we are."""
    raster(tmp_path / "rel.tif", variable="NDVI")
    raster(tmp_path / "folder" / "NDVI_20200104.tif", bands=("",))
    raster(tmp_path / "folder" / "NDVI_20200109.tif", bands=("",))
    raster(tmp_path / "plain" / "NDVI_1.tif", bands=("",))
    raster(tmp_path / "plain" / "NDVI_2.tif", bands=("",))
    (tmp_path / "dates.csv").write_text("file,date\nNDVI_1.tif,14/01/2020\nNDVI_2.tif,04/01/2020\n")
    (tmp_path / "rel.phenofuse").write_text("no model")
    (tmp_path / "rel.json").write_text("{}")
    with zipfile.ZipFile(tmp_path / "rel.zip", "w") as packed:
        packed.write(tmp_path / "rel.tif", "NDVI_20200104.tif")
    gdal.Translate(str(tmp_path / "rel.nc"), str(tmp_path / "rel.tif"), format="netCDF")
    monkeypatch.chdir(tmp_path)
    return Path(os.getcwd())


def test_every_kind_of_parameter_gives_the_engine_whole_paths(algorithms, here):
    """Each parameter of each algorithm that names a file or folder, given relative to the folder where QGIS is."""
    seen, context = set(), QgsProcessingContext()
    for algorithm in algorithms:
        for definition in algorithm.parameterDefinitions():
            kind = type(definition)
            if definition.isDestination() or definition.name() == "ZONES":
                continue
            if issubclass(kind, QgsProcessingParameterFile):
                given = "folder" if definition.behavior() == QgsProcessingParameterFile.Behavior.Folder else "rel.json"
            elif issubclass(kind, QgsProcessingParameterMultipleLayers):
                given = ["rel.tif"]
            elif issubclass(kind, (QgsProcessingParameterRasterLayer, QgsProcessingParameterMapLayer)):
                given = "rel.tif"
            elif definition.name() == "DATES":
                given = "dates.csv"
            else:
                continue
            seen.add((kind.__name__, definition.name()))
            found = parameters._value(algorithm, definition, {definition.name(): given}, context)
            found = found[0] if isinstance(found, list) else found
            found = found if isinstance(found, str) or found is None else rasters.layer_address(found)
            if found is None:  # a vector layer asked of a raster
                continue
            name = given[0] if isinstance(given, list) else given
            assert found == str(here / name), (algorithm.id(), definition.name(), found)
    names = {name for _, name in seen}
    assert {"FOLDER", "DATES", "MASK", "MODEL", "MODELS", "KEY_FILE", "INPUT", "COVARIATES", "LAYERS", "REFERENCE"} <= names


@pytest.mark.parametrize(
    "address", ["rel.tif", "netcdf:rel.nc:Band1", "/vsizip/rel.zip/NDVI_20200104.tif", "vrt://rel.tif?bands=1", "GTIFF_DIR:1:rel.tif"]
)
def test_addresses_of_gdal_are_made_whole(here, address):
    """By what reaches the engine GDAL opens the same raster from any other folder."""
    from qgis.core import QgsRasterLayer

    layer = QgsRasterLayer(address, "x", "gdal")
    assert layer.isValid()
    expected = gdal.Open(address).ReadAsArray()
    found = rasters.layer_address(layer)
    os.chdir("/")
    np.testing.assert_array_equal(gdal.Open(found).ReadAsArray(), expected)


def test_building_from_relative_paths(provider, here):
    """FOLDER, DATES, REFERENCE, LAYERS and OUTPUT, all relative."""
    processing.run("phenofuse:buildtimeseries", {"FOLDER": "folder", "REFERENCE": "rel.tif", "OUTPUT": "out.tif"})
    assert names_of(here / "out.tif") == ["2020-01-04", "2020-01-09"]
    processing.run("phenofuse:buildtimeseries", {"FOLDER": "plain", "DATES": "dates.csv", "OUTPUT": "out2.tif"})
    assert names_of(here / "out2.tif") == ["2020-01-04", "2020-01-14"]
    layers = ["folder/NDVI_20200109.tif", "./folder/NDVI_20200104.tif"]
    processing.run("phenofuse:buildtimeseries", {"LAYERS": layers, "OUTPUT": "out3.tif"})
    assert names_of(here / "out3.tif") == ["2020-01-04", "2020-01-09"]


def test_subfolders_and_patterns(provider, here):
    """SUBFOLDERS and DATE_PATTERN reach the engine; what contradicts them is said in the dialog."""
    for day in ("04012020", "09012020"):
        shutil.copytree(here / "plain", here / "tree" / day)
    for path in (here / "tree").glob("*/NDVI_2.tif"):
        path.unlink()
    with pytest.raises(QgsProcessingException, match="SUBFOLDERS"):
        processing.run("phenofuse:buildtimeseries", {"FOLDER": "tree", "OUTPUT": "out.tif"})
    asked = {"FOLDER": "tree", "SUBFOLDERS": True, "DATE_PATTERN": "%d%m%Y", "OUTPUT": "out.tif"}
    processing.run("phenofuse:buildtimeseries", asked)
    assert names_of(here / "out.tif") == ["2020-01-04", "2020-01-09"]
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("phenofuse:buildtimeseries")
    fine, message = algorithm.checkParameterValues({**asked, "DATE_SOURCE": "given", "DATES": "2020-01-01"}, QgsProcessingContext())
    assert not fine and "DATE_PATTERN" in message


def names_of(path):
    """Names of the bands."""
    made = gdal.Open(str(path))
    return [made.GetRasterBand(number).GetDescription() for number in range(1, made.RasterCount + 1)]
