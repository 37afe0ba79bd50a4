"""Dates between other tools: they survive GDAL's translate, warp, clip and band subsets; where tools lose them the cure is named."""

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from osgeo import gdal
from qgis.core import QgsProcessingException

PERIODS = ["2023-11-01/2023-11-13", "2023-11-13/2023-11-25", "2023-11-25/2023-12-07"]


@pytest.fixture(scope="module")
def series(provider, tmp_path_factory):
    """A series of ours, built by the engine from a plain stack that GDAL wrote."""
    folder = tmp_path_factory.mktemp("metadata")
    stack = gdal.GetDriverByName("GTiff").Create(str(folder / "NDVI.tif"), 20, 16, 3, gdal.GDT_Float32)
    stack.SetGeoTransform((430000, 50, 0, 9240000, 0, -50))
    from osgeo import osr

    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32749)
    stack.SetProjection(reference.ExportToWkt())
    for number, text in enumerate(PERIODS, start=1):
        band = stack.GetRasterBand(number)
        band.Fill(number / 10)
        band.SetDescription(text)
    stack = None
    return processing.run(
        "phenofuse:buildtimeseries",
        {"LAYERS": [str(folder / "NDVI.tif")], "VARIABLE": "NDVI", "OUTPUT": str(folder / "series.tif")},
    )["OUTPUT"]


def dates_after(path, folder):
    """The periods the engine reads: names of the files it splits the raster into."""
    processing.run("phenofuse:splittimeseries", {"INPUT": str(path), "FOLDER": str(folder / "split")})
    return sorted(p.stem.replace("NDVI_", "").replace("_", "/") for p in (folder / "split").iterdir())


def translated(source, target, **options):
    """gdal_translate."""
    gdal.Translate(str(target), source, **options)
    return target


def warped(source, target, **options):
    """gdalwarp."""
    gdal.Warp(str(target), source, **options)
    return target


def toolbox(algorithm, source, target, **parameters):
    """A GDAL algorithm of the toolbox."""
    return processing.run(algorithm, {"INPUT": source, "OUTPUT": str(target), **parameters})["OUTPUT"]


KEPT = {
    "translate": (lambda s, t: translated(s, t), PERIODS),
    "band subset": (lambda s, t: translated(s, t, bandList=[2, 3]), PERIODS[1:]),
    "one band": (lambda s, t: translated(s, t, bandList=[3]), PERIODS[2:]),
    "clip": (lambda s, t: translated(s, t, srcWin=[2, 3, 8, 9]), PERIODS),
    "cloud-optimised": (lambda s, t: translated(s, t, format="COG"), PERIODS),
    "virtual": (lambda s, t: translated(s, t.with_suffix(".vrt"), format="VRT"), PERIODS),
    "warp": (lambda s, t: warped(s, t, dstSRS="EPSG:4326"), PERIODS),
    "warp to another resolution": (lambda s, t: warped(s, t, xRes=100, yRes=100), PERIODS),
    "toolbox clip by extent": (
        lambda s, t: toolbox("gdal:cliprasterbyextent", s, t, PROJWIN="430100,430600,9239500,9239900"),
        PERIODS,
    ),
    "toolbox warp": (lambda s, t: toolbox("gdal:warpreproject", s, t, TARGET_CRS="EPSG:4326"), PERIODS),
}


@pytest.mark.parametrize("step", KEPT)
def test_dates_survive(series, tmp_path, step):
    """Periods after the step are right, also when only some bands are left."""
    make, expected = KEPT[step]
    assert dates_after(make(series, tmp_path / "out.tif"), tmp_path) == expected


def calculated(source, target):
    """gdal_calc, over all bands."""
    from osgeo_utils import gdal_calc

    gdal_calc.Calc("A*1", A=source, allBands="A", outfile=str(target), quiet=True, overwrite=True)
    return target


def filled(source, target):
    """QGIS's own fill nodata, which keeps one band without its name."""
    return processing.run("native:fillnodata", {"INPUT": source, "BAND": 1, "OUTPUT": str(target)})["OUTPUT"]


@pytest.mark.parametrize("tool", [calculated, filled])
def test_where_dates_are_lost_the_message_names_the_cure(series, tmp_path, tool):
    """After gdal_calc and fillnodata the error says so and names buildtimeseries."""
    path = tool(series, tmp_path / "lost.tif")
    with pytest.raises(QgsProcessingException, match="phenofuse:buildtimeseries"):
        dates_after(path, tmp_path)


def test_gdalbuildvrt_keeps_dates_from_gdal_3_13_on(series, tmp_path):
    """Before, it loses all; from then on it keeps what stands with the bands, but not what their values are."""
    path = tmp_path / "mosaic.vrt"
    gdal.BuildVRT(str(path), [series])
    if int(gdal.VersionInfo()) < 3_13_00_00:
        with pytest.raises(QgsProcessingException, match="phenofuse:buildtimeseries"):
            dates_after(path, tmp_path)
    else:
        assert dates_after(path, tmp_path) == [f"value/{period}" for period in PERIODS]


def test_the_cure_works(series, tmp_path):
    """buildtimeseries with DATES gives the dates back."""
    lost = calculated(series, tmp_path / "lost.tif")
    built = processing.run(
        "phenofuse:buildtimeseries",
        {
            "LAYERS": [str(lost)],
            "VARIABLE": "NDVI",
            "DATES": ",".join(PERIODS),
            "OUTPUT": str(tmp_path / "again.tif"),
        },
    )["OUTPUT"]
    assert dates_after(built, tmp_path) == PERIODS
