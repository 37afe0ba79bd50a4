"""Phenology: the seasons of a gap-free series, on absolute dates, any number of them, across New Year and in either hemisphere.

* `smoothing` draws the curve that is measured, lightly smoothed at the true dates;
* `division` finds the seasons: peaks and valleys that stand out, rebounds merged;
* `metrics` measures one season: start, peak, end, amplitude, integrals, rates; `logistic` fits a curve to it first;
* `uncertainty` draws errors as the filling's standard deviations have them, and sees how far the dates move;
* `seasons` joins them for many pixels at once; `reasons` says why a season has no dates;
* `harvests` finds sudden drops: mowing, harvest; `calendar` names seasons by when they start;
* `zones` sums up by polygon; `job` joins rasters and mathematics.
"""
