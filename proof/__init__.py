"""The proof that the mart is right, and that features added to it know no future."""
