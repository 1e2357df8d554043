"""The main job: every room in order, and what it has to say at the end."""
