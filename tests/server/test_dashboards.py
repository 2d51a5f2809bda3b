"""The dashboard and the alert rules name metrics that there are, and leave none out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from shopsearch.bootstrap import Services
from shopsearch.server import create_app

from .conftest import keyed

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "grafana"
METRIC = re.compile(r"\bshopsearch_[a-z_]+\b")
LABEL = re.compile(r'(\w+)\s*(?:=~|!=|!~|=)\s*"')


@pytest.fixture(scope="module")
def exposed(shop: Services) -> str:
    """A real answer of a server that has answered something."""
    client = keyed(create_app(shop).test_client())
    client.get("/api/v1/search?q=mug")
    client.get("/api/v1/search?nofield=1")
    return client.get("/metrics").text


@pytest.fixture(scope="module")
def names(exposed: str) -> set[str]:
    """Of samples, and of metrics whose first sample is still to come."""
    sampled = set(re.findall(r"^(shopsearch_[a-z_]+)", exposed, re.MULTILINE))
    return sampled | set(re.findall(r"^# TYPE (shopsearch_[a-z_]+)", exposed, re.MULTILINE))


def panel_expressions() -> list[str]:
    dashboard = json.loads((FOLDER / "shopsearch.json").read_text("utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def alert_expressions() -> list[str]:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("expression", [*panel_expressions(), *alert_expressions()])
def test_every_metric_that_is_asked_for_is_there(expression: str, names: set[str]) -> None:
    asked = set(METRIC.findall(expression))

    assert asked
    assert asked <= names
    assert expression.count("(") == expression.count(")")


def test_the_dashboard_shows_every_metric(exposed: str) -> None:
    shown = " ".join(panel_expressions())
    families = re.findall(r"^# TYPE (shopsearch_[a-z_]+) (\w+)", exposed, re.MULTILINE)

    assert [
        name for name, _ in families if not name.endswith("_created") and name not in shown
    ] == []


def test_every_label_that_is_asked_for_is_one_that_is_made(exposed: str) -> None:
    made = set(re.findall(r'[{,](\w+)="', exposed)) | {
        "job",
        "instance",
        "reason",
        "cache",
        "result",
    }
    asked = {
        label
        for one in [*panel_expressions(), *alert_expressions()]
        for label in LABEL.findall(one)
    }

    assert asked - made == set()


def test_every_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]

    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert {"summary", "description"} <= rule["annotations"].keys()
