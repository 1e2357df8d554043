"""A generated shop: its process, its customers and sales, and its exact optimum."""
