"""The pages of the app, and what they alone are made of."""
