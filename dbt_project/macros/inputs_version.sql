{% macro inputs_version(node) %}
    {%- set parents = versions_of(inputs_of(node)) -%}
    {%- if parents is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set types = node.columns.values() | map(attribute='data_type') | list if node.contract.enforced -%}
    {#- an earlier version of the project trusted SQL that reads more than it names: its notes hold no more -#}
    {{ return(local_md5('closed' ~ node.config.materialized ~ types ~ node.compiled_code ~ parents)) }}
{% endmacro %}
