"""The engine: all science and all pixels, in a Python of its own.

It is started as a child process (``__main__``), is told one job (``jobs``), and answers in
JSON lines (``events``). It never imports QGIS or Qt. Importing this package costs nothing:
numpy and the like are loaded by the topic that a job needs.
"""
