{% macro clean_label(column) -%}
    {%- set folded = "lower(regexp_replace(trim(cast(" ~ column ~ " as varchar)), '\\s+', ' ', 'g'))" -%}
    nullif(upper(left({{ folded }}, 1)) || substr({{ folded }}, 2), '')
{%- endmacro %}
