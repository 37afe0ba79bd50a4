"""Files that name other machines: nothing is fetched without a word, whichever way they name them."""

from __future__ import annotations

import http.server
import json
import os
import threading
import zipfile

import pytest
from phenofuse.core import jobs
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.timeseries import RasterFile, list_rasters, remote
from phenofuse.core.timeseries.state import state_of

SOURCES = {
    "curl": "/vsicurl/{0}/a.tif", "plain address": "{0}/b.tif", "stream": "/vsicurl_streaming/{0}/c.tif",
    "query": "/vsicurl?url={0}/d.tif", "packed": "/vsigzip//vsicurl/{0}/f.tif.gz",
    "archive": "/vsizip//vsicurl/{0}/g.zip/g.tif", "part": 'NETCDF:"{0}/h.nc":x',
    "service": "{0}/dap/i.nc", "wcs": "WCS:{0}/j", "wms": "WMS:{0}/k", "wmts": "WMTS:{0}/l", "zarr": 'ZARR:"/vsicurl/{0}/m.zarr"',
    "virtual": "vrt://{0}/n.tif",
    "bucket": "/vsis3/bucket/o.tif", "bytes": "/vsisubfile/0_10,/vsicurl/{0}/q.tif", "directory": "GTIFF_DIR:1:/vsicurl/{0}/s.tif",
    "catalogue": 'STACIT:"{0}/t.json"', "hdf": 'HDF5:"{0}/w.h5"://x',
    "capitals": "/VSICURL/{0}/a.tif", "share": r"\\evil\share\x.tif",
}  # fmt: skip
WHOLE = {
    "tile service": "<GDAL_WMS><Service name='TMS'><ServerUrl>{0}/${{z}}.png</ServerUrl></Service></GDAL_WMS>",
    "coverage service": "<WCS_GDAL><ServiceURL>{0}/wcs?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>",
    "tile index": "<GDALTileIndexDataset><IndexDataset>/vsicurl/{0}/i.gpkg</IndexDataset></GDALTileIndexDataset>",
    "comment": "<VRTDataset rasterXSize='2' rasterYSize='2'><VRTRasterBand dataType='Byte' band='1'><SimpleSource>"
               "<SourceFilename>/vsi<!-- -->curl/{0}/a.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>",
}  # fmt: skip


def virtual(source: str) -> str:
    """A virtual raster of one date with this source, in which `source` is written as a text of XML."""
    place = '<SrcRect xOff="0" yOff="0" xSize="2" ySize="2"/><DstRect xOff="0" yOff="0" xSize="2" ySize="2"/>'
    return (f'<VRTDataset rasterXSize="2" rasterYSize="2"><GeoTransform>0,1,0,2,0,-1</GeoTransform><VRTRasterBand dataType="Float32" '
            f'band="1"><Description>2020-01-01</Description><SimpleSource><SourceFilename relativeToVRT="1">{source}</SourceFilename>'
            f"<SourceBand>1</SourceBand>{place}</SimpleSource></VRTRasterBand></VRTDataset>")  # fmt: skip


@pytest.fixture
def server():
    """A server on this machine, its address, and what it was asked for."""
    heard = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            self.send_error(404)

        do_HEAD = do_POST = do_PROPFIND = do_GET

        def log_message(self, *_):
            pass

    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{found.server_port}", heard
    found.shutdown()
    found.server_close()


def read(path) -> None:
    """Open a raster and read it."""
    RasterFile.open(path).values(1)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("spelling", ["plain", "escaped", "cdata", "nested"])
def test_a_virtual_raster_fetches_nothing(server, tmp_path, kind, spelling):
    """Refused with the machine's name before it is asked for anything, spelt as XML allows and one virtual raster deep."""
    source = SOURCES[kind].format(server[0])
    text = {"escaped": "".join(f"&#{ord(letter)};" for letter in source), "cdata": f"<![CDATA[{source}]]>"}.get(spelling, source)
    inner = tmp_path / "inner.vrt"
    inner.write_text(virtual(text), encoding="utf-8")
    (tmp_path / "outer.vrt").write_text(virtual("inner.vrt"), encoding="utf-8")
    with pytest.raises(InputError, match="another machine") as stop:
        read(tmp_path / ("outer.vrt" if spelling == "nested" else "inner.vrt"))
    assert {"bucket": "bucket", "share": "evil"}.get(kind, "127.0.0.1") in stop.value.text
    assert server[1] == []


