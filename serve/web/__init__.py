"""The routes of the API, and what surrounds them."""
