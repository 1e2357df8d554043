"""Why a forecast differs from the average one."""
