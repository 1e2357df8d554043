{% macro read_money(column, text) -%}
    {#- what is printed around a number: blanks and the sign of a currency -#}
    {%- set bare = "regexp_replace(" ~ text ~ ", '[\\s£$€]', '', 'g')" -%}
    coalesce(
        try_cast({{ column }} as decimal(18, 4)),
        case
            when regexp_full_match({{ bare }}, '-?[0-9]{1,3}(,[0-9]{3})*([.][0-9]+)?')
                then try_cast(replace({{ bare }}, ',', '') as decimal(18, 4))
            else try_cast({{ bare }} as decimal(18, 4))
        end
    )
{%- endmacro %}
