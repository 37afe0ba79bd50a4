"""Export harmonic interpolation: NDVI whose gaps Earth Engine itself closes by harmonics, for areas larger than any desktop."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.text import tr
from .exportcomposites import ExportComposites

# What is about radar, or about several indices.
NOT_OURS = {"INDICES", "GREATEST_DVI", "ORBIT_DIRECTION", "RELATIVE_ORBIT", "S1_REDUCER"}


class ExportHarmonic(ExportComposites):
    ID, NAME = "exportharmonic", "Export harmonic interpolation"
    SUMMARY = "Has Earth Engine itself close the gaps of Sentinel-2 NDVI by harmonics, and brings the result, checked."
    DESCRIPTION = (
        "Through all clear observations of a pixel, at their own times, Earth Engine lays curves of a trend with 10, 5 and 1 "
        "harmonics of a year. A period with a clear observation keeps its median; any other takes, at its middle, the curve with "
        "most harmonics that exists (it needs more days seen than unknowns: 22, 12, 4) and is possible there.\n\n"
        "Beside NDVI each date has QUALITY, the reason code of every value (1 observed, 3 filled, 5 before the first or after the "
        "last observation, 6 no possible curve, 0 nothing seen or no land), HARMONICS (10, 5, 1; -1 observed, 0 none) and the "
        "number of clear images.\n\n"
        "It is there for areas larger than any desktop and for comparison with older work: across gaps of a month or more its "
        "errors are about twice those of a straight line, and it gives no uncertainty. Where the area can be downloaded, Export "
        "composites and Fill with radar do far better.\n\n"
        "Begin with DRY_RUN: it shows dates, grid, requests and size, and needs neither account nor network. Whatever happens, "
        "the same call or Continue export goes on.\n\n"
        "Needs an account with Earth Engine and the engine's extra part: run Set up engine with EXTRAS=earthengine."
    )
    TAGS = ("earth engine", "gee", "harmonic", "interpolation", "gap filling", "cascade", "ndvi", "sentinel-2", "download", "export",
            "google")  # fmt: skip
    HELP = {
        **{key: text for key, text in ExportComposites.HELP.items() if key not in NOT_OURS},
        "PERIOD_DAYS": "Days of a period. 0: calendar months. Curves lean on single images whatever this is.",
        "DAYS_BEFORE": "Images of so many days before the first period are used for the curves, too.",
        "DAYS_AFTER": "Images of so many days after the last period are used for the curves, too.",
        "IMAGES": "per_date: one image per period; Earth Engine computes the curves anew for each. stack: all periods in one image, "
        "the curves computed once (at most 256 periods).",
        "MASK": "Polygons of the land: only pixels whose middle lies inside are computed. Their corners go to Earth Engine.",
        "LAND_ASSET": "The same as a feature collection on Earth Engine, by its id, such as projects/my-project-123/assets/land.",
        "DESTINATION": "download: files here, at once. asset: tasks on Earth Engine, then files here (the assets stay until you "
        "delete them); best for large areas. drive, cloudstorage: tasks, whose files you put into a folder for Continue export.",
    }
    STYLES = {"NDVI": ("series", "NDVI, gaps filled"), "QUALITY": ("quality", "Quality"), "HARMONICS": ("harmonics", "Harmonics")}
    RASTERS = {"NDVI": "NDVI series, gaps filled", "QUALITY": "Quality series", "HARMONICS": "Harmonics used"}

    def parameters(self):
        common = [definition for definition in super().parameters() if definition.name() not in NOT_OURS]
        place = 1 + [definition.name() for definition in common].index("PERIOD_DAYS")
        return [
            *common[:place],
            p.integer("DAYS_BEFORE", tr("Days before"), 90, 0, 3660),
            p.integer("DAYS_AFTER", tr("Days after"), 90, 0, 3660),
            p.choice("IMAGES", tr("Images"), ("per_date", "stack"), "per_date"),
            p.polygons("MASK", tr("Polygons of the land")),
            p.text("LAND_ASSET", tr("Land as an asset")),
            *common[place:],
        ]

    def check(self, values):
        if values["MASK"] and values["LAND_ASSET"]:
            return tr("Both MASK and LAND_ASSET are given. Give only one of them.")
        return super().check(values)
