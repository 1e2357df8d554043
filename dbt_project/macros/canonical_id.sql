{% macro canonical_id(column) -%}
    {%- set text = "cast(" ~ column ~ " as varchar)" -%}
    {%- set trimmed = "upper(trim(" ~ text ~ "))" -%}
    case
        -- most ids are canonical: a first letter, no small ones, no blank at the end
        when ascii({{ text }}) between 65 and 90
            and {{ text }} = upper({{ text }})
            and not suffix({{ text }}, ' ')
            then {{ text }}
        when regexp_full_match({{ trimmed }}, '[0-9]+([.]0+)?')
            then coalesce(nullif(ltrim(split_part({{ trimmed }}, '.', 1), '0'), ''), '0')
        else nullif({{ trimmed }}, '')
    end
{%- endmacro %}
