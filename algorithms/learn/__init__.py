"""Deep learning: train a network on a cloudy stack, fill with it, and see what it is worth."""
