"""Phenology: the group of seasons and their dates."""
