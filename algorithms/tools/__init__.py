"""Tools: the engine's own environment."""
