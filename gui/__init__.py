"""The profile dock: click the map and see what every series says of that place.

* `profiles`   which rasters are series, which belong together, and one pixel of each (GDAL only, any thread);
* `reading`    one thread per file, so that nothing waits for the slowest;
* `axes`, `chart`, `plot`   scales and ticks, the drawing, and the widget that shows it;
* `export`     the same drawing as PNG and SVG, the same values as CSV;
* `places`, `dock`   what was clicked, its marks on the map, and the window that joins all of it.

Only `plugin.py` imports this room, and it needs nothing beyond what every QGIS brings.
"""
