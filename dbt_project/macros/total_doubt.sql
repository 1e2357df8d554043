{% macro total_doubt(share) -%}
    {#- Half the width, in logs, of the 80 % interval of what a month does to a set: to the whole shop
    alike, and to a part of it, which the whole does not have. Null without any past month. See
    train/calibration/totals.py. -#}
    sqrt(month_doubt * month_doubt + part_doubt * part_doubt * (1 - coalesce({{ share }}, 1)))
{%- endmacro %}
