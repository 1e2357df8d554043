with

checked as (

    select * from {{ ref('int_products_checked') }}
    where rejected_by is null

),

history as (

    select * from {{ ref('product_history') }}

),

-- what was first said of a product counts as known all along
versioned as (

    select
        history.product_id,
        history.product_category,
        history.unit_price,
        checked.first_known_on,
        case
            when row_number() over versions = 1 then date '0001-01-01'
            else history.dbt_valid_from
        end as valid_from,
        coalesce(history.dbt_valid_to, {{ far_date() }}) as valid_until
    from history
    inner join checked
        on history.product_id = checked.product_id
    window versions as (
        partition by history.product_id
        -- a later load may state a day before that of the first one
        order by history.dbt_valid_to nulls last, history.dbt_valid_from
    )

)

select * from versioned
