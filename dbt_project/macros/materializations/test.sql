{% materialization test, default %}
    {#- `dbt test` always looks; a build has seen the same rows pass -#}
    {%- if flags.WHICH == 'build' and is_unchanged(model) -%}
        {%- call statement('main', fetch_result=True) -%}
            select 0 as failures, false as should_warn, false as should_error
        {%- endcall -%}
        {{ return({'relations': []}) }}
    {%- endif -%}
    {%- set relations = dbt.materialization_test_default() -%}
    {%- set outcome = load_result('main').table.rows[0] -%}
    {%- if flags.WHICH == 'build' and outcome['failures'] == 0 -%}
        {%- do run_query(remember()) -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
    {{ return(relations) }}
{% endmaterialization %}
