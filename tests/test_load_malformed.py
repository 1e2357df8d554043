"""Whatever is thrown at the loader: one clear error or a load, never a traceback or a change."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
import typer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import warehouse
from load.command import main
from load.file_format import Format
from load.find_files import unzipped
from load.loader import load
from load.read_workbook import sheet_parts
from load.staging import LoadError
from tests.shop_files import SHAPES, sqlite
from tests.test_load import NEW, ORDER_LINES, order_lines, write_workbook

APP = typer.Typer()
APP.command()(main)
HEADER = ",".join(NEW)
ROWS = [",".join("" if cell is None else str(cell) for cell in row) for row in ORDER_LINES]
CSV = "\n".join([HEADER, *ROWS, ""])
MAPPING = {
    "order_lines": {
        "format": {"delimiter": ",", "encoding": "utf-8", "dates": "%Y-%m-%d %H:%M:%S"},
        "columns": {
            "transaction_id": "InvoiceNo",
            "customer_id": ["CustomerID", "Customer ID"],
            "transaction_date": "InvoiceDate",
            "product_id": "StockCode",
            "quantity": "Quantity",
            "unit_price": "UnitPrice",
            "line_item_amount": "quantity * unit_price",
        },
        "where": "not starts_with(InvoiceNo, 'A')",
        "order_amount": "null",
        "split_orders_by": ["day"],
    }
}


class Target:
    """A small warehouse that must stay as it is, and the command that is tried on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "warehouse" / "shop.duckdb"
        self.tried = 0
        good = folder / "good.csv"
        good.write_text(CSV)
        load(good)
        with warehouse.connect() as connection:
            connection.execute("create table main.predictions as select '13085' as customer_id")
        self.bytes = self.file.read_bytes()
        self.content = self._content()

    def attack(self, *arguments: object) -> str:
        """Run the command; return its message, or nothing when it loaded."""
        self.tried += 1
        result = CliRunner().invoke(APP, [str(one) for one in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), arguments
        assert result.exit_code in (0, 1), result.stderr
        if result.exit_code == 0:
            self._restore()
            return ""
        errors = [line for line in result.stderr.splitlines() if line.strip()]
        assert len(errors) == 1, result.stderr
        assert errors[0].startswith("error: ")
        assert "Traceback" not in result.output
        if hashlib.sha256(self.file.read_bytes()).digest() != hashlib.sha256(self.bytes).digest():
            assert self._content() == self.content
            self._restore()
        return errors[0]

    def _restore(self) -> None:
        self.file.with_name(self.file.name + ".wal").unlink(missing_ok=True)
        self.file.write_bytes(self.bytes)

    def _content(self) -> dict[str, str]:
        with warehouse.connect(read_only=True) as connection:
            tables = connection.execute(
                "select schema_name || '.' || table_name from duckdb_tables() order by all"
            ).fetchall()
            return {
                name: hashlib.sha256(
                    repr(connection.execute(f"from {name} order by all").fetchall()).encode()
                ).hexdigest()
                for (name,) in tables
            }


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("malformed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PATH", str(folder / "warehouse" / "shop.duckdb"))
        yield Target(folder)


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """Good files of every kind, to be broken."""
    folder = tmp_path_factory.mktemp("whole")
    files = {"lines.csv.gz": gzip.compress((CSV * 3).encode())}
    order_lines().to_parquet(folder / "lines.parquet")
    write_workbook(folder / "lines.xlsx", {"Sheet": [NEW, *ORDER_LINES]})
    files |= {name: (folder / name).read_bytes() for name in ("lines.parquet", "lines.xlsx")}
    files["lines.sqlite"] = sqlite(folder).read_bytes()
    files["utf16.csv"] = CSV.encode("utf-16")
    return files


def tries(number):
    """Run a property on `number` inputs, the same ones each time."""
    return settings(
        max_examples=number,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def attacked(target, number, property_test):
    """Run a property and make sure that it saw its inputs."""
    before = target.tried
    property_test()
    assert target.tried - before >= number


SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".xlsx", ".xls", ".ods", ".sqlite")
SUFFIXES += (".duckdb", ".json", ".jsonl", ".zip", "")
NOISE = {"bytes": 50, "broken": 45, "lines": 55, "yaml": 290, "mappings": 50, "suggest": 15}


def test_at_least_five_hundred_inputs_are_tried():
    assert sum(NOISE.values()) >= 500


def test_bytes_of_no_meaning_are_refused(target):
    @tries(NOISE["bytes"])
    @given(st.binary(max_size=300), st.sampled_from(SUFFIXES), st.booleans())
    def noise(content, suffix, as_lines):
        file = target.folder / f"noise{suffix}"
        file.write_bytes(HEADER.encode() + b"\n" + content if as_lines else content)
        target.attack(file)

    attacked(target, NOISE["bytes"], noise)


def test_files_cut_short_or_with_wrong_bytes_are_refused_or_load(target, whole_files):
    mapping = target.folder / "sqlite.yml"
    mapping.write_text(SHAPES["sqlite"][1])

    @tries(NOISE["broken"])
    @example("lines.sqlite", 0.49512593636396535, b"\x80", False)
    @given(
        st.sampled_from(sorted(whole_files)),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=4),
        st.booleans(),
    )
    def broken(name, place, wrong, is_cut):
        content = whole_files[name]
        at = int(place * len(content))
        file = target.folder / name
        file.write_bytes(content[:at] + (b"" if is_cut else wrong + content[at + len(wrong) :]))
        further = ["--mapping", mapping] if name.endswith("sqlite") else []
        message = target.attack(file, *further)
        assert message or not (is_cut and name.endswith((".gz", ".parquet", ".xlsx")))

    attacked(target, NOISE["broken"], broken)


