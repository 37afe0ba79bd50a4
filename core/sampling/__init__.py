"""Sampling: what series say of points and polygons, date by date, as a table.

`inputs` finds the standard deviations and reason codes that belong to each series; `moments` holds what adds up over pixels and
tiles, and the standard deviation of a mean of pixels that err alike; `medians` needs all of a polygon's pixels at once;
`job` reads the blocks of the rasters that hold places, each once, and writes the table.
"""
