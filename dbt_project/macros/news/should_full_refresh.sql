{% macro should_full_refresh() %}
    {#- dbt's own question, which each incremental model asks: also yes where the plan of this run says so -#}
    {%- if config.get('full_refresh') is not none -%}
        {{ return(config.get('full_refresh')) }}
    {%- endif -%}
    {{ return(flags.FULL_REFRESH or (
        execute and run_query('select why_all is not null from builds.plan').columns[0].values()[0]
    )) }}
{% endmacro %}
