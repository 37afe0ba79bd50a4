"""Products whose stored numbers are known, though their files often do not declare them: a small table.

A product is told by the name of the file (or of the band) and by the type of its numbers: whoever has computed anything
from it has another type, or another name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A product's stored numbers.

    Parameters
    ----------
    title : str
        For messages.
    name : str
        Pattern that is searched for in the names of file and band, their underscores as spaces.
    dtype : str
    nothing : tuple of (low, high)
    valid : (low, high), optional
    scale, offset : float
        Used where the file declares none.
    note : str
        What else a user has to know.
    """

    title: str
    name: str
    dtype: str
    nothing: tuple = ()
    valid: tuple | None = None
    scale: float = 1.0
    offset: float = 0.0
    note: str = ""


_INDICES = "NDVI|EVI2?|SAVI|MSAVI|NDMI|NDWI|NBR2?|TVI"
PRODUCTS = (
    # LP DAAC, MOD13/MYD13 Version 6.1: fill -3000, valid -2000 to 10000, scale 0.0001.
    Product("MODIS vegetation index", r"\bM[OY]D13(A[123]|Q1|C[12])\b.*(NDVI|EVI)", "int16",
            ((-3000, -3000),), (-2000, 10000), 1e-4),
    # LP DAAC, VNP13/VJ113 Version 2: fill -15000 and above it to -13000, valid -10000 to 10000, scale 0.0001.
    Product("VIIRS vegetation index", r"\b(VNP|VJ[12])13(A[123]|C[12])\b.*(NDVI|EVI)", "int16", (), (-10000, 10000), 1e-4),
    # HLS User Guide 2.0, tables 5 and 9: fill -9999, scale 0.0001; HLS-VI: fill -19999.
    Product("HLS", rf"\bHLS(-VI)?\.[LS]30\..*\b(B0[1-9]|B8A|B1[12]|{_INDICES})\b", "int16",
            ((-9999, -9999), (-19999, -19999)), None, 1e-4),
    # USGS, Landsat Collection 2 Level-2 Science Product Guide: 0 is fill, reflectance = number x 0.0000275 - 0.2.
    Product("Landsat Collection 2 surface reflectance", r"\bL[CTEO]0[4-9] .*\bSR B[1-7]\b", "uint16",
            ((0, 0),), None, 2.75e-5, -0.2),
    # USGS, Landsat Surface Reflectance-derived Spectral Indices Product Guide: fill -9999, saturated 20000, scale 0.0001.
    Product("Landsat spectral index", rf"\bL[CTEO]0[4-9] .* SR ({_INDICES})\b", "int16", (), (-10000, 10000), 1e-4),
    # ESA, Sentinel-2 Products Specification Document 14.9: 0 is no data.
    Product("Sentinel-2", r"\bT\d\d[A-Z]{3} \d{8}T\d{6} B(0[1-9]|8A|1[0-2])\b", "uint16", ((0, 0),),
            note="reflectance is number x 0.0001, and from processing baseline 04.00 (25 January 2022) on 1000 is added "
            "to the numbers: give SCALE = 0.0001 and there OFFSET = -0.1"),
    # Copernicus Global Land Service, product user manuals of NDVI (1 km and 300 m), and PROBA-V Products User Manual,
    # section 4.6: 251 missing, 252 cloud or shadow, 253 snow, 254 water, 255 no data.
    Product("Copernicus Global Land NDVI", r"\bc gls NDVI", "uint8", ((251, 255),), (0, 250), 0.004, -0.08),
    Product("PROBA-V NDVI", r"\bPROBAV .*\bNDVI\b", "uint8", ((251, 255),), (0, 250), 0.004, -0.08),
    Product("Copernicus Global Land", r"\bc gls (FAPAR|FCOVER|LAI|VCI|VPI)", "uint8", ((251, 255),)),
    # Copernicus HR-VPP, product user manuals of vegetation indices and of seasonal trajectories.
    Product("HR-VPP plant phenology index", r"\b(VI|ST) \d{8}T\d{6} S2[A-C]? T\d\d[A-Z]{3}-\d{3}m V\d+ PPI\b", "int16",
            ((-32768, -32768),), None, 1e-4),
)  # fmt: skip
# FORCE documentation, data formats: all products but quality hold int16 with -9999 as no data.
FORCE = Product("FORCE", "", "int16", ((-9999, -9999),))


def product_of(name: str, description: str, dtype: str) -> Product | None:
    """The product that a band is of.

    Parameters
    ----------
    name : str
        Of the file.
    description : str
        Of the band.
    dtype : str
    """
    text = f"{name} {description}".replace("_", " ")
    return next((p for p in PRODUCTS if p.dtype == dtype and re.search(p.name, text, re.IGNORECASE)), None)
