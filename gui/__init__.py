"""The profile dock: click the map and see what every series says of that place.

* `profiles`, `members`   what a raster is, one pixel of it, and which rasters belong together (GDAL only, any thread);
* `reading`   one thread per file, so that nothing waits for the slowest;
* `axes`, `curves`, `reasons`, `style`, `chart`, `plot`   ticks, lines, words and looks, the drawing, and the widget that shows it;
* `export`   the same drawing as PNG and SVG, the same values as CSV;
* `places`, `session`, `telling`   what was clicked, what has been read of it, and what there is to say about it;
* `dock`   the window that joins all of it.

Only `plugin.py` imports this room, and it needs nothing beyond what every QGIS brings.
"""
