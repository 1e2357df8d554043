{% macro contract_features() %}
    {%- set mart = graph.nodes.get('model.' ~ project_name ~ '.feat_customer_snapshots') if execute -%}
    {#- what the words of drivers name, as {spend_360d:,.0f} -#}
    {%- set words = mart.config.meta.drivers | string | replace(':', '}') if mart -%}
    {%- set features = [] -%}
    {%- for column in (mart.columns.values() if mart else []) if column.config.meta.role != 'key' -%}
        {%- set meta = column.config.meta -%}
        {%- do features.append({
            'name': column.name,
            'description': column.description.split() | join(' '),
            'unit': meta.unit,
            'time_window': meta.window,
            'role': meta.role,
            'data_type': column.data_type,
            'is_label': meta.role == 'categorical feature',
            'is_in_words': meta.role == 'feature' and '{' ~ column.name ~ '}' in words,
        }) -%}
    {%- endfor -%}
    {{ return(features) }}
{% endmacro %}
