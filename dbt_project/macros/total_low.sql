{% macro total_low(total, variance, doubt) -%}
    {#- chance, the customers' own variances, adds to the month's doubt by its square, in money -#}
    case
        when {{ doubt }} is not null
            then greatest(
                {{ total }} - sqrt(
                    pow({{ total }} * (1 - exp(-{{ doubt }})), 2)
                    + chance_doubt * chance_doubt * {{ variance }}
                ),
                0
            )
    end
{%- endmacro %}
