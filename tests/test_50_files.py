"""Files as people have them, in a real QGIS: where layers lie, what they call nothing, what can be written."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterRasterDestination,
    QgsProject,
    QgsRasterLayer,
    QgsRasterRange,
    QgsVectorLayer,
)


@pytest.fixture(scope="module")
def cases(shared_data, tmp_path_factory):
    """Give a copy of the inputs after public bug reports (QGIS writes statistics beside them), or skip."""
    folder = shared_data.parent / "cases" / "files"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    target = tmp_path_factory.mktemp("cases") / "files"
    shutil.copytree(folder, target, copy_function=shutil.copyfile)
    return target


@pytest.fixture(scope="module")
def scene(provider, tmp_path_factory):
    """A small simulated scene and its NDVI series."""
    folder = tmp_path_factory.mktemp("files")
    processing.run("phenofuse:createsamplescene", {"SIZE": 24, "PERIODS": 12, "SEED": 5, "FOLDER": str(folder / "scene")})
    build = {"FOLDER": str(folder / "scene"), "VARIABLE": "NDVI", "OUTPUT": str(folder / "ndvi.tif")}
    return folder / "scene", processing.run("phenofuse:buildtimeseries", build)["OUTPUT"]


def of_the_project() -> QgsProcessingContext:
    """A context that knows the project's layers."""
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    return context


def refused(algorithm, parameters) -> str:
    """What the dialog says; '' where it accepts."""
    fine, message = algorithm.create().checkParameterValues(parameters, of_the_project())
    return "" if fine else message


def told(algorithm, parameters) -> dict:
    """What the engine would be told."""
    from phenofuse.algorithms.bridge import parameters as shared

    return shared.values(algorithm.create(), parameters, of_the_project())


def built(output, **parameters):
    """A series built by Processing, as a layer; and what was said."""

    class Heard(QgsProcessingFeedback):
        def __init__(self):
            super().__init__()
            self.said = []

        def pushInfo(self, info):
            self.said.append(info)

        pushWarning = pushInfo

    heard = Heard()
    path = processing.run("phenofuse:buildtimeseries", {"OUTPUT": str(output), **parameters}, feedback=heard)["OUTPUT"]
    return QgsRasterLayer(path, "built"), heard.said


def value(layer, band=1, where=None) -> tuple:
    """What QGIS reads of a layer's middle."""
    return layer.dataProvider().sample(where or layer.extent().center(), band)


@pytest.mark.realdata
def test_20_layers_of_a_project_zip_member_keeps_vsizip(provider, project, cases, tmp_path):
    """By the layer's name, by the layer itself, and by its address as text."""
    address = f"/vsizip/{cases}/18-formats/ndvi.zip/NDVI_20200104.tif"
    layer = QgsRasterLayer(address, "zipped")
    QgsProject.instance().addMapLayer(layer)
    for given in ("zipped", layer, address):
        found, _ = built(tmp_path / "o.tif", LAYERS=[given], VARIABLE="NDVI")
        assert value(found)[0] == pytest.approx(0.2, abs=1e-6)


@pytest.mark.realdata
def test_20_layers_of_a_project_the_additional_no_data_value_holds(provider, project, cases, tmp_path):
    """A number that no product declares, so that the layer alone can know it."""
    path = str(cases / "20-layers-of-a-project" / "MOD13Q1_20200104_NDVI.tif")
    layer = QgsRasterLayer(path, "masked")
    layer.dataProvider().setUserNoDataValue(1, [QgsRasterRange(3000, 3000)])
    QgsProject.instance().addMapLayer(layer)
    plain, _ = built(tmp_path / "p.tif", LAYERS=[shutil.copy(path, str(tmp_path / "NDVI_20200104.tif"))], SCALE=0.0001)
    masked, _ = built(tmp_path / "m.tif", LAYERS=["masked"], VARIABLE="NDVI", SCALE=0.0001)
    assert value(plain)[0] == pytest.approx(0.3) and not value(masked)[1]


