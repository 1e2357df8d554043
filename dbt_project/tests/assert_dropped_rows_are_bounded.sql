-- the gate: rows that say again what another says are dropped, rows that a later one corrects count
-- until then only; where these are more than a share of the rows or the money, the ids are wrong
with

checked as (

    select * from {{ shop_facts('int_checks_summed') }}

),

summed as (

    select
        table_name,
        sum(rows) + sum(duplicate_rows) as rows_in,
        sum(money) + sum(duplicate_money) as money_in,
        coalesce(sum(rows) filter (where is_superseded), 0) as superseded_rows,
        coalesce(sum(money) filter (where is_superseded), 0) as superseded_money,
        max(largest) filter (where is_superseded) as superseded_examples,
        sum(duplicate_rows) as duplicate_rows,
        sum(duplicate_money) as duplicate_money,
        max(largest_duplicates) as duplicate_examples
    from checked
    group by all

),

ruled as (

    {% for rule, advice in {
        'superseded': 'if so much was corrected',
        'duplicate': 'if the same rows came so often',
    }.items() %}
    select
        '{{ rule }}' as rule,
        table_name,
        round({{ rule }}_rows / rows_in, 4) as share_of_rows,
        round({{ rule }}_money / nullif(money_in, 0), 4) as share_of_money,
        {{ rule }}_rows as rows,
        {{ rule }}_money as money,
        {{ rule }}_examples as examples,
        {{ var('max_' ~ rule ~ '_share') }} as most,
        '{{ advice }}, raise max_{{ rule }}_share; if not, give each row an id of its own' as what_to_do
    from summed
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from ruled
where greatest(share_of_rows, coalesce(share_of_money, 0)) > most
order by money desc
