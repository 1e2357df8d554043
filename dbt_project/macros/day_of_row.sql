{% macro day_of_row(day) -%}
    {#- a date by default, one far ahead or none: the day on which the row was recorded -#}
    case
        when {{ day }} >= date '{{ var("earliest_date") }}'
            and {{ day }} <= coalesce(recorded_date, loaded_date) + 1
            then {{ day }}
        else recorded_date
    end
{%- endmacro %}
