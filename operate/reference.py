"""Write the reference pages that the code and the yml files of dbt say already.

python -m operate.reference

Each page of `docs/reference/` that is made here says so at its top; a test holds it against what
would be written now.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

import typer
import yaml

import warehouse
from core import doubt as doubt_metrics
from core import metrics
from operate import formulas
from operate.shop import COMMANDS

FOLDER = warehouse.ROOT / "docs" / "reference"
MODELS = warehouse.DBT_PROJECT / "models"
PROJECT_YML = warehouse.DBT_PROJECT / "dbt_project.yml"
# the source of what Python writes back, which lies in schema main
WRITTEN_BACK = "scoring"

# what the code reads of the environment, and what for
ENVIRONMENT = {
    "WAREHOUSE_PATH": "The warehouse file, from the root of the project; models and reports lie "
    "beside it.",
    "DUCKDB_MEMORY_LIMIT": "What a build holds in memory at once; beyond it spills to the disk.",
    "DUCKDB_THREADS": "How many cores a build uses; all if not set. Spark sets it for its tasks.",
    "MLFLOW_TRACKING_URI": "MLflow store that fits are logged to, as with `shop fit --mlflow`.",
    "MODEL_KEY": "A secret under which cards of models are sealed, and without which none is run.",
    "XDG_STATE_HOME": "Where the list of trusted models lies, `~/.local/state` if not set.",
    "API_URL": "Where the app finds the API.",
    "API_KEY": "The key that the app sends to it.",
    "API_KEYS": "Who may ask the API: entries `KEY:read,predict` with blanks between.",
    "API_KEYS_FILE": "A file of the same, a line `SHA256 read,predict` for each key.",
    "DBT_TARGET_PATH": "dbt's own: where it writes what it compiles; `dbt_project/target`.",
    "DBT_LOG_PATH": "dbt's own: where it writes its log; `dbt_project/logs`.",
    "NOTIFY_URLS": "Who is told of a night, as with `shop nightly --notify`; with blanks between.",
    "PUBLISH_TO": "Object store that a night publishes in, too: `shop nightly --publish-to`.",
    "GENERATION_URL": "API and app serve what is published in this object store.",
    "GENERATION_CACHE": "Folder for what they fetch or copy; else that for temporary files.",
    "AWS_ALLOW_HTTP": "`true`: the store may be reached without TLS, for S3 servers of your own.",
    "DBT_PROJECT_DIR": "dbt's own: the folder of `dbt_project.yml`; `make` and `shop` set it.",
}
VARIABLES_SAY = """
Set for good in `dbt_project/dbt_project.yml`, for one build by
`dbt build --vars '{cap_multiple: 5}'`. Where a variable that an incremental model reads is another
than in the last build, all is computed anew.
"""
READS = re.compile(
    r"""(?:environ\.get\(|env_var\(|envvar=)["'](\w+)["'](?:\)? ?(?:,|or) ["']([^"']+))?"""
)


def pages() -> dict[str, str]:
    """Return every page by the name of its file in `docs/reference/`."""
    return {
        "tables.md": _tables(),
        "variables.md": _variables(),
        "commands.md": _commands(),
        "metrics.md": _metrics(),
    }


def _page(title: str, source: str, *parts: str) -> str:
    made = f"Made by `make docs-reference` from {source}; change it there."
    return "\n\n".join([f"# {title}", made, *(part.strip() for part in parts if part)]) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([_line(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _line(value: object) -> str:
    return " ".join(str(value).split())


def _code(value: object) -> str:
    return f"`{value}`" if value else ""


def _codes(values: Iterable[object]) -> str:
    return ", ".join(map(_code, values))


def _tables() -> str:
    files = {file: yaml.safe_load(file.read_text()) for file in sorted(MODELS.rglob("*.yml"))}
    models = {
        one["name"]: one | {"layer": file.relative_to(MODELS).parts[0]}
        for file, described in files.items()
        for one in described.get("models", [])
    }
    sources = {
        one["name"]: one for described in files.values() for one in described.get("sources", [])
    }
    of_schema = {
        "marts": [one for one in models.values() if one["layer"] == "marts"],
        "main": sources[WRITTEN_BACK]["tables"],
        # families and stored halves are steps on the way to what is public
        "features": [
            one
            for one in models.values()
            if one["layer"] == "features" and one.get("access") == "public"
        ],
    }
    parts = ["What people read in the warehouse; `make docs` shows the steps before it, too."]
    for schema, tables in of_schema.items():
        linked = (f"[{one['name']}](#{schema}{one['name']})" for one in tables)
        parts.append(f"Schema `{schema}`: {', '.join(linked)}.")
    words = _doc_blocks()
    parts += [_one_table(schema, one, words) for schema in of_schema for one in of_schema[schema]]
    return _page("Tables", "the yml files of `dbt_project/models/`", *parts)


def _doc_blocks() -> dict[str, str]:
    text = "\n".join(file.read_text() for file in sorted(MODELS.rglob("*.md")))
    return dict(re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", text, re.DOTALL))


def _one_table(schema: str, entry: dict[str, Any], words: dict[str, str]) -> str:
    def described(one: dict[str, Any]) -> str:
        quoted = re.compile(r"""{{ doc\(["'](\w+)["']\) }}""")
        return _line(quoted.sub(lambda found: words[found[1]], one["description"]))

    columns = entry.get("columns", [])
    typed = [("type", "data_type")] if any("data_type" in one for one in columns) else []
    rows = [
        (_code(one["name"]), *(one.get(key, "") for _, key in typed), described(one))
        for one in columns
    ]
    listed = _table(("column", *(name for name, _ in typed), "meaning"), rows) if rows else ""
    return "\n\n".join([f"## {schema}.{entry['name']}", described(entry), listed]).strip()


def _variables() -> str:
    read = environment_defaults()
    environment = [
        (_code(name), _code(read[name]), described) for name, described in ENVIRONMENT.items()
    ]
    head = ("variable", "default", "meaning")
    return _page(
        "Variables",
        "`dbt_project/dbt_project.yml` and the code",
        *("## Of dbt", VARIABLES_SAY, _table(head, _dbt_variables())),
        *("## Of the environment", _table(head, environment)),
    )


def _dbt_variables() -> list[tuple[str, str, str]]:
    """Return names, defaults and the comment above; without one of its own it joins the last."""
    text = PROJECT_YML.read_text()
    defaults = yaml.safe_load(text)["vars"]
    groups: list[tuple[list[str], list[str]]] = []
    comment: list[str] = []
    for line in text.split("\nvars:\n")[1].split("\n\n")[0].splitlines():
        if line.startswith("  # "):
            comment.append(line[4:])
        elif found := re.match(r"  (\w+):", line):
            groups += [([], comment)] if comment else []
            groups[-1][0].append(found[1])
            comment = []
    return [
        (_codes(names), _codes(json.dumps(defaults[name]) for name in names), " ".join(described))
        for names, described in groups
    ]


def environment_defaults() -> dict[str, str]:
    """Return what the code reads of the environment with the default that it states, if any."""
    files = [warehouse.ROOT / "warehouse.py", warehouse.DBT_PROJECT / "profiles.yml"]
    for room in {"core", *(place.split(".")[0] for place, _ in COMMANDS.values())}:
        files += (warehouse.ROOT / room).rglob("*.py")
    found: dict[str, str] = {}
    for name, default in READS.findall("\n".join(file.read_text() for file in files)):
        found[name] = max(found.get(name, ""), default, key=len)
    return found


def _commands() -> str:
    makefile = (warehouse.ROOT / "Makefile").read_text()
    parts = ["`shop COMMAND --help` says the same."]
    parts += [_one_command(name, *COMMANDS[name], makefile) for name in COMMANDS]
    return _page("Commands", "the commands themselves", *parts)


def _one_command(name: str, place: str, summary: str, makefile: str) -> str:
    module, _, function = place.partition(":")
    app = typer.Typer(add_completion=False)
    app.command()(getattr(import_module(module), function or "main"))
    command = typer.main.get_command(app)
    context = typer.Context(command)
    records = filter(None, (one.get_help_record(context) for one in command.params))
    rows = [(_code(left.replace("<%Y-%m-%d>", "DATE")), right) for left, right in records]
    more = (command.help or "").partition("\n\n")[2]
    same = [] if function else [f"`python {_script(module)}`"]
    same += [f"`make {target}` ({comment})" for target, comment in _targets(name, makefile)]
    parts = [
        f"## shop {name}",
        summary,
        _line(more),
        f"Also {'; '.join(same)}.",
        rows and _table(("argument or option", "meaning"), rows),
    ]
    return "\n\n".join(part for part in parts if part)


def _script(module: str) -> str:
    """Return the script behind a command: the module, or what its docstring names."""
    source = inspect.getsource(import_module(module))
    if "__main__" in source:
        return module.replace(".", "/") + ".py"
    [named] = re.findall(r"python (\S+\.py)", source.partition('"""\n')[0])
    return named


def _targets(command: str, makefile: str) -> list[tuple[str, str]]:
    """Return the targets of make whose recipe calls a command, with their comments."""
    called = re.compile(rf"(/shop|\$\(DBT\)) {command}(?![\w-]| --select)")
    recipes = re.findall(r"^([a-z-]+):.*?## (.*)\n((?:.*\n)*?)(?:\n|\Z)", makefile, re.MULTILINE)
    return [(target, described) for target, described, recipe in recipes if called.search(recipe)]


def _metrics() -> str:
    doubt = doubt_metrics.DOUBT_EXPLAINED.items()
    explained = metrics.EXPLAINED | {
        name: (described, formulas.BEST[name]) for name, described in doubt
    }
    rows = [
        (
            _code(name),
            described,
            best,
            _code(formulas.FORMULAS[name][0]),
            formulas.FORMULAS[name][1],
        )
        for name, (described, best) in explained.items()
    ]
    undefined = (metrics.__doc__ or "").partition("\n\n")[2]
    judged = [(column, _codes(names)) for column, names in formulas.JUDGED.items()]
    return _page(
        "Metrics",
        "`core/metrics.py` and `operate/formulas.py`",
        formulas.METRICS_SAY,
        _table(("metric", "says", "best", "formula", "source"), rows),
        *("## Which column is judged by which", _table(("column", "metrics"), judged)),
        formulas.JUDGED_SAYS,
        *("## Where a metric is undefined", undefined),
    )


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
