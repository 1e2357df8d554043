"""Who is meant by an id, and what counts as being named."""

import json

import duckdb
import pandas as pd
import pytest

from operate.erasing import beside, rewrite, search
from operate.erasing.people import (
    EraseError,
    People,
    canonical_ids,
    id_columns,
    personal_columns,
)

THEIRS = frozenset({"Josephine", "j.doe@example.com", "+44 7700 123456"})


@pytest.mark.parametrize(
    ("spelt", "id"), [(" 00123.0", "123"), ("123", "123"), ("c123 ", "C123"), ("c 123", "C 123")]
)
def test_ids_are_told_alike_where_staging_tells_them_alike(spelt, id):
    assert canonical_ids([spelt]) == {id}


@pytest.mark.parametrize("given", [[], ["C1", " "]])
def test_nobody_is_no_one_to_erase(given):
    with pytest.raises(EraseError):
        canonical_ids(given)


def test_personal_columns_are_those_that_sources_tag():
    assert personal_columns()[("raw", "customer_details")] == (
        *("first_name", "email", "customer_phone"),
    )


@pytest.fixture
def shop(tmp_path, monkeypatch):
    file = tmp_path / "shop.duckdb"
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table notes as select 'I am Josephine, C0000007.' as note")
        connection.execute("create table towns as select 'New Josephinemouth' as town")
        connection.execute("create table tickets as select 12345 as customer_id, '12345' as amount")
        yield connection


@pytest.mark.parametrize(
    ("people", "places"),
    [
        (People(frozenset({"C0000007"})), ["notes"]),
        (People(frozenset(), THEIRS), ["notes"]),
        # an id that is a mere number counts where ids of customers are meant
        (People(frozenset({"12345"})), ["tickets"]),
        (People(frozenset({"C00000070"})), []),
    ],
)
def test_whole_words_are_found_in_any_column_and_mere_numbers_where_ids_are_meant(
    shop, people, places
):
    found = search.in_tables(shop, people, id_columns(shop))
    assert [hit.split("main.")[1].split(",")[0] for hit in found.hits] == places


@pytest.mark.parametrize("name", ["a.parquet", "a.html", "a.duckdb"])
def test_a_file_names_whom_it_names(tmp_path, name):
    file = tmp_path / name
    if name == "a.parquet":
        pd.DataFrame({"said": ["of C0000007, say"]}).to_parquet(file)
    elif name == "a.html":
        file.write_text("<td>C0000007</td>")
    else:
        with duckdb.connect(str(file)) as connection:
            connection.execute("create table t as select 'C0000007' as customer")
    assert search.names(file, People(frozenset({"C0000007"})))
    assert not search.names(file, People(frozenset({"C0000008"})))


def test_a_part_of_another_word_is_no_hit_in_a_database(tmp_path):
    file = tmp_path / "a.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table t as select 'New Josephinemouth' as town")
    assert b"Josephine" in file.read_bytes()
    assert not search.names(file, People(frozenset(), frozenset({"Josephine"})))


def test_what_a_database_has_only_on_free_pages_is_a_hit_until_the_file_is_rewritten(tmp_path):
    file, people = tmp_path / "a.duckdb", People(frozenset(), frozenset({"j.doe@example.com"}))
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table t as select 'j.doe@example.com' as mail, 1 as n")
        connection.execute("create view v as select n from t; comment on table t is 'mails'")
        connection.execute("checkpoint")
        connection.execute("insert into t values ('x', 2)")
        connection.execute("delete from t where n = 1")
    assert search.names(file, people)
    rewrite.rewrite(file)
    assert not search.names(file, people)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("from v").fetchall() == [(2,)]
        comments = "select comment from duckdb_tables() where table_name = 't'"
        assert connection.execute(comments).fetchall() == [("mails",)]


def test_words_of_others_are_not_theirs_alone():
    people = People(frozenset({"C0000007"}), THEIRS).without(["Josephine", "Johanna"])
    assert people.words == THEIRS - {"Josephine"}
    assert people.without(["code c0000007 of a product"]).distinct_ids == frozenset()


def test_lines_of_a_log_stay_without_the_words_and_numbers_stay_numbers(tmp_path):
    log = tmp_path / "logs" / "runs.jsonl"
    log.parent.mkdir()
    log.write_text('{"rows": 12345, "message": "customer_id: 12345 12345, j.doe@example.com"}\n')
    gone = beside.clean(tmp_path / "shop.duckdb", People(frozenset({"12345"}), THEIRS))
    assert json.loads(log.read_text()) == {
        "rows": 12345,
        "message": "customer_id: erased erased, erased",
    }
    assert gone == [str(log)]
