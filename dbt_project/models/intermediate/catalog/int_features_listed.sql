with

sampled as (

    select * from {{ ref('int_features_sampled') }}

),

-- one row per value: numbers and labels side by side
listed as (

    select
        as_of_date,
        is_sample,
        is_current_sample,
        unnest([
            {%- for feature in contract_features() %}
            struct_pack(
                feature := '{{ feature.name }}',
                number := {{ 'null' if feature.is_label else 'cast(' ~ feature.name ~ ' as double)' }},
                label := {{ feature.name if feature.is_label else 'null' }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ], recursive := true)
    from sampled

)

select * from listed
