"""SQL of several dialects: what a script creates, where it ends, and whose tables it uses."""

import pytest

from copilot.repo.outline import outline
from copilot.repo.statements import structure


def created(text: str) -> list[str]:
    """Kind, name and lines of each definition that is no column."""
    found = structure(text).definitions
    return [f"{d.kind} {d.qualified} {d.start_line}-{d.end_line}" for d in found if d.kind != "field"]


def columns(text: str) -> list[str]:
    return [d.name for d in structure(text).definitions if d.kind == "field"]


def used(text: str) -> list[str]:
    return [reference.name for reference in structure(text).references]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE [dbo].[Order Lines] (\n  [Id] INT\n)\nGO\n", ["table dbo.Order Lines 1-3"]),
        ("create table `my_db`.`t` (a int);", ["table my_db.t 1-1"]),
        ("CREATE TEMP TABLE IF NOT EXISTS t AS SELECT 1;", ["table t 1-1"]),
        ("CREATE MATERIALIZED VIEW v AS SELECT 1;", ["view v 1-1"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);", ["constant i 1-1"]),
        ("CREATE INDEX ON t (a);", []),
        ("CREATE OR ALTER PROCEDURE dbo.p @a INT AS\nBEGIN\n  SELECT 1;\n  SELECT 2;\nEND\nGO\nSELECT 3;",
         ["function dbo.p 1-5"]),
        ("CREATE FUNCTION f() RETURNS int AS $$\n  SELECT 1; -- create table no (a int);\n$$ LANGUAGE sql;",
         ["function f 1-3"]),
        ("DELIMITER $$\nCREATE PROCEDURE p()\nBEGIN\n  IF a THEN SET b = 1; END IF;\nEND$$\nDELIMITER ;\n"
         "CREATE TABLE t (a INT);\n", ["function p 2-5", "table t 7-7"]),
        ("DELIMITER //\nCREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW\nBEGIN\n  SET a = 1;\nEND //\nDELIMITER ;\n",
         ["function g 2-5"]),
        ("CREATE OR REPLACE PACKAGE BODY pk AS\n  PROCEDURE a IS BEGIN NULL; END;\nEND;\n/\nCREATE TABLE t (a INT);",
         ["module pk 1-3", "table t 5-5"]),
        ("INSERT INTO log VALUES ('create table no (a int);', 'C:\\', 'it\\'s; create view no');", []),
        ("-- CREATE TABLE no (a INT);\n/* CREATE TABLE no (a INT); */", []),
    ],
)  # fmt: skip
def test_what_is_created_is_found_in_any_dialect(text: str, expected: list[str]) -> None:
    """With its schema, its kind and the lines it takes; not in strings and comments."""
    assert expected == created(text)


def test_columns_are_fields_and_constraints_are_not() -> None:
    """Commas within types and defaults end no column."""
    text = (
        "CREATE TABLE t (\n  id INT PRIMARY KEY, -- the key, of course\n  price NUMERIC(8, 2) DEFAULT round(1, 2),\n"
        '  "odd name" TEXT,\n  PRIMARY KEY (id),\n  CONSTRAINT c CHECK (price > 0)\n);\n'
    )
    expected = ["id", "price", "odd name"]
    assert expected == columns(text)
    assert "  price NUMERIC(8, 2) DEFAULT round(1, 2)\n" in outline(text, structure(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT a FROM club.members m JOIN outings o ON o.id = m.id WHERE rank_of(m.id) > 1;",
         ["members", "outings", "rank_of"]),
        ("INSERT INTO log (a) VALUES (1); UPDATE state SET a = 1;", ["log", "state"]),
        ("CREATE TABLE t (a INT REFERENCES other (id));", ["other"]),
        ("CREATE FUNCTION f() RETURNS int AS $$ SELECT a FROM inner_table $$ LANGUAGE sql;", ["inner_table"]),
        ("CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();", ["t", "touch"]),
        ("SELECT count(*), 'FROM nothing' FROM \"Odd Name\";", ["Odd Name"]),
    ],
)  # fmt: skip
def test_tables_and_functions_used_are_referred_to(text: str, expected: list[str]) -> None:
    """Not aliases, columns, strings or what every dialect provides."""
    assert expected == sorted(used(text), key=str.lower)
