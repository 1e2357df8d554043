"""How `make audit` finds features that know the future, and how it tells."""