@pytest.mark.parametrize("kind", WHOLE)
def test_other_kinds_that_name_machines_fetch_nothing(server, tmp_path, kind):
    """Under the name of a GeoTIFF, too: GDAL tells them by their content."""
    for ending in ("vrt", "tif"):
        path = tmp_path / f"one.{ending}"
        path.write_text(WHOLE[kind].format(server[0]), encoding="utf-8")
        with pytest.raises(InputError, match="another machine"):
            read(path)
    assert server[1] == []


@pytest.mark.parametrize("kind", ["curl", "plain address", "stream", "packed", "archive", "wms", "wcs", "wmts", "virtual", "bytes"])
def test_what_is_hidden_from_us_is_held_back_by_gdal(server, tmp_path, kind):
    """In an archive nothing of ours reads it; GDAL opens it and still asks no machine."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.vrt", virtual(SOURCES[kind].format(server[0])))
    with pytest.raises(InputError):
        read(f"/vsizip/{tmp_path}/a.zip/a.vrt")
    state_of(f"/vsizip/{tmp_path}/a.zip/a.vrt")  # which follows the names of files that GDAL tells
    assert server[1] == []


def test_a_folder_of_fetched_rasters_asks_nobody(server, tmp_path):
    """The jobs that take folders say which file it is."""
    (tmp_path / "S1S2_2020-01-01_2020-01-13.vrt").write_text(virtual(f"/vsicurl/{server[0]}/a.tif"), encoding="utf-8")
    stac = {"type": "FeatureCollection", "stac_version": "1.0.0", "features": [{"assets": {"B1": {"href": f"{server[0]}/z.tif"}}}]}
    (tmp_path / "S1S2_2020-01-13_2020-01-25.tif").write_text(json.dumps(stac), encoding="utf-8")
    for job, key, name in (("validatecomposites", "REPORT", "out.html"), ("buildtimeseries", "OUTPUT", "out.tif")):
        parameters = {"LAYERS": list_rasters(tmp_path), key: str(tmp_path / name)}
        try:
            jobs.run(job, parameters, jobs.Resources(workers=1), Silent())
        except InputError as stop:
            assert "01-13.vrt takes its values from another machine (127.0.0.1)" in stop.text
        else:
            assert "another machine" in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert server[1] == []


def test_a_subdataset_elsewhere_is_no_part_of_a_file_here(server, tmp_path):
    """A list of parts in a file is followed only on this machine."""
    part = f'<Metadata domain="SUBDATASETS"><MDI key="SUBDATASET_1_NAME">NETCDF:"{server[0]}/x.nc":NDVI</MDI></Metadata>'
    (tmp_path / "a.vrt").write_text(virtual("none.tif").replace("<Geo", part + "<Geo"), encoding="utf-8")
    assert RasterFile.open(tmp_path / "a.vrt").parts == ()


def test_what_the_user_names_is_fetched(server, monkeypatch):
    """An address that is given itself is asked; a file that speaks of addresses in its metadata is no reason to refuse it."""
    for name, value in remote.HOLD.items():
        monkeypatch.setenv(name, value)  # the address given lifts it for the whole process
    with pytest.raises(InputError):
        read(f"/vsicurl/{server[0]}/a.tif")
    assert server[1] and remote._FETCHED not in os.environ


def test_local_virtual_rasters_are_read(tmp_path):
    """Sources beside, absolute, through another virtual raster that names the first again; a credit in the metadata."""
    import numpy as np
    import rasterio

    with rasterio.open(tmp_path / "s.tif", "w", driver="GTiff", width=2, height=2, count=1, dtype="float32",
                       transform=rasterio.Affine(1, 0, 0, 0, -1, 2)) as file:  # fmt: skip
        file.write(np.ones((1, 2, 2), "float32"))
    credit = '<Metadata><MDI key="source">https://example.org/data</MDI></Metadata>'
    (tmp_path / "a.vrt").write_text(virtual("s.tif").replace("<Geo", credit + "<Geo"), encoding="utf-8")
    (tmp_path / "b.vrt").write_text(virtual(str(tmp_path / "a.vrt")), encoding="utf-8")
    for name in ("a.vrt", "b.vrt"):
        assert RasterFile.open(tmp_path / name).values(1).sum() == 4
