with

counted as (

    select * from {{ ref('int_features_counted') }}

),

summarised as (

    select * from {{ ref('int_features_summarised') }}

),

drifted as (

    select * from {{ ref('int_features_drifted') }}

),

lineage as (

    select * from {{ ref('stg_scoring__feature_lineage') }}

),

importance as (

    select * from {{ ref('stg_scoring__feature_importance') }}

),

-- the contract, as the yml of the feature mart states it
contract as (

    select unnest([
        {%- for feature in contract_features() %}
        struct_pack(
            position := {{ loop.index }},
            {%- for part in ['name', 'description', 'unit', 'time_window', 'role', 'data_type'] %}
            {{ part }} := {{ "'" ~ feature[part] | replace("'", "''") ~ "'" if feature[part] else 'null' }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ], recursive := true)

),

joined as (

    select
        contract.position,
        contract.name,
        contract.description,
        contract.unit,
        contract.time_window,
        contract.role,
        contract.data_type,
        lineage.source_columns,
        lineage.row_columns,
        counted.null_share,
        counted.minimum,
        summarised.p25,
        summarised.median,
        summarised.p75,
        counted.maximum,
        summarised.most_frequent,
        counted.first_as_of_date,
        counted.last_as_of_date,
        importance.importance,
        drifted.drift,
        importance.model_version
    from contract
    left join counted
        on contract.name = counted.feature
    left join summarised
        on contract.name = summarised.feature
    left join drifted
        on contract.name = drifted.feature
    left join lineage
        on contract.name = lineage.feature
    left join importance
        on contract.name = importance.feature
    order by contract.position

)

select * from joined
