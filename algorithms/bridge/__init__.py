"""What all algorithms share: the base class, the engine process and its environment, settings and styles."""
