{% macro total_doubt(total, variance, share) -%}
    {#- Half the width, in logs, of the 80 % interval of a total. Three independent doubts add up by
    their squares: that of the month, which all sets share; that of a part of the shop, which the
    whole does not have; chance, the customers' own variances. See train/totals.py. -#}
    sqrt(
        month_doubt * month_doubt
        + part_doubt * part_doubt * (1 - {{ share }})
        + chance_doubt * chance_doubt * {{ variance }} / nullif({{ total }} * {{ total }}, 0)
    )
{%- endmacro %}
