"""What an erasure is made of: who it is, what goes, and the search that proves it."""
