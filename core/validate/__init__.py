"""Validation: is a set of exported rasters what it says it is?

Looks at the values as the files hold them, before any clamping or conversion, because a value that has been clamped
into its range can no longer betray what it was. A *problem* makes results wrong or impossible; a *note* is worth
knowing and happens in sound data too (a date lost to clouds, two passes on one day).

* `collect` opens the files raw and measures every band once (`measure`);
* `checks` judges the measures: pure functions that return named findings (`findings` lists all kinds);
* `page` writes the report, `job` joins them.
"""
