"""Building time series from files, and splitting them into files again.

All understanding of files is in `core.timeseries`; this topic joins it with tiles.
"""
