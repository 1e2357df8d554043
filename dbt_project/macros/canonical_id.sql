{% macro canonical_id(column) -%}
    {%- set trimmed = "upper(trim(cast(" ~ column ~ " as varchar)))" -%}
    case
        when regexp_full_match({{ trimmed }}, '[0-9]+([.]0+)?')
            then coalesce(nullif(ltrim(split_part({{ trimmed }}, '.', 1), '0'), ''), '0')
        else nullif({{ trimmed }}, '')
    end
{%- endmacro %}
