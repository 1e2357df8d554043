with

history as (

    select * from {{ ref('customer_history') }}

),

dates as (

    select * from {{ ref('int_today_found') }}

),

{{ labels_moved('customer_id', 'region', since='(select today - 14 from dates)') }},

-- people move one by one, regions are renamed as a whole. Features by region begin anew
renamed as (

    select
        'load' as alarm_kind,
        'region_renamed' as cause,
        'warn' as severity,
        day as since,
        'customer_details.region' as about,
        cast(null as double) as money,
        format(
            '{} of {} customers changed region in one load: {}',
            sum(moved),
            sum(members),
            string_agg(region || ', now ' || new_label, '; ' order by region)
        ) as message
    from counted
    where members >= 3
        and moved >= 0.8 * members
    group by day

)

select * from renamed
