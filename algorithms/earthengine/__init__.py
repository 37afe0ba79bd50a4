"""Composites from Google Earth Engine."""
