"""Forecasts of the past from their own past, and how good they were."""
