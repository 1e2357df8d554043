"""A second, slow and plain implementation of the feature mart, to hold the first against."""
