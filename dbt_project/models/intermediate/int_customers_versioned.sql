with

checked as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

history as (

    select * from {{ ref('customer_history') }}

),

-- what was first said of a customer counts as known all along
versioned as (

    select
        history.customer_id,
        history.region,
        history.segment_id,
        first_value(history.registered_date) over versions as registered_date,
        checked.first_known_on,
        case
            when row_number() over versions = 1 then date '0001-01-01'
            else history.dbt_valid_from
        end as valid_from,
        coalesce(history.dbt_valid_to, {{ far_date() }}) as valid_until
    from history
    inner join checked
        on history.customer_id = checked.customer_id
    window versions as (
        partition by history.customer_id
        -- a later load may state a day before that of the first one
        order by history.dbt_valid_to nulls last, history.dbt_valid_from
    )

)

select * from versioned