@pytest.mark.realdata
def test_20_layers_of_a_project_hdf4_names_the_reader(provider, cases, tmp_path):
    """QGIS opens it; the engine says what it lacks, and what QGIS can do about it."""
    path = next((cases / "18-formats" / "hdf4").glob("*.hdf"))
    with pytest.raises(QgsProcessingException, match="cannot be read: it is HDF4.*gdal:translate"):
        built(tmp_path / "o.tif", LAYERS=[str(path)])


@pytest.mark.realdata
def test_17_netcdf_in_layers_and_in_every_other_raster_parameter(provider, project, cases, tmp_path):
    """QGIS takes the path for a vector layer, or a mesh."""
    path = str(cases / "02-netcdf-overpass-times" / "s2_ndvi.nc")
    found, _ = built(tmp_path / "o.tif", LAYERS=[path])
    assert found.bandCount() == 5
    vector = QgsVectorLayer(path, "vector", "ogr")
    QgsProject.instance().addMapLayer(vector)
    for given in (path, "vector", vector):
        assert told(provider.algorithm("buildtimeseries"), {"LAYERS": [given]})["LAYERS"] == [path]
    fill = provider.algorithm("fillmogpr")
    assert told(fill, {"INPUT": path, "COVARIATES": [path]})["INPUT"] == path
    assert not refused(fill, {"INPUT": path, "COVARIATES": [path], "OUTPUT": str(tmp_path / "f.tif")})
    again, _ = built(tmp_path / "r.tif", LAYERS=[path], REFERENCE=path)
    assert again.bandCount() == 5


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["x.gpkg", "x.vrt", "x.jp2", "x.img", "x", "x.nc.tif.png"])
def test_48_output_extension_is_refused_in_the_dialog(provider, cases, tmp_path, name):
    """Before the engine is started, with what can be written."""
    given = {"FOLDER": str(cases / "37-empty-dates"), "OUTPUT": str(tmp_path / name)}
    message = refused(provider.algorithm("buildtimeseries"), given)
    assert message.startswith(f"OUTPUT is to be {name}") and "GeoTIFF (.tif, .tiff) or NetCDF (.nc)" in message
    with pytest.raises(QgsProcessingException):
        processing.run("phenofuse:buildtimeseries", given)
    assert not list(tmp_path.iterdir())


def test_the_provider_declares_what_it_writes(provider, algorithms):
    """The dialog offers these alone; temporary outputs are GeoTIFFs."""
    assert provider.supportedOutputRasterLayerExtensions() == ["tif", "tiff", "nc"]
    assert provider.defaultRasterFileExtension() == "tif"
    for algorithm in algorithms:
        for one in algorithm.destinationParameterDefinitions():
            if isinstance(one, QgsProcessingParameterRasterDestination):
                assert one.supportedOutputRasterLayerExtensions() == ["tif", "tiff", "nc"]


@pytest.mark.parametrize("algorithm, key", [("phenologymetrics", "OUTPUT"), ("describetimeseries", "OBSERVATIONS"),
                                            ("fillwhittaker", "LAMBDA"), ("comparemethods", "WINNER")])  # fmt: skip
def test_maps_are_no_netcdf(provider, scene, tmp_path, algorithm, key):
    """Said by the dialog."""
    given = {"INPUT": scene[1], "OUTPUT": str(tmp_path / "o.tif"), key: str(tmp_path / "x.nc")}
    assert refused(provider.algorithm(algorithm), given).startswith(f"{key} is to be x.nc")