def test_no_damaged_byte_of_a_workbook_or_a_zip_raises_what_the_loader_does_not_know(tmp_path):
    workbook, archive = tmp_path / "lines.xlsx", tmp_path / "lines.zip"
    write_workbook(workbook, {"Sheet": [NEW, *ORDER_LINES[:3]]})
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("lines.csv", CSV)
    refused = 0
    for file in (workbook, archive):
        content = file.read_bytes()
        for at, byte in enumerate(content):
            file.write_bytes(content[:at] + bytes([byte ^ 0x80]) + content[at + 1 :])
            scratch = tmp_path / f"{file.name} {at}"
            scratch.mkdir()
            try:
                if file == workbook:
                    sheet_parts(file, None, Format())
                else:
                    unzipped(file, scratch)
            except LoadError:
                refused += 1
    assert refused > 1000


# fmt: off
ODD_CELLS = [
    "", " ", "x", '"', '"open', "1e999", "9" * 40, "-0", "NaN", "inf", "\0", "1,5", "a;b", "\t",
    "2010-02-30", "31/31/2010", "0000-00-00", "99999-01-01", "infinity", "\ufeff", "\u2028",
    "'; drop table raw.loads; --", "£", "{}", "=1+1", "\r", "\U0001f600", "x" * 3000,
]
ODD_YAML = [
    "order_lines:", "\n  columns:", "\n    customer_id: ", "CustomerID", "{", "[", "- ", "&a ",
    "*a", "!!python/object:os.system x", "? ", "\t", "'", '"', "|", "\0", "~", "2024-01-01",
    "\n", "<<: *a", "%YAML 9", "\x80", "format: {delimiter: ,}", "products: []", "1e400",
]
# fmt: on
CELLS = st.sampled_from(ODD_CELLS)


