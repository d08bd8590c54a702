"""R18: `screenpop simulate` from files to figures, without a database; bad files are refused with their place."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.simulate.reading import BadFile, read_arrivals, read_staff
from tests.flow.gateway_process import ROOT

ARRIVALS = "time,class,queue,skills,handling_seconds,patience_seconds,priority\n"
STAFF = "agent,from,to,queues,skills,capacity\n"


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_a_day_is_simulated_from_files_to_figures(tmp_path: Path) -> None:
    calls = "0,voice,support,,100,,\n10,voice,support,spanish:3,50,,\n20,voice,support,,50,15,5\n"
    arrivals = written(tmp_path, "arrivals.csv", ARRIVALS + calls)
    staff = written(tmp_path, "staff.csv", STAFF + "Ada,0,28800,support;sales,spanish:5,voice:1;messaging:4\n")
    made, picture = tmp_path / "day.json", tmp_path / "day.png"
    line = [sys.executable, "-m", "gateway.cli", "simulate", "--arrivals", str(arrivals), "--staff", str(staff)]
    line += ["--json", str(made), "--plot", str(picture), "--within", "5"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "support" in done.stdout and "Ada" in done.stdout
    found: Any = json.loads(made.read_bytes())
    rows = [[row[name] for name in ("agent", "offered", "answered", "left", "finished")] for row in found["contacts"]]
    assert rows == [["Ada", 0, 0, None, 100], ["Ada", 100, 100, None, 150], [None, None, None, 35, None]]
    assert (found["summary"]["all"]["service_level"], found["summary"]["all"]["mean"]) == (1 / 3, 45)
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1200, 500)


@pytest.mark.parametrize(
    ("text", "column", "remedy"),
    [
        ("x,voice,a,,1,,\n", "time", "write seconds"),
        ("-1,voice,a,,1,,\n", "time", "write seconds"),
        ("nan,voice,a,,1,,\n", "time", "write seconds"),
        ("1,fax,a,,1,,\n", "class", "write one of voice, messaging"),
        ("1,voice,,,1,,\n", "queue", "write a name"),
        ("1,voice,a,spanish:11,1,,\n", "skills", "levels 1 to 10"),
        ("1,voice,a,,,,\n", "handling_seconds", "write seconds"),
        ("1,voice,a,,1,soon,\n", "patience_seconds", "write seconds"),
        ("1,voice,a,,1,,high\n", "priority", "a whole number"),
        ("1,voice,a\n", "skills", "write as many"),
    ],
)
def test_a_bad_line_of_arrivals_is_refused_with_its_place(tmp_path: Path, text: str, column: str, remedy: str) -> None:
    file = written(tmp_path, "arrivals.csv", ARRIVALS + "0,voice,a,,1,,\n" + text)
    with pytest.raises(BadFile) as refused:
        read_arrivals(file)
    assert str(refused.value).startswith(f"{file}, line 3, column {column}: ")
    assert remedy in str(refused.value)


@pytest.mark.parametrize(
    ("text", "column", "remedy"),
    [
        ("Ada,5,5,a,,\n", "to", "write a later second"),
        ("Ada,5,9,,,\n", "queues", "write queues"),
        ("Ada,5,9,a,,fax:1\n", "capacity", "write a number"),
        ("Ada,5,9,a,,-1\n", "capacity", "write a number"),
        ("Bo,0,9,a,,1\n", "from", "let one begin where another ends"),
    ],
)
def test_a_bad_line_of_staff_is_refused_with_its_place(tmp_path: Path, text: str, column: str, remedy: str) -> None:
    file = written(tmp_path, "staff.csv", STAFF + "Bo,0,5,a,,1\n" + text)
    with pytest.raises(BadFile) as refused:
        read_staff(file)
    assert f", column {column}: " in str(refused.value)
    assert remedy in str(refused.value)


def test_a_file_with_other_columns_or_none_is_refused(tmp_path: Path) -> None:
    for text in ("", "time,class\n", ARRIVALS, STAFF + "Ada,0,,a,,1\n"):
        with pytest.raises(BadFile):
            read_arrivals(written(tmp_path, "arrivals.csv", text))
    with pytest.raises(BadFile, match="cannot be read"):
        read_staff(tmp_path / "none.csv")
