"""The night as a DAG of Airflow: copy this file into the folder of DAGs.

Airflow needs none of the project's packages: it calls the command in the project's own environment.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

SHOP = os.environ.get("SHOP_HOME", "/opt/retail-feature-store")
INBOX = os.environ.get("SHOP_INBOX", "/var/lib/shop/inbox")
# exit codes of a night: published with warnings, and another one is at work
WARNED, HELD = 10, 40

with DAG(
    "shop_nightly",
    description="Load what is new, build, score, publish",
    schedule="30 2 * * *",
    start_date=datetime(2024, 1, 1),
    # a night catches up by itself on what was missed, and two never run at once
    catchup=False,
    max_active_runs=1,
    tags=["shop"],
) as dag:
    BashOperator(
        task_id="nightly",
        bash_command=(
            f'"{SHOP}/.venv/bin/shop" nightly --data "{INBOX}"; code=$?; '
            f"[ $code -eq {WARNED} ] && exit 0; exit $code"
        ),
        # the warehouse, NOTIFY_URLS and so on: of the environment of the worker
        append_env=True,
        skip_on_exit_code=HELD,
        # a gate that stopped a night stops it again; what else failed may pass
        retries=1,
        retry_delay=timedelta(minutes=15),
        execution_timeout=timedelta(hours=6),
    )
