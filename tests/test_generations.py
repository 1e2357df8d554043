"""Generations: what readers see while one takes the place of another."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

import warehouse
from core import lock
from core.generations import Generations, PublishError, number_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plain warehouse file with a number in it, and a model and a report beside it."""
    file = tmp_path / "shop.duckdb"
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    with warehouse.writer() as connection:
        connection.execute("create table told as select 0 as number")
    for name in ("models/v0", "reports"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "number").write_text("0")
    return file


def number_in(file: Path) -> int:
    with duckdb.connect(str(file), read_only=True) as connection:
        [(number,)] = connection.execute("select number from told").fetchall()
    return number


def next_generation(place: Path, keep: int = 5) -> int:
    generations = Generations(place)
    with generations.private_copy() as copy:
        number = generations.next_number
        with warehouse.in_warehouse(copy.file), warehouse.writer() as connection:
            connection.execute("update told set number = ?", [number])
        for name in ("models", "reports"):
            told = copy.file.parent / name / "told"
            told.unlink(missing_ok=True)
            told.write_text(str(number))
        generations.publish(copy)
    generations.prune(keep)
    return number


def test_who_opens_after_a_publication_reads_the_new_generation(place):
    assert next_generation(place) == 1
    assert number_in(place) == 1
    assert (place.parent / "models" / "told").read_text() == "1"
    assert (place.parent / "reports" / "told").read_text() == "1"
    assert number_of(warehouse.path()) == 1


def test_who_holds_the_file_open_reads_it_to_its_end(place):
    next_generation(place)
    with duckdb.connect(str(place), read_only=True) as held:
        for _ in range(3):
            next_generation(place, keep=2)
        assert held.execute("select number from told").fetchall() == [(1,)]
    assert number_in(place) == 4


