-- what the newest load brought is not what the days before it make plausible; nothing behind
-- marts.load_alarms is built until it is mended, or somebody has looked and accepts it
with

alarms as (

    select * from {{ ref('load_alarms') }}
    where severity = 'error' and is_of_newest_load

),

stopping as (

    select
        load_id,
        day,
        table_name,
        column_name,
        cause,
        message as seen_and_expected,
        'mend the file and load again; if the day was really like this: dbt build --vars '
        || '''{accepted_loads: [' || load_id || ']}''' as what_to_do
    from alarms
    where not list_contains(cast({{ var('accepted_loads') }} as bigint[]), load_id)

)

select * from stopping
order by day, cause
