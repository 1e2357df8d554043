"""The profile of a shop: the page that an analyst would make first."""
