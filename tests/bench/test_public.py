"""The public benchmark's adapter compiles against its header, and its harness's words are read as they are."""

from __future__ import annotations

import pytest

from bench.measure import UnavailableError
from bench.public import challenge
from bench.public.__main__ import main
from bench.public.build import build_adapter
from bench.public.challenge import Verdict, checkout, read_verdict
from parbook.errors import InputError

PERF = """Running benchmark (1996097 messages, scenario=normal, mode=perf)...
  Throughput:         18.25 M msgs/s

Correctness check:
  Expected hash: ab
  Computed hash: {hash}
  Status: PASS

Verdict: {verdict}
"""


def test_a_run_is_read():
    assert read_verdict(PERF.format(hash="ab12", verdict="VALID")) == Verdict(18.25, True, "ab12")
    assert read_verdict(PERF.format(hash="cd", verdict="INVALID")) == Verdict(18.25, False, "cd")


def test_an_audit_has_no_rate():
    said = PERF.format(hash="ab", verdict="VALID").replace("  Throughput:         18.25 M msgs/s\n", "")
    assert read_verdict(said) == Verdict(0, True, "ab")


def test_a_crash_is_no_sample():
    with pytest.raises(UnavailableError, match="no verdict: ERROR: engine crashed"):
        read_verdict("ERROR: engine crashed")


def test_without_a_checkout_the_rows_say_so(monkeypatch, tmp_path):
    monkeypatch.delenv("PARBOOK_PUBLIC_BENCHMARK", raising=False)
    with pytest.raises(UnavailableError, match="set PARBOOK_PUBLIC_BENCHMARK"):
        checkout()
    monkeypatch.setenv("PARBOOK_PUBLIC_BENCHMARK", str(tmp_path))
    with pytest.raises(UnavailableError, match="harness is not there"):
        checkout()


def test_a_folder_that_is_no_checkout_is_refused(tmp_path, capsys):
    with pytest.raises(InputError, match=r"matching_engine_api\.h: not there"):
        build_adapter(tmp_path)
    assert main([str(tmp_path)]) == 1
    assert "not there" in capsys.readouterr().err
    assert main([]) == 2


def test_an_invalid_run_is_no_sample(monkeypatch, tmp_path):
    monkeypatch.setattr(challenge, "run_harness", lambda *_: Verdict(40.0, False, "ab"))
    with pytest.raises(UnavailableError, match="parbook is not VALID in normal"):
        challenge._sample(tmp_path, "parbook", "normal")
