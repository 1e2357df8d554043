"""The models that a fit compares, and what they share."""
