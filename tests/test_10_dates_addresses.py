"""Relative paths in every form that GDAL or a parameter takes: the engine works in another folder."""

import os

import pytest
from phenofuse.algorithms.bridge import addresses


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with files, and the one in which we are."""
    (tmp_path / "a b").mkdir()
    for name in ("rel.tif", "rel.nc", "rel.zip", "rel.gpkg", "rel.hdf", "a b/rel.tif"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return os.getcwd()


@pytest.mark.parametrize(
    "given, expected",
    [
        ("rel.tif", "{}/rel.tif"),
        ("./a b/../rel.tif", "{}/rel.tif"),
        ("a b/rel.tif", "{}/a b/rel.tif"),
        ("netcdf:rel.nc:NDVI", "netcdf:{}/rel.nc:NDVI"),
        ('NETCDF:"rel.nc":NDVI', 'NETCDF:"{}/rel.nc":NDVI'),
        ('HDF5:"rel.hdf"://NDVI', 'HDF5:"{}/rel.hdf"://NDVI'),
        ('HDF4_EOS:EOS_GRID:"rel.hdf":MODIS_Grid:NDVI', 'HDF4_EOS:EOS_GRID:"{}/rel.hdf":MODIS_Grid:NDVI'),
        ("GTIFF_DIR:1:rel.tif", "GTIFF_DIR:1:{}/rel.tif"),
        ("GPKG:rel.gpkg:NDVI", "GPKG:{}/rel.gpkg:NDVI"),
        ("vrt://rel.tif?bands=1", "vrt://{}/rel.tif?bands=1"),
        ("/vsizip/rel.zip/x.tif", "/vsizip/{}/rel.zip/x.tif"),
        ("/vsizip/{{rel.zip}}/x.tif", "/vsizip/{{{}/rel.zip}}/x.tif"),
        ("/vsitar//vsigzip/rel.zip/x.tif", "/vsitar//vsigzip/{}/rel.zip/x.tif"),
        ("netcdf:/vsizip/rel.zip/x.nc:NDVI", "netcdf:/vsizip/{}/rel.zip/x.nc:NDVI"),
    ],
)
def test_a_relative_address_becomes_whole(here, given, expected):
    """Every form holds the folder where we are, and is whole then."""
    found = addresses.absolute(given.format())
    assert found == expected.format(here)
    assert addresses.absolute(found) == found


@pytest.mark.parametrize(
    "address",
    [
        "/vsicurl/https://example.org/x.tif", "/vsis3/bucket/x.tif", "/vsizip//data/x.zip/x.tif", "https://example.org/x.tif",
        "netcdf:/data/x.nc:NDVI", "WMS:https://example.org/?a=b", "nothing_of_that_name.tif", "/vsimem/x.tif",
    ],
)  # fmt: skip
def test_what_is_whole_or_elsewhere_stays(here, address):
    """Only what lies here is touched."""
    assert addresses.absolute(address) == address


def test_a_table_of_dates_is_found_and_a_list_is_none(here):
    """DATES is a text that may be a path."""
    assert addresses.table(" dates.csv ") == f"{here}/dates.csv"
    assert addresses.table("2020-01-04, 2020-01-09") == "2020-01-04, 2020-01-09"
