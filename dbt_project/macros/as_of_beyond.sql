{% macro as_of_beyond(reach) -%}
    {%- set day = "date '" ~ var('as_of') ~ "'" -%}
    case
        when {{ day }} > {{ reach }} + 1
            then 'as_of {{ var("as_of") }} lies beyond the data, which reach through ' || {{ reach }}
                || ': what was sold after that day is not known and would count as nothing. Choose '
                || ({{ reach }} + 1) || ' or an earlier day or, if the files do cover all days up to it, '
                || 'load them with --known-on ' || ({{ day }} - 1)
    end
{%- endmacro %}
