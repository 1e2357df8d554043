"""A user's own files: which column is what, reading, checking, appending."""
