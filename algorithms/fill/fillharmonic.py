"""Fill with harmonics: gaps closed by seasonal curves that lean on what the scene has taught."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class FillHarmonic(PhenofuseAlgorithm):
    ID, GROUP, NAME = "fillharmonic", "fill", "Fill with harmonics"
    SUMMARY = (
        "Fills the gaps of a time series with seasonal curves learnt from the whole scene, and says how sure it is."
    )
    DESCRIPTION = (
        "Each pixel is a sum of harmonics at its true dates. In the model 'adaptive' their likely shapes are learnt from a "
        "sample of all series of the scene, so that a gap is filled as similar places would fill it; what the whole scene "
        "shows on a date beyond its season (a late spring, haze, snow) is passed on to the pixels that were hidden then; and "
        "a residual follows each pixel's own data closely where they are dense. Single outliers, mostly clouds left in, lose "
        "their weight. It needs no radar and no training.\n\n"
        "UNCERTAINTY is the standard deviation of what a clear observation would have shown: 90 % of such observations lie "
        "within 1.64 of it, and it grows with the gap. Observed values come back unchanged.\n\n"
        "The model 'cascade' fits 10, then 5, then 1 harmonics by least squares as older scripts do. It is there for "
        "comparison: across gaps of a month or more its errors are about twice those of a straight line."
    )
    TAGS = (
        "gap filling",
        "harmonic",
        "ndvi",
        "interpolation",
        "cloud",
        "season",
        "time series",
        "smoothing",
        "hants",
    )
    HELP = {
        "MODEL": "adaptive: harmonics with a prior learnt from the scene (recommended). cascade: 10, 5, 1 harmonics by least squares.",
        "ORDER": "Number of harmonics of the adaptive model. More hardly change the result, because the prior damps what the "
        "scene does not show.",
        "PERIOD_DAYS": "Length of the first harmonic: a year; half a year where all fields carry two equal crops.",
        "TREND": "A linear trend besides: auto (when the series is longer than 1.5 periods), yes, or no.",
        "ROBUST": "Lower the weight of outliers such as clouds left in. Observed values come back unchanged all the same.",
        "KEEP_OBSERVED": "Observed values come back unchanged, to the last bit. Off: they are smoothed by the fit.",
        "MAX_GAP_DAYS": "Leave gaps longer than this unfilled (quality code 4); at both ends the distance to the nearest "
        "observation counts. 0: fill all.",
        "STEP_DAYS": "Give the result on a regular grid of so many days from the first to the last date. 0: on the input's own dates.",
        "OUTPUT": "The filled series.",
        "HARMONICS": "A raster with the same bands: harmonics of the fit used; -1 observed, 0 none possible.",
        "AMPLITUDE_PHASE": "Amplitude of each harmonic, then phase of each in radians (adaptive only). Harmonic k is amplitude x "
        "cos(2 pi k t - phase), t in periods since the middle of the series.",
    }
    STYLES = {
        "OUTPUT": ("series", "Gaps filled"),
        "UNCERTAINTY": ("uncertainty", "Standard deviation"),
        "QUALITY": ("quality", "Quality"),
        "HARMONICS": ("harmonics", "Harmonics"),
        "AMPLITUDE_PHASE": ("", "Amplitude and phase"),
    }

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.choice("MODEL", tr("Model"), ("adaptive", "cascade"), "adaptive"),
            *p.output_dates(),
            p.switch("KEEP_OBSERVED", tr("Keep observed values"), True),
            p.integer("MAX_GAP_DAYS", tr("Longest gap to fill in days (0: all)"), 0),
            p.mask(),
            p.advanced(p.integer("ORDER", tr("Harmonics"), 6, 0, 30)),
            p.advanced(p.number("PERIOD_DAYS", tr("Period in days"), 365.25, 1)),
            p.advanced(p.choice("TREND", tr("Trend"), ("auto", "yes", "no"), "auto")),
            p.advanced(p.switch("ROBUST", tr("Robust against outliers"), True)),
            p.seed(),
            p.form(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Filled series")),
            p.raster_output("UNCERTAINTY", tr("Uncertainty"), optional=True),
            p.raster_output("QUALITY", tr("Quality"), optional=True),
            p.raster_output("HARMONICS", tr("Harmonics used"), optional=True, created=False),
            p.raster_output("AMPLITUDE_PHASE", tr("Amplitude and phase"), optional=True, created=False),
        ]

    def check(self, values):
        if values["DATES"] and values["STEP_DAYS"]:
            return tr("Both DATES and STEP_DAYS are given. Give only one of them.")
        return ""
