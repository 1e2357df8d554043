{% macro end_of_time() -%} date '9999-12-31' {%- endmacro %}
