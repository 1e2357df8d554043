{% macro student_t(normal, freedom) -%}
    {#- Cornish and Fisher's series (Abramowitz and Stegun 26.7.5), of a tenth within 0.001 from 4 degrees on -#}
    {%- set z = normal -%}
    ({{ z }} + {{ '%.5f' % ((z ** 3 + z) / 4) }} / {{ freedom }}
    + {{ '%.5f' % ((5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96) }} / pow({{ freedom }}, 2)
    + {{ '%.5f' % ((3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384) }} / pow({{ freedom }}, 3))
{%- endmacro %}
