{% macro total_high(total, variance, doubt) -%}
    {{ total }} + sqrt(
        pow({{ total }} * (exp({{ doubt }}) - 1), 2) + chance_doubt * chance_doubt * {{ variance }}
    )
{%- endmacro %}
