"""Score, and serve what was scored."""
