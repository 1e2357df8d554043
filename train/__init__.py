"""Learn from the feature mart: fit, compare, keep."""
