{% test primary_key(model, columns, nullable=[]) %}

-- `unique` and `not_null` of a key in one pass; columns named in `nullable` may be empty
select
    {{ columns | join(', ') }},
    count(*) as rows_with_this_key
from {{ model }}
group by all
having count(*) > 1
{%- for column in columns if column not in nullable %}
    or {{ column }} is null
{%- endfor %}

{% endtest %}
