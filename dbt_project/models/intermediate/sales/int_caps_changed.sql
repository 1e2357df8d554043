with

caps as (

    select * from {{ ref('int_line_caps_set') }}

),

caps_before as (

    select * from {{ builds_before('caps_read', ref('int_line_caps_set')) }}

),

-- the sizes between which a line counts for something else than it did: no other line is touched
changed as (

    select
        coalesce(caps.event_month, caps_before.event_month) as event_month,
        {%- for measure in ['amount', 'quantity'] %}
        case
            when (caps.{{ measure }}_cap is distinct from caps_before.{{ measure }}_cap)
                -- null: no cap
                then least(caps.{{ measure }}_cap, caps_before.{{ measure }}_cap)
        end as {{ measure }}_from{{ ',' if not loop.last }}
        {%- endfor %}
    from caps
    -- a month in one of the two only has its first cap, or has lost it
    full outer join caps_before
        on caps.event_month = caps_before.event_month

),

narrowed as (

    select *
    from changed
    where amount_from is not null or quantity_from is not null

)

select * from narrowed
