"""What the HTML pages share: their look and their skeleton."""
