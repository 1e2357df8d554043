"""The mart, built in shards: each holds a part of the customers and runs the project's own dbt build."""
