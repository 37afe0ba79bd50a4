"""Every job by name: the function that runs it, and which of its parameters name what it writes.

Both processes read this: the engine before it starts a job, the dialog before it starts the engine.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Job(NamedTuple):
    """A job.

    Parameters
    ----------
    function : str
        Module and function, ``run(parameters, resources, events)``.
    files : tuple of str
        Keys of the files it writes. What has to be remembered of a run lies beside the first one that is given.
    folder : str
        Key of a folder that is filled.
    scene : str
        Key of a folder that is replaced as a whole.
    series : tuple of str
        Of the files, the rasters with a band per date; they can be NetCDF as well.
    """

    function: str
    files: tuple = ()
    folder: str = ""
    scene: str = ""
    series: tuple = ()

    def outputs(self, parameters: dict) -> dict:
        """The files wanted: path by key."""
        return {key: Path(parameters[key]) for key in self.files if parameters.get(key)}

    def rasters(self, parameters: dict) -> dict:
        """Those of them that are rasters."""
        return {key: path for key, path in self.outputs(parameters).items() if key not in NO_RASTERS}


NO_RASTERS = "REPORT", "CSV", "ZONAL_SUMMARY", "MODEL", "ONNX", "FIT"

_FILL = "OUTPUT", "UNCERTAINTY", "QUALITY"
_SEASONS = ("OUTPUT", "PEAK", "END", "LENGTH", "AMPLITUDE", "BASE", "PEAK_VALUE", "LARGE_INTEGRAL", "SMALL_INTEGRAL",
            "RATE_OF_RISE", "RATE_OF_FALL", "SEASONS", "INTENSITY", "PLANTING", "SEASON_TYPE", "UNCERTAINTY_DAYS", "QUALITY",
            "EVENTS")  # fmt: skip

JOBS = {
    "createsamplescene": Job("scene.job:run", scene="FOLDER"),
    "validatecomposites": Job("validate.job:run", ("REPORT",)),
    "buildtimeseries": Job("prepare.job:build", ("OUTPUT",), series=("OUTPUT",)),
    "splittimeseries": Job("prepare.job:split", folder="FOLDER"),
    "describetimeseries": Job("describe.job:run", ("OBSERVATIONS", "LONGEST_GAP", "REPORT")),
    "simulategaps": Job("assess.job:simulate", ("OUTPUT", "TRUTH"), series=("OUTPUT", "TRUTH")),
    "sampleseries": Job("sampling.job:run", ("CSV",)),
    "assessfill": Job("assess.job:assess", ("REPORT", "CSV")),
    "comparemethods": Job("compare.job:run", ("REPORT", "CSV", "WINNER")),
    "fillharmonic": Job("harmonic.job:run", (*_FILL, "HARMONICS", "AMPLITUDE_PHASE"), series=(*_FILL, "HARMONICS")),
    "fillmogpr": Job("gaussian.job:run", (*_FILL, "REPORT", "FIT"), series=_FILL),
    "fillwhittaker": Job("whittaker.job:run", (*_FILL, "LAMBDA"), series=_FILL),
    "fillhybrid": Job("hybrid.job:run", (*_FILL, "SOURCE"), series=(*_FILL, "SOURCE")),
    "trainmodel": Job("learning.job:run", ("MODEL", "REPORT")),
    "fillmodel": Job("learning.filljob:run", _FILL, series=_FILL),
    "describemodel": Job("learning.describejob:run", ("REPORT", "ONNX")),
    # The folder of an export is claimed by its ledger, as long as that is open.
    "exportcomposites": Job("earthengine.job:run", ("REPORT",)),
    "exportharmonic": Job("earthengine.job:interpolate", ("REPORT",)),
    "continueexport": Job("earthengine.job:proceed", ("REPORT",)),
    "phenologymetrics": Job("phenology.job:run", (*_SEASONS, "ZONAL_SUMMARY")),
    "checkengine": Job("environment.job:run"),
}
