"""Fitted estimators as flat arrays: the same forecasts, without scikit-learn on the way."""