def test_a_reader_that_holds_the_plain_file_does_not_stop_the_first_publication(place):
    code = (
        "import sys, duckdb; held = duckdb.connect(sys.argv[1], read_only=True); print('open',"
        " flush=True); input(); print(held.execute('select number from told').fetchall())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout.readline() == "open\n"
        next_generation(place)
        assert reader.communicate("\n")[0] == "[(0,)]\n"
    assert number_in(place) == 1


def test_nothing_of_a_night_that_fails_is_published(place):
    generations = Generations(place)
    with (
        pytest.raises(duckdb.CatalogException),
        generations.private_copy() as copy,
        warehouse.in_warehouse(copy.file),
        warehouse.writer() as connection,
    ):
        connection.execute("update told set number = 99; from misspelt")
    assert number_in(place) == 0
    assert list(generations.folder.iterdir()) == []


def test_what_was_written_by_hand_meanwhile_is_not_lost(place):
    generations = Generations(place)
    with generations.private_copy() as copy:
        with warehouse.writer() as connection:
            connection.execute("update told set number = 7")
        with pytest.raises(PublishError, match="written by another process"):
            generations.publish(copy)
    assert number_in(place) == 7


def test_what_a_killed_writer_had_committed_is_in_the_next_generation(place):
    code = (
        "import os, sys, duckdb; held = duckdb.connect(sys.argv[1]); held.execute('insert into told"
        " values (41)'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, place], check=False)
    assert place.with_name("shop.duckdb.wal").exists()
    generations = Generations(place)
    with generations.private_copy() as copy:
        with warehouse.in_warehouse(copy.file), warehouse.writer() as connection:
            connection.execute("checkpoint")
        generations.publish(copy)
    with duckdb.connect(str(place), read_only=True) as connection:
        assert connection.execute("select max(number) from told").fetchall() == [(41,)]
    assert not place.with_name("shop.duckdb.wal").exists()
    # and the way back has it too
    generations.roll_back()
    with duckdb.connect(str(place), read_only=True) as connection:
        assert connection.execute("select max(number) from told").fetchall() == [(41,)]


def test_a_writer_stops_a_copy_with_a_sentence(place, monkeypatch):
    monkeypatch.setattr(warehouse, "ATTEMPTS", 2)
    code = (
        "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, place],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        writer.stdout.readline()
        with (
            pytest.raises(PublishError, match="is being written by another process"),
            Generations(place).private_copy(),
        ):
            pass
        writer.communicate("\n")


def test_a_roll_back_takes_file_models_and_reports_back_in_less_than_a_second(place):
    for _ in range(3):
        next_generation(place)
    generations = Generations(place)
    started = time.perf_counter()
    assert generations.roll_back() == 2
    assert time.perf_counter() - started < 1
    assert number_in(place) == 2
    assert (place.parent / "models" / "told").read_text() == "2"
    assert (place.parent / "reports" / "told").read_text() == "2"
    assert generations.roll_back(3) == 3
    assert number_in(place) == 3


def test_the_way_back_from_the_first_generation_is_what_lay_there_before(place):
    next_generation(place)
    assert Generations(place).roll_back() == 0
    assert number_in(place) == 0
    assert (place.parent / "models" / "v0" / "number").read_text() == "0"


def test_the_way_back_leads_to_what_a_generation_was_made_of(place):
    for _ in range(3):
        next_generation(place)
    generations = Generations(place)
    generations.roll_back()
    # 3 was bad: the next one is made of 2
    assert next_generation(place) == 4
    assert generations.roll_back() == 2


def test_a_generation_that_a_kill_left_unpublished_is_never_gone_back_to(place):
    next_generation(place)
    generations = Generations(place)
    generations.folder_of(2).mkdir()
    (generations.folder_of(2) / place.name).write_bytes(place.read_bytes())
    assert next_generation(place) == 2
    assert number_in(place) == 2
    assert generations.kept == [0, 1, 2]


def test_a_link_that_leads_nowhere_is_no_empty_warehouse(place):
    next_generation(place)
    place.resolve().rename(place.parent / "elsewhere")
    with pytest.raises(PublishError, match="is not there"), Generations(place).private_copy():
        pass


def test_another_warehouse_in_the_same_folder_is_refused(place, monkeypatch):
    next_generation(place)
    other = place.with_name("other.duckdb")
    other.write_bytes(place.read_bytes())
    with pytest.raises(PublishError, match="another warehouse"), Generations(other).private_copy():
        pass
    assert number_in(place) == 1


def test_a_generation_that_is_not_kept_cannot_be_brought_back(place):
    next_generation(place)
    with pytest.raises(PublishError, match="there is no generation 9; kept are 0, 1"):
        Generations(place).roll_back(9)
    Generations(place).roll_back(0)
    with pytest.raises(PublishError, match="no generation before 0"):
        Generations(place).roll_back()


def test_the_oldest_generations_go_by_number(place):
    for _ in range(5):
        next_generation(place, keep=3)
    assert Generations(place).kept == [3, 4, 5]


def test_the_oldest_generations_go_by_size_but_the_way_back_stays(place):
    for _ in range(4):
        next_generation(place)
    assert Generations(place).prune(keep=9, most_bytes=1) == [0, 1, 2]
    assert Generations(place).kept == [3, 4]


def test_what_is_written_by_hand_during_a_night_is_refused_and_told_who_runs(place):
    next_generation(place)
    code = (
        "from core import lock\n"
        "with lock.held('the nightly run'): print('held', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as night:
        assert night.stdout.readline() == "held\n"
        with pytest.raises(warehouse.WarehouseError, match=f"of process {night.pid}, since 20"):
            warehouse.writer()
        # nor by the generation's own path, as dbt is told it
        with (
            warehouse.in_warehouse(warehouse.path()),
            pytest.raises(warehouse.WarehouseError, match=f"of process {night.pid}, since 20"),
        ):
            warehouse.writer()
        refused = pytest.raises(lock.RunningError, match=f"of process {night.pid}, since 20")
        with refused, lock.held("another"):
            pass
        # whoever reads is not in the way
        warehouse.connect(read_only=True).close()
        night.communicate("\n")
    warehouse.writer().close()


NIGHTS = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.test_generations import next_generation
while True:
    next_generation(Path(sys.argv[1]), keep=3)
    print("published", flush=True)
"""


def test_a_kill_at_any_moment_leaves_one_whole_generation(place):
    moments = random.Random(4)
    code = NIGHTS.format(root=str(warehouse.ROOT))
    seen = set()
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", code, place], stdout=subprocess.PIPE, text=True
        ) as nights:
            nights.stdout.readline()
            time.sleep(moments.uniform(0, 0.2))
            nights.kill()
        number = number_in(place)
        assert number == number_of(warehouse.path())
        assert (place.parent / "models" / "told").read_text() == str(number)
        seen.add(number)
    assert len(seen) > 6
    # what the kills left goes with the next night
    next_generation(place, keep=3)
    assert [entry.name for entry in Generations(place).folder.glob(".*")] == []
