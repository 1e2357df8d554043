"""What several rooms use; it imports none of them."""
