{% macro far_date() -%} date '9999-12-31' {%- endmacro %}
