"""Assess: how good a fill is."""
