{% macro inputs_version(node) %}
    {%- set parents = versions_of(inputs_of(node)) -%}
    {%- if parents is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set types = node.columns.values() | map(attribute='data_type') | list if node.contract.enforced -%}
    {{ return(local_md5(node.config.materialized ~ types ~ node.compiled_code ~ parents)) }}
{% endmacro %}
