"""The parts of a nightly run."""
