"""A second, slow and plain implementation of the feature mart, to hold the first against."""

from proof.oracle.computed import DEFAULTS, Facts, clean, features, shop_features

__all__ = ["DEFAULTS", "Facts", "clean", "features", "shop_features"]
