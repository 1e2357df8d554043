"""Where raw tables come from: a generated shop, or files of a real one."""
