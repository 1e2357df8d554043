with

source as (

    select * from {{ source('retail', 'customer_details') }}

),

-- name, e-mail and phone stay in raw; points and last purchase know the future and stay there too
typed as (

    select
        {{ canonical_id('customer_id') }} as customer_id,
        coalesce(nullif(trim(region), ''), nullif(trim(city), ''), 'Unknown') as region,
        coalesce({{ canonical_id('segment_id') }}, 'UNKNOWN') as segment_id,
        coalesce({{ clean_label('loyalty_status') }}, 'Unknown') as loyalty_status,
        case
            when try_cast(customer_since as date) <= cast(_loaded_at as date)
                then try_cast(customer_since as date)
        end as registered_date,
        nullif(trim(loyalty_status), '') is null as is_loyalty_imputed,
        coalesce(nullif(trim(region), ''), nullif(trim(city), '')) is null as is_region_imputed,
        nullif(trim(segment_id), '') is null as is_segment_imputed,
        customer_since is not null
        and coalesce(try_cast(customer_since as date) > cast(_loaded_at as date), true)
            as is_registration_removed,
        {{ is_id_respelt(['customer_id']) }} as is_id_respelt,
        _loaded_at as loaded_at
    from source

),

-- the newest load knows best; the history keeps what earlier ones said
{{ keep_one_row(
    id='customer_id', key='customer_key', first_by='registered_date nulls first',
    attributes=['region', 'segment_id', 'registered_date']
) }}

select * from deduplicated
