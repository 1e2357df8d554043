"""The mart, built in shards: each has a part of the customers, and runs the project's dbt build."""
