"""Which raw columns a column is computed from, read from compiled SQL.

Each SELECT is read once, from its sources outwards. Two sets are kept apart: what a column's
expression names, conditions inside it included, and what decides on the way from the raw tables
which rows there are, and in which order they are taken: joins, filters, groups, windows.
"""
