"""Continue export: go on with an export from Earth Engine, look at it, try again what failed, or cancel it."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class ContinueExport(PhenofuseAlgorithm):
    ID, GROUP, NAME = "continueexport", "earthengine", "Continue export"
    EXTRA = "earthengine"
    SUMMARY = "Goes on with an export from Earth Engine where it stopped, shows its state, tries again or cancels it."
    DESCRIPTION = (
        "The folder of an export remembers every period: what was asked of Earth Engine, which task it became, what was "
        "checked. Run this as often as you like: nothing is submitted or fetched twice, whatever ended the last run.\n\n"
        "With DESTINATION = drive or cloudstorage, fetch the files of finished tasks yourself (their names begin with S1S2_ or "
        "harmonic_), put them into one folder and give it as FILES: they are checked against what was asked, and joined.\n\n"
        "A second run on the same folder is refused while one is at work."
    )
    TAGS = ("earth engine", "gee", "resume", "status", "tasks", "cancel", "retry", "download", "drive")
    HELP = {
        "FOLDER": "The folder of an export that was begun with Export composites or Export harmonic interpolation.",
        "ACTION": "continue: do all that can be done now. status: only look. retry: also begin anew what failed or was "
        "cancelled. cancel: end this export's own tasks, and no others of the project.",
        "WAIT_MINUTES": "How long to follow tasks on the service before coming back. 0: once.",
        "FILES": "Folder with the files of finished tasks from Drive or a bucket. Empty: the folder incoming within FOLDER.",
    }
    STYLES = {"NDVI": ("series", "NDVI"), "VV": ("series", "VV"), "VH": ("series", "VH"), "QUALITY": ("quality", "Quality"),
              "HARMONICS": ("harmonics", "Harmonics")}  # fmt: skip
    RASTERS = {"NDVI": "NDVI series", "VV": "VV series", "VH": "VH series", "QUALITY": "Quality series", "HARMONICS": "Harmonics used"}
    NUMBERS = {"DONE": "Periods done", "PENDING": "Periods to come", "FAILED": "Periods failed or cancelled"}

    def parameters(self):
        return [
            p.folder("FOLDER", tr("Folder of the export")),
            p.choice("ACTION", tr("What to do"), ("continue", "status", "retry", "cancel"), "continue"),
            p.number("WAIT_MINUTES", tr("Minutes to wait for tasks"), 0, 0, 14400),
            p.folder("FILES", tr("Folder with files from Drive or a bucket"), optional=True),
            *p.account(),
            p.advanced(p.integer("MAX_PENDING", tr("Tasks at a time"), 10, 1, 1000)),
            p.advanced(p.switch("LOAD", tr("Open the series"), True)),
            *p.resources(scheduler=False),
            p.report_output(),
        ]
