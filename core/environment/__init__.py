"""What the engine can tell about itself: packages, processor, memory, GPU, Earth Engine, compiled functions.

* `facts` asks each of them and never fails: what cannot be asked is told as such;
* `job` hands them to QGIS, which makes the report that a user can paste.
"""
