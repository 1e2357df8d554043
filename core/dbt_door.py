"""Lets dbt in by the warehouse's own door: it waits for readers, and says plainly when it cannot.

Loaded by dbt-duckdb before it connects, as a plugin that `dbt_project/profiles.yml` names.
"""

from __future__ import annotations

import os
from typing import Any

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError

import warehouse
from core.expected_errors import keep_files_private


class Plugin(BasePlugin):
    """What dbt-duckdb asks before it opens the file."""

    # dbt tries again while it ends; waiting once is enough
    refused: warehouse.WarehouseError | None = None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Wait until the file can be written; what dbt makes is private to the user.

        `DUCKDB_THREADS` bounds the cores of a build that shares a machine, as a task of Spark does.

        Raises
        ------
        DbtRuntimeError
            If it cannot; dbt prints its message, and a long traceback for anything else.
        """
        keep_files_private()
        if threads := os.environ.get("DUCKDB_THREADS"):
            config["threads"] = threads
        try:
            if self.refused:
                raise self.refused
            warehouse.writer().close()
        except warehouse.WarehouseError as error:
            self.refused = error
            raise DbtRuntimeError(str(error)) from error
