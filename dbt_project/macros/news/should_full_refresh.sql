{% macro should_full_refresh() %}
    {#- dbt's own question, which each incremental model asks: also yes where the plan of this run says so -#}
    {%- if not execute -%}
        {{ return(false) }}
    {%- elif config.get('full_refresh') is not none or flags.FULL_REFRESH -%}
        {{ return(flags.FULL_REFRESH if config.get('full_refresh') is none else config.get('full_refresh')) }}
    {%- endif -%}
    {%- set is_planned = run_query(
        "select 1 from duckdb_tables() where database_name = current_database() and schema_name = 'builds'"
        ~ " and table_name = 'plan'"
    ).rows -%}
    {{ return(not is_planned or run_query(
        'select coalesce(bool_or(why_all is not null), true) from builds.plan'
    ).columns[0].values()[0]) }}
{% endmacro %}
