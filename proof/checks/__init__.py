"""What `make prove` compares: each part makes tasks, and each task says what it found."""
