{% macro contract_columns() %}
    {%- set mart = graph.nodes.get('model.' ~ project_name ~ '.feat_customer_snapshots') if execute -%}
    {{ return(mart.columns.keys() | list if mart else ['as_of_date', 'customer_id']) }}
{% endmacro %}