@st.composite
def broken_lines(draw):
    """Lines of a good file with some of its cells, rows, header or delimiters wrong."""
    table = [HEADER.split(","), *(row.split(",") for row in ROWS)]
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.integers(0, len(table) - 1))
        cells = table[row]
        place = draw(st.integers(0, max(len(cells) - 1, 0)))
        what = draw(st.sampled_from(["cell", "cell", "less", "more", "row", "swap", "twice"]))
        if what == "row":
            table.insert(row, draw(st.lists(CELLS, max_size=9)))
        elif what == "twice":
            table.insert(row, list(cells))
        elif what == "more":
            cells.insert(place, draw(CELLS))
        elif cells and what == "cell":
            cells[place] = draw(CELLS)
        elif cells and what == "less":
            del cells[place]
        elif cells:
            cells[place], cells[0] = cells[0], cells[place]
    delimiter = draw(st.sampled_from([",", ",", ",", ";", "\t", "|", " ", "::"]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    return newline.join(delimiter.join(cells) for cells in table)


def test_lines_with_wrong_cells_are_refused_or_set_aside(target):
    @tries(NOISE["lines"])
    @given(
        broken_lines(),
        st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-32"]),
        st.sampled_from([[], [], ["--quarantine"], ["--append"], ["--append", "--quarantine"]]),
    )
    def lines(text, encoding, options):
        file = target.folder / "lines.csv"
        file.write_bytes(text.encode(encoding, errors="replace"))
        target.attack(file, *options)

    attacked(target, NOISE["lines"], lines)


def test_texts_that_are_no_mapping_are_refused(target):
    data = target.folder / "good.csv"

    @tries(NOISE["yaml"])
    @given(st.lists(st.sampled_from(ODD_YAML), min_size=1, max_size=8), st.binary(max_size=6))
    def text(parts, tail):
        file = target.folder / "mapping.yml"
        file.write_bytes("".join(parts).encode() + tail)
        assert target.attack(data, "--mapping", file)

    attacked(target, NOISE["yaml"], text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(["constant", "join", "multiply", "file", "x"])
VALUES = st.recursive(
    SCALARS
    | st.sampled_from(
        [
            *("quantity", "store_id", "Quantity", "*", "../x", "%Q", "C", ","),
            *(
                "Quantity * UnitPrice",
                "quantity +",
                "(select 1)",
                "now()",
                "nothing(Quantity)",
                "'ALL'",
            ),
            *("Quantity / 0", "cast(StockCode as date)", "[Quantity]", "sum(Quantity)", "--", ";"),
        ]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=6,
)


@st.composite
def wrong_mappings(draw):
    """A good mapping in which one thing is replaced, added or left out."""
    mapping = json.loads(json.dumps(MAPPING))
    inner = mapping
    while isinstance(inner, dict) and inner:
        key = draw(st.sampled_from(sorted(inner)))
        if not isinstance(inner[key], dict) or draw(st.integers(0, 3)) == 0:
            break
        inner = inner[key]
    new = draw(
        st.sampled_from([key, key, "total_amount", "line_item_id", "names", "file", "table"])
    )
    if draw(st.integers(0, 4)) == 0:
        del inner[key]
    else:
        inner[new] = draw(VALUES)
    return mapping


def test_wrong_mappings_are_refused_or_load(target):
    data = target.folder / "good.csv"

    @tries(NOISE["mappings"])
    @example({"order_lines": MAPPING["order_lines"] | {"table": "\ud800"}})
    @given(wrong_mappings())
    def mapping(content):
        file = target.folder / "mapping.yml"
        file.write_text(json.dumps(content))
        target.attack(data, "--mapping", file)

    attacked(target, NOISE["mappings"], mapping)


def test_suggestions_for_files_of_no_meaning_are_no_traceback(target):
    @tries(NOISE["suggest"])
    @given(st.binary(max_size=200) | broken_lines().map(str.encode), st.sampled_from(SUFFIXES))
    def suggestion(content, suffix):
        file = target.folder / f"noise{suffix}"
        file.write_bytes(content)
        target.attack("--suggest", file)

    attacked(target, NOISE["suggest"], suggestion)


def test_paths_that_lead_nowhere_are_refused(target):
    folder = target.folder / "paths"
    folder.mkdir()
    (folder / "empty").mkdir()
    (folder / "folder.csv").mkdir()
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")
    (folder / "around").symlink_to(folder)
    os.mkfifo(folder / "pipe.csv")
    wrong = folder / "lines.xlsx"
    wrong.write_text(CSV)
    bare = duckdb.connect(str(folder / "bare.duckdb"))
    bare.close()
    mapping = folder / "mapping.yml"
    mapping.write_text(json.dumps(MAPPING))
    good = target.folder / "good.csv"
    for arguments in (
        [folder / "nothing"],
        [folder / "empty"],
        [folder / "folder.csv"],
        [folder / "loop.csv"],
        [folder / "gone.csv"],
        [folder / "pipe.csv"],
        [folder / "around" / "around" / "loop.csv"],
        [wrong],
        [folder / "*.nothing"],
        [folder / "bare.duckdb", "--mapping", mapping],
        [folder / "bare.duckdb", "--suggest"],
        [folder / "line\nbreak.csv"],
        [folder / ("x" * 300)],
        [folder / "half \udcff character.csv"],
        [good, "--mapping", folder / "half \udcff character.yml"],
        [warehouse.path(), "--mapping", mapping],
        [good, "--mapping", folder],
        [good, "--mapping", folder / "loop.csv"],
        [good, "--mapping", good],
        [good, "--layout", "nonsense"],
        [good, "--layout", "tables", "--mapping", mapping],
        [good, "--out", folder / "x.yml"],
        [good, "--suggest", "--out", folder],
        [good, "--timezone", "Mars/Base"],
        ["--undo", "9"],
    ):
        assert target.attack(*arguments), arguments


def test_a_file_that_may_not_be_read_is_refused(target):
    file = target.folder / "secret.csv"
    shutil.copy(target.folder / "good.csv", file)
    with file.open("a") as stream:
        stream.write(ROWS[0] + "\n")
    file.chmod(0)
    message = target.attack(file)
    # the superuser may read everything
    assert os.geteuid() == 0 or "Permission denied" in message


def test_a_good_file_with_an_odd_name_loads(target):
    for name in ("what's [this]?.csv", "*.parquet", 'a "quoted" ünïcode £.csv'):
        file = target.folder / name
        lines = order_lines(rows=[*ORDER_LINES, ORDER_LINES[0]])
        lines.to_parquet(file) if name.endswith("parquet") else lines.to_csv(file, index=False)
        assert target.attack("--", file) == ""