def test_netcdf_and_cog_from_the_dialog_to_the_map(provider, scene, tmp_path):
    """Fill to NetCDF: QGIS opens it georeferenced, with its bands; a COG has the layout, int16 its scale."""
    source = QgsRasterLayer(scene[1], "source")
    outputs = {key: str(tmp_path / f"{key}.nc") for key in ("OUTPUT", "UNCERTAINTY", "QUALITY")}
    context = QgsProcessingContext()
    result = processing.run("phenofuse:fillwhittaker", {"INPUT": scene[1], **outputs}, context=context)
    for key in outputs:
        layer = QgsRasterLayer(result[key], key)
        assert layer.isValid() and layer.bandCount() == source.bandCount() and layer.crs() == source.crs()
        assert layer.extent().toString(1) == source.extent().toString(1)
    filled = QgsRasterLayer(result["OUTPUT"], "filled")
    for form, number in (("cog", 0), ("int16", 5.001e-5), ("cog_int16", 5.001e-5)):
        given = {"INPUT": scene[1], "OUTPUT": str(tmp_path / f"{form}.tif"), "UNCERTAINTY": None, "QUALITY": None, "FORMAT": form}
        layer = QgsRasterLayer(processing.run("phenofuse:fillwhittaker", given)["OUTPUT"], form)
        assert value(layer)[0] == pytest.approx(value(filled)[0], abs=number or 1e-12)
        assert (b"LAYOUT=IFDS_BEFORE_DATA" in Path(given["OUTPUT"]).read_bytes()[:300]) == form.startswith("cog")
    given = {"INPUT": str(tmp_path / "OUTPUT.nc"), "OUTPUT": str(tmp_path / "again.tif"), "UNCERTAINTY": None, "QUALITY": None}
    again = QgsRasterLayer(processing.run("phenofuse:fillwhittaker", given)["OUTPUT"], "again")
    assert value(again)[0] == pytest.approx(value(filled)[0], abs=1e-7)
    message = refused(provider.algorithm("fillwhittaker"), {**given, "OUTPUT": str(tmp_path / "x.nc"), "FORMAT": "cog"})
    assert "FORMAT is cog, a GeoTIFF" in message


def test_a_result_in_netcdf_is_loaded_as_a_raster(provider, project, scene, tmp_path):
    """QGIS takes NetCDF by path for polygons or a mesh; the outputs of ours are rasters."""
    given = {"FOLDER": str(scene[0]), "VARIABLE": "NDVI", "OUTPUT": str(tmp_path / "o.nc")}
    result = processing.runAndLoadResults("phenofuse:buildtimeseries", given)
    layers = list(QgsProject.instance().mapLayers().values())
    assert len(layers) == 1 and isinstance(layers[0], QgsRasterLayer) and layers[0].bandCount() == 12
    assert result["OUTPUT"]


