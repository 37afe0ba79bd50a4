"""Prepare: from files to a checked time series."""
