{{ config(materialized='as_of_snapshots') }}

-- depends_on: {{ ref('int_snapshots_scheduled') }}, {{ ref('int_customers_known') }}
-- depends_on: {{ ref('int_customer_days_spaced') }}, {{ ref('int_category_states_tracked') }}
with

-- the pairs of customer and date that the mart lacks, or that a late row has touched
computed as (

    select * from {{ ref('customers_as_of') }}('pairs_to_build')

)

select * from computed