def test_every_kind_of_address_reaches_the_engine(provider, project, scene, tmp_path, monkeypatch):
    """Archives, tables of a GeoPackage, parts of a file, options of QGIS's own; as text, as layer, by a relative path."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(scene[1], "NDVI_20200104.tif")
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.write(scene[1], "in/NDVI.tif")
    here = str(tmp_path)
    expected = {
        "NDVI_20200104.tif": f"{here}/NDVI_20200104.tif",
        f"{here}/NDVI_20200104.tif": f"{here}/NDVI_20200104.tif",
        f"/vsizip/{here}/a.zip/in/NDVI.tif": f"/vsizip/{here}/a.zip/in/NDVI.tif",
        f"/vsizip/{{{here}/a.zip}}/in/NDVI.tif": f"/vsizip/{{{here}/a.zip}}/in/NDVI.tif",
        "/vsizip/a.zip/in/NDVI.tif": f"/vsizip/{here}/a.zip/in/NDVI.tif",
        f"GTIFF_DIR:1:{here}/NDVI_20200104.tif": f"GTIFF_DIR:1:{here}/NDVI_20200104.tif",
        f"vrt://{here}/NDVI_20200104.tif?bands=1": f"vrt://{here}/NDVI_20200104.tif?bands=1",
        f'HDF4_EOS:EOS_GRID:"{here}/x.hdf":Grid:"250m 16 days NDVI"': f'HDF4_EOS:EOS_GRID:"{here}/x.hdf":Grid:"250m 16 days NDVI"',
    }
    build, fill = provider.algorithm("buildtimeseries"), provider.algorithm("fillwhittaker")
    assert told(build, {"LAYERS": list(expected)})["LAYERS"] == list(expected.values())
    for given, address in expected.items():
        assert told(fill, {"INPUT": given})["INPUT"] == address
        assert not refused(fill, {"INPUT": given, "OUTPUT": f"{here}/o.tif"})
    layer = QgsRasterLayer(f"{here}/NDVI_20200104.tif|option:NUM_THREADS=2", "with options")
    QgsProject.instance().addMapLayer(layer)
    assert told(build, {"LAYERS": ["with options", layer]})["LAYERS"] == [f"{here}/NDVI_20200104.tif"] * 2


@pytest.mark.parametrize("given", ["nothing", "/nowhere/NDVI.tif"])
def test_what_is_neither_a_layer_nor_a_file_is_named(provider, scene, tmp_path, given):
    """Not only the parameter: which of its rasters."""
    parameters = {"LAYERS": [scene[1], given], "OUTPUT": str(tmp_path / "o.tif")}
    assert f"neither a layer nor a file {given}" in refused(provider.algorithm("buildtimeseries"), parameters)


def test_polygons_are_no_rasters(provider, project, tmp_path):
    """A vector layer in a list of rasters is still refused."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", "fields", "memory")
    QgsProject.instance().addMapLayer(layer)
    message = refused(provider.algorithm("buildtimeseries"), {"LAYERS": ["fields"], "OUTPUT": str(tmp_path / "o.tif")})
    assert "fields is no raster file" in message


@pytest.mark.parametrize("ranges, expected", [
    ([QgsRasterRange(0.2, 0.3)], [[2000.0, 3000.0]]),
    ([QgsRasterRange(0.2, 0.2), QgsRasterRange(-0.1, -0.1)], [[2000.0, 2000.0], [-1000.0, -1000.0]]),
])  # fmt: skip
def test_additional_no_data_values_become_stored_numbers(provider, project, tmp_path, ranges, expected):
    """QGIS compares them with values after the factor that the file declares."""
    from osgeo import gdal, osr

    path = str(tmp_path / "NDVI_20200104.tif")
    data = gdal.GetDriverByName("GTiff").Create(path, 4, 3, 1, gdal.GDT_Int16)
    system = osr.SpatialReference()
    system.ImportFromEPSG(32631)
    data.SetProjection(system.ExportToWkt())
    data.SetGeoTransform((500000, 10, 0, 5000000, 0, -10))
    data.GetRasterBand(1).SetScale(0.0001)
    data.GetRasterBand(1).Fill(2500)
    data = None
    layer = QgsRasterLayer(path, "own")
    layer.dataProvider().setUserNoDataValue(1, ranges)
    QgsProject.instance().addMapLayer(layer)
    found = told(provider.algorithm("buildtimeseries"), {"LAYERS": ["own"]})["LAYERS_NODATA"][0]
    assert [[round(end, 6) for end in one] for one in found] == expected
    assert json.loads(json.dumps(found)) == found
    message = refused(provider.algorithm("fillwhittaker"), {"INPUT": "own", "OUTPUT": str(tmp_path / "o.tif")})
    assert "additional no data value" in message and "buildtimeseries" in message


def test_composites_from_the_dialog(provider, scene, tmp_path):
    """Months of a year of periods."""
    layer, said = built(tmp_path / "o.tif", FOLDER=str(scene[0]), VARIABLE="NDVI", AGGREGATE="months", AGGREGATE_BY="max")
    assert any("become" in text and "months (max)" in text for text in said)
    assert layer.bandCount() < 12
    message = refused(provider.algorithm("buildtimeseries"),
                      {"FOLDER": str(scene[0]), "AGGREGATE": "days", "OUTPUT": str(tmp_path / "x.tif")})  # fmt: skip
    assert "AGGREGATE_DAYS" in message
