"""The bare kernel of the feature mart: what the benchmark holds the dbt project against."""
