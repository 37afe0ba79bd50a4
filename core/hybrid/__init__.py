"""Merging fills: one series out of several that filled the same values, each trusted as far as it is sure.

`merging` holds the three rules on arrays, and why the merged standard deviation never assumes that the fills err
independently; `inputs` sees to it that series, uncertainties and reason codes belong together; `job` joins both.
"""
