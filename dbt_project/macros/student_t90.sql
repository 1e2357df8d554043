{% macro student_t90(freedom) -%}
    {#- Cornish and Fisher's series (Abramowitz and Stegun 26.7.5), within 0.001 from 4 degrees on -#}
    (1.28155 + 0.84659 / {{ freedom }} + 0.57090 / pow({{ freedom }}, 2) + 0.2585 / pow({{ freedom }}, 3))
{%- endmacro %}
