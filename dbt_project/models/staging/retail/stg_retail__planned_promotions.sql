with

source as (

    select * from {{ source('retail', 'planned_promotions') }}

),

typed as (

    select
        nullif(trim(name), '') as promotion_name,
        try_cast(start_date as date) as start_date,
        try_cast(end_date as date) as end_date,
        {{ clean_label('category') }} as product_category,
        coalesce(try_cast(expected_lift as decimal(9, 4)), 0) as expected_lift,
        try_cast(announced_on as date) as announced_date,
        _loaded_at as loaded_at
    from source

),

-- the newest load knows best
corrected as (

    select *
    from typed
    qualify row_number() over (
        partition by promotion_name, start_date
        order by loaded_at desc nulls last, typed
    ) = 1

)

select * from corrected
