{% macro shop_facts(name) %}
    {#- a fact of the whole shop, for models that must not take a part of it for the whole. In a shard it is
        what the driver has summed over all shards, and without that there is nothing to read -#}
    {%- if var('shard') is not sameas true -%}
        {{ return(ref(name)) }}
    {%- endif -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'test'] and not run_query(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = 'shop'"
        ~ " and table_name = '" ~ name ~ "'"
    ).rows -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ' needs ' ~ name ~ ' of the whole shop, and a shard has only its own: build with'
            ~ ' `python shards/build.py`, which sums it over all shards'
        ) }}
    {%- endif -%}
    {{ return(api.Relation.create(schema='shop', identifier=name)) }}
{% endmacro %}
