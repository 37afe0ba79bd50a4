"""Make resources/styles/*.qml: one fixed, colour-blind-safe style per kind of raster.

Run with QGIS's own Python: `QT_HASH_SEED=0 QT_QPA_PLATFORM=offscreen /usr/bin/python3 tools/make_styles.py` (the seed
keeps the order of attributes). The ranges never follow the data, so that two maps of one kind can be compared at a
glance, and the frames of an animation mean the same.
"""
from __future__ import annotations

import runpy
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from qgis.core import (
    QgsColorRampShader,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsPalettedRasterRenderer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "resources" / "styles"
QUALITY_NAMES = runpy.run_path(str(ROOT / "core" / "timeseries" / "quality.py"))["NAMES"]
SEASON_QUALITY_NAMES = runpy.run_path(str(ROOT / "core" / "phenology" / "reasons.py"))["NAMES"]


@dataclass(frozen=True)
class Ramp:
    """Colours over a range, evenly spread unless each has its own value; what lies beyond takes the end colours."""

    low: float
    high: float
    colours: tuple
    unit: str = ""
    named: tuple = ()

    @property
    def stops(self) -> list[tuple[float, str, str]]:
        """Value, colour and label, from low to high."""
        if self.named:
            return [(value, colour, label) for (value, label), colour in zip(self.named, self.colours)]
        step = (self.high - self.low) / (len(self.colours) - 1)
        values = [round(self.low + i * step, 6) for i in range(len(self.colours))]
        return [(value, colour, f"{value:g}{self.unit}") for value, colour in zip(values, self.colours)]


# After ColorBrewer's BrBG: brown and green that differ in blue, not only in red, so that bare soil and crop differ for
# every kind of colour vision (a test measures it). -0.1 .. 0.9 is what water, soil and dense crops span.
BROWN_CREAM_GREEN = ("#6e3f0e", "#a1702f", "#c99d5c", "#e6cb98", "#f7efd6", "#c4e6d6", "#86ccb6", "#47ab95", "#14897a",
                     "#006357", "#003f3a")
# matplotlib's magma, light to dark: what is pale is well known.
MAGMA = ("#fcfdbf", "#fec488", "#fc8961", "#e75263", "#b73779", "#832681", "#51127c", "#1d1147", "#000004")
# matplotlib's cividis, made for colour-blind readers.
CIVIDIS = ("#00224e", "#213b6e", "#4c556c", "#6c6e72", "#8e8978", "#b1a570", "#d9c55c", "#fee838")
# ColorBrewer's YlOrBr: the longer the gap, the darker.
YELLOW_BROWN = ("#ffffe5", "#fff7bc", "#fee390", "#fec34f", "#fe9829", "#eb6f14", "#cb4b02", "#983404", "#662506")
# matplotlib's twilight, cyclic: 31 December looks like 1 January.
TWILIGHT = ("#e2d9e2", "#b3c6ce", "#7ba1c2", "#6276ba", "#5e43a5", "#4e186f", "#2f1436", "#581647", "#8e2c50",
            "#b25652", "#c6896c", "#d4bcac", "#e2d9e2")
# ColorBrewer's RdYlBu: dry to wet.
RED_YELLOW_BLUE = ("#a50026", "#d73027", "#f46d43", "#fdae61", "#fee090", "#ffffbf", "#e0f3f8", "#abd9e9", "#74add1", "#4575b4",
                   "#313695")
GREY = ("#000000", "#ffffff")
# ColorBrewer's YlGn, for how much grew.
YELLOW_GREEN = ("#ffffe5", "#f7fcb9", "#d9f0a3", "#addd8e", "#78c679", "#41ab5d", "#238443", "#006837", "#004529")
# Of counts: none is grey, the others matplotlib's cividis.
COUNTED = ("#d9d9d9", "#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838")

# First days of the months, in a year of 365 days.
MONTHS = ((1, "1 January"), (32, "1 February"), (60, "1 March"), (91, "1 April"), (121, "1 May"), (152, "1 June"),
          (182, "1 July"), (213, "1 August"), (244, "1 September"), (274, "1 October"), (305, "1 November"),
          (335, "1 December"), (366, "31 December"))

# Days since 1970-01-01 by the time of year, from the first global series of NDVI at 1 km on: the colours of day_of_year, again
# every year, and so its labels; in the layer tree only those of the first year are shown (see algorithms/bridge/styles.py).
YEARS = range(2000, 2041)
FIRSTS = tuple(date(year, month, 1) for year in YEARS for month in range(1, 13))

RAMPS = {
    "ndvi": Ramp(-0.1, 0.9, BROWN_CREAM_GREEN),
    # What water, soil and dense crops (red 0.04, near infrared 0.5) span: EVI2 0.73, NIRv 0.43, kNDVI 0.61.
    "evi2": Ramp(-0.1, 0.8, BROWN_CREAM_GREEN),
    "nirv": Ramp(-0.05, 0.5, BROWN_CREAM_GREEN),
    "kndvi": Ramp(0, 0.7, BROWN_CREAM_GREEN),
    # The trajectories of HR-VPP reach 3 in the densest canopies.
    "ppi": Ramp(0, 3, BROWN_CREAM_GREEN),
    # NDWI is above 0 over water, LSWI over wet or dense ground.
    "wetness": Ramp(-0.6, 0.6, RED_YELLOW_BLUE),
    # About 0.2 over bare soil, 1 and more in forests.
    "rvi": Ramp(0, 1.2, BROWN_CREAM_GREEN),
    # 0.2 is the spread of NDVI within a season of one crop: a filled value less certain than that says nothing.
    "uncertainty": Ramp(0, 0.2, MAGMA),
    # One Sentinel-2 image every 5 days makes 73 a year.
    "count": Ramp(0, 73, CIVIDIS),
    # A rice crop stands for about 120 days: a gap that long hides a whole season.
    "gap_days": Ramp(0, 120, YELLOW_BROWN, " days"),
    "day_of_year": Ramp(1, 366, TWILIGHT, named=MONTHS),
    "backscatter": Ramp(-25, 0, GREY, " dB"),
    # Smoothings in day^3, a colour per decade.
    "smoothing": Ramp(10, 1e7, ("#00224e", "#2c446b", "#575c6d", "#7d7c78", "#a59c74", "#d3c164", "#fee838"), named=tuple(
        (10.0**decade, f"{10**decade:,}") for decade in range(1, 8))),
    # 10, 5 and 1 harmonics are the steps of the cascade; observed is green as in QUALITY.
    "harmonics": Ramp(-1, 10, ("#009e73", "#000000", "#f0e442", "#e69f00", "#d55e00"), named=(
        (-1, "observed"), (0, "none possible"), (1, "1 harmonic"), (5, "5 harmonics"), (10, "10 harmonics or more"))),
    "date": Ramp((FIRSTS[0] - date(1970, 1, 1)).days, (FIRSTS[-1] - date(1970, 1, 1)).days, TWILIGHT[:12] * len(YEARS),
                 named=tuple(((first - date(1970, 1, 1)).days, MONTHS[first.month - 1][1]) for first in FIRSTS)),
    # Three crops a year for two years make six.
    "seasons": Ramp(0, 6, COUNTED, named=tuple((n, str(n)) for n in range(6)) + ((6, "6 or more"),)),
    "seasons_per_year": Ramp(0, 3, COUNTED[:1] + COUNTED[2::2], " per year"),
    # Crops stand for 60 to 300 days, grass and trees are green for up to a year.
    "season_days": Ramp(0, 360, YELLOW_GREEN, " days"),
    "amplitude": Ramp(0, 0.8, YELLOW_GREEN),
    # NDVI of 0.6 over 150 days.
    "value_days": Ramp(0, 90, YELLOW_GREEN),
    # 0.02 a day: an NDVI from 0.2 to 0.8 in a month.
    "rate": Ramp(0, 0.02, YELLOW_GREEN, " per day"),
    # A date less certain than half a month says little of a crop of 120 days.
    "uncertainty_days": Ramp(0, 16, MAGMA, " days"),
}

# Okabe and Ito's colours (2008): told apart by every kind of colour vision.
PALETTES = {
    "quality": {0: "#d9d9d9", 1: "#009e73", 2: "#56b4e9", 3: "#0072b2", 4: "#000000", 5: "#e69f00", 6: "#cc79a7",
                7: "#d55e00", 8: "#f0e442"},
    "flags": {0: "#d9d9d9", 1: "#d55e00"},
    # Told apart by a search over a grid of colours: more classes than Okabe and Ito have colours.
    "season_quality": {0: "#ffffff", 1: "#009e73", 2: "#f0e442", 3: "#66ccff", 4: "#00ff99", 5: "#d0d0d0", 6: "#996699",
                       7: "#333399", 8: "#cc00ff", 9: "#333333", 10: "#cc3300", 11: "#000000"},
    "season_type": {0: "#999999", 1: "#0072b2", 2: "#f0e442", 3: "#cc6633", 4: "#66ff99", 5: "#660000", 6: "#9900ff"},
    "source": {0: "#d9d9d9", 1: "#0072b2", 2: "#e69f00", 3: "#56b4e9", 4: "#d55e00", 5: "#cc79a7", 6: "#f0e442", 7: "#009e73"},
    "winner": {0: "#d9d9d9", 1: "#000000", 2: "#e69f00", 3: "#f0e442", 4: "#0072b2", 5: "#56b4e9", 6: "#cc79a7", 7: "#009e73",
               8: "#990000", 9: "#9933ff", 10: "#330099"},
}
NAMES = {"quality": QUALITY_NAMES, "flags": {0: "no", 1: "yes"}, "season_quality": SEASON_QUALITY_NAMES,
         "season_type": {0: "outside all windows", **{n: f"window {n} of the calendar" for n in range(1, 7)}},
         "source": {0: "none", **{number: f"series {number}" for number in range(1, 7)}, 7: "observed"},
         "winner": {0: "too few hidden values", 1: "linear", 2: "whittaker", 3: "harmonic", 4: "mogpr scene", 5: "mogpr shared",
                    6: "mogpr pixel", 7: "too close to call", 8: "first model", 9: "second model", 10: "third model"}}


def renderer(kind: str):
    """The renderer of a kind of raster, on band 1 of whatever layer it is given to."""
    return _paletted(PALETTES[kind], NAMES[kind]) if kind in PALETTES else _pseudocolour(RAMPS[kind])


def document(kind: str) -> str:
    """The text of the .qml file: the renderer and nothing else."""
    qml = QDomDocument("qgis")
    root = qml.createElement("qgis")
    root.setAttribute("version", "3.22")
    root.setAttribute("styleCategories", "Symbology")
    pipe = qml.createElement("pipe")
    renderer(kind).writeXml(qml, pipe)
    root.appendChild(pipe)
    qml.appendChild(root)
    return qml.toString(2)


def _pseudocolour(ramp: Ramp):
    shader = QgsColorRampShader(ramp.low, ramp.high, _gradient(ramp), QgsColorRampShader.Type.Interpolated)
    shader.setColorRampItemList([QgsColorRampShader.ColorRampItem(value, QColor(colour), label)
                                 for value, colour, label in ramp.stops])
    legend = shader.legendSettings()
    legend.setSuffix(ramp.unit)
    legend.setUseContinuousLegend(not ramp.named)
    shader.setLegendSettings(legend)
    function = QgsRasterShader(ramp.low, ramp.high)
    function.setRasterShaderFunction(shader)
    made = QgsSingleBandPseudoColorRenderer(None, 1, function)
    made.setClassificationMin(ramp.low)
    made.setClassificationMax(ramp.high)
    return made


def _gradient(ramp: Ramp):
    inner = [QgsGradientStop((value - ramp.low) / (ramp.high - ramp.low), QColor(colour))
             for value, colour, _ in ramp.stops[1:-1]]
    return QgsGradientColorRamp(QColor(ramp.colours[0]), QColor(ramp.colours[-1]), False, inner)


def _paletted(palette: dict, names: dict):
    make = QgsPalettedRasterRenderer.Class
    return QgsPalettedRasterRenderer(None, 1, [make(value, QColor(palette[value]), names[value]) for value in palette])


def main() -> None:
    """Write all styles."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in (*RAMPS, *PALETTES):
        (FOLDER / f"{kind}.qml").write_text(document(kind), encoding="utf-8")


if __name__ == "__main__":
    main()
