{% macro contract_features() %}
    {%- set mart = graph.nodes.get('model.' ~ project_name ~ '.feat_customer_snapshots') if execute -%}
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
        }) -%}
    {%- endfor -%}
    {{ return(features) }}
{% endmacro %}
