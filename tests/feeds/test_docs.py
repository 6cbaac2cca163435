"""The example of docs/feeds.md runs and prints what the page says; the page names every kind of message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parbook.feeds import FEED_OF

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (output,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "docs/feeds.md", "exec"), {})
    assert capsys.readouterr().out == output


def test_every_kind_is_in_the_table_with_its_feed():
    rows = re.findall(r"^\| ([A-Z]+) \| ([A-Z0-9]+) \|", PAGE, re.MULTILINE)
    assert rows == [(kind.name, feed.name) for kind, feed in FEED_OF.items()]
