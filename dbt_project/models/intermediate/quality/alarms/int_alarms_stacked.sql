{% set raised = [
    'int_feed_alarms_raised',
    'int_gate_alarms_raised',
    'int_run_alarms_raised',
    'int_drift_alarms_raised',
    'int_forecast_alarms_raised',
    'int_model_alarms_raised',
] %}

with

stacked as (

    {% for model in raised %}
    select
        alarm_kind,
        severity,
        since,
        cause,
        about,
        cast(money as double) as money,
        message
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from stacked
