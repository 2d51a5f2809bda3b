"""Commands are killed at every step and at random moments; nothing acknowledged is lost.

Quick by default: each kind of step once or twice, and a handful of random moments. `make faults`
asks for all of it: every step, each at its first, middle and last time, and as many random moments
as SHOPSEARCH_TEST_KILLS says, and prints what was survived.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import IndexReport

from .driver import Fault
from .launcher import Child, Launcher
from .shop import (
    N_REJECTED,
    Homes,
    Shop,
    Truth,
    check_acknowledged,
    check_answers,
    check_whole,
    encoded_in,
    leftovers,
    opened,
    stored_products,
)

N_KILLS = int(os.environ.get("SHOPSEARCH_TEST_KILLS", "6"))
IS_THOROUGH = N_KILLS >= 50
GONE = -signal.SIGKILL
# what changes files of the home; an fsync changes nothing that a killed process could lose
CHANGING = re.compile("open|rename|replace|mkdir|rmtree|write|commit")
SEEN_BEFORE = re.compile(
    "open|fsync|write|rmtree|mkdir|words save|manifest|generation|rename .*ID|lock|unlock"
)
NAMED = {  # that each of them is met shows that the driver still knows the names
    "index": {
        "lock",
        "words renew",
        "feed run begin",
        "feed run meet",
        "open images/../copy.new",
        "fsync images/../copy.new",
        "replace images/../copy.new",
        "commit in cache put",
        "cache put",
        "commit in store upsert",
        "store upsert",
        "commit in store remove",
        "draft upsert",
        "draft delete",
        "draft publish",
        "generation publish",
        "write vectors",
        "open generations/.building/keys.npy",
        "words save",
        "manifest write",
        "fsync generations/.building/keys.npy",
        "fsync generations/.building/manifest.json",
        "fsync generations/.building",
        "rename generations/.building",
        "fsync generations",
        "open CURRENT.new",
        "fsync CURRENT.new",
        "replace CURRENT.new",
        "fsync .",
        "rename generations/ID",
        "rmtree generations/.removing-ID",
        "feed run finish",
        "commit in feed run finish",
        "unlock",
    },
    "reindex": {"draft publish", "replace CURRENT.new"},
    "remove": {"commit in store remove", "draft delete", "replace CURRENT.new"},
    "rollback": {"open CURRENT.new", "fsync CURRENT.new", "replace CURRENT.new", "fsync ."},
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A command, the home it starts from, and how it is completed after it was killed."""

    name: str
    arguments: tuple[str | Path, ...]
    start: Path
    complete: Callable[[Services], IndexReport]
    truth: Truth


@pytest.fixture
def scenarios(shop: Shop, homes: Homes) -> dict[str, Scenario]:
    doomed = list(homes.truth.vectors)[3:6]

    def index(services: Services) -> IndexReport:
        return services.indexer.run(open_feed(shop.today), feed_name="again", prune=True)

    def rollback_and_index(services: Services) -> IndexReport:
        services.generations.rollback(services.generations.ids()[-1])
        return index(services)

    index_arguments = ("index", shop.today, "--prune")
    everything = (
        Scenario("first index", index_arguments, homes.empty, index, homes.truth),
        Scenario("index", index_arguments, homes.yesterday, index, homes.truth),
        Scenario("reindex", ("reindex",), homes.today, lambda s: s.indexer.reindex(), homes.truth),
        Scenario(
            "remove",
            ("remove", *doomed),
            homes.today,
            lambda s: s.indexer.remove(doomed),
            homes.truth.without(doomed),
        ),
        Scenario("rollback", ("rollback",), homes.today, rollback_and_index, homes.truth),
    )
    return {scenario.name: scenario for scenario in everything}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["index", "reindex", "remove", "rollback"])
def test_a_command_that_is_killed_at_any_step_is_completed_by_the_next_one(
    name: str,
    scenarios: dict[str, Scenario],
    launcher: Launcher,
    fresh: Callable[[Path], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario = scenarios[name]
    recorded = launcher.start(*scenario.arguments, home=fresh(scenario.start))
    assert recorded.wait() in (0, 3), recorded.stderr
    steps = recorded.trace
    assert NAMED[name] <= {one["step"] for one in steps}
    faults = faults_at(steps, seen_before=name != "index")
    survived: Counter[str] = Counter()
    for fault in faults:
        home = fresh(scenario.start)
        child = launcher.start(*scenario.arguments, home=home, fault=fault)
        assert child.wait() == GONE, f"{fault}: never met; {child.stderr}"
        check_survived(scenario, home, child, str(fault))
        survived[f"{fault.when} {fault.step}"] += 1
    report(capsys, f"{name}: killed at {len(faults)} steps, survived {survived.total()}", survived)


@pytest.mark.slow
def test_whenever_an_index_run_is_killed_the_next_one_completes_it(
    scenarios: dict[str, Scenario],
    launcher: Launcher,
    fresh: Callable[[Path], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(26)
    chosen = [scenarios["index"], scenarios["first index"]]
    lasts = [how_long_it_takes(one, launcher, fresh) for one in chosen]
    tried: Counter[str] = Counter()
    for number in range(N_KILLS):
        scenario, last_s = chosen[number % 2], lasts[number % 2]
        home = fresh(scenario.start)
        child = launcher.start(*scenario.arguments, home=home)
        time.sleep(chance.uniform(0.0, last_s))
        child.send(signal.SIGKILL)
        over_before = child.wait() != GONE
        at = f"after {child.trace[-1]['step']}" if child.trace else "before the first step"
        check_survived(scenario, home, child, f"random kill {number} {at}")
        tried["it had ended" if over_before else re.sub(r"\.building/.*", ".building/...", at)] += 1
    assert tried["it had ended"] <= N_KILLS // 2, "most runs ended before they could be killed"
    report(capsys, f"random moments: killed {N_KILLS} times, survived {tried.total()}", tried)


@pytest.mark.parametrize("step", ["open", "fsync"])
def test_a_run_killed_at_the_file_of_16_bit_numbers_leaves_the_old_index_and_is_run_again(
    step: str, scenarios: dict[str, Scenario], launcher: Launcher, fresh: Callable[[Path], Path]
) -> None:
    home = fresh(scenarios["reindex"].start)
    fault = Fault(f"{step} generations/.building/vectors.f16.npy")
    child = launcher.start("reindex", home=home, fault=fault, index_kind="ivf-pq")
    assert child.wait() == GONE
    with opened(home) as services:
        check_answers(services)
    assert launcher.start("reindex", home=home, index_kind="ivf-pq").wait() == 0
    with opened(home) as services:
        index = services.generations.load().index
        assert (index.kind, len(index)) == ("faiss-ivf-pq", services.store.count())
        check_answers(services)
    check_nothing_lies_about(home)


def test_what_was_to_be_current_is_cleared_when_its_run_was_killed(
    scenarios: dict[str, Scenario], launcher: Launcher, fresh: Callable[[Path], Path]
) -> None:
    scenario = scenarios["reindex"]
    home = fresh(scenario.start)
    launcher.start("reindex", home=home, fault=Fault("replace CURRENT.new")).wait()
    with opened(home) as services:
        services.indexer.reindex()
    assert leftovers(home) == []


def faults_at(steps: Sequence[dict[str, Any]], *, seen_before: bool) -> list[Fault]:
    """Where to kill: before and after every step, at its first, middle and last time.

    Where time is short, each kind of step once, of steps with nothing done in between only the
    first, and nothing of what a command has in common with an index run.
    """
    times = Counter((one["step"], one["when"]) for one in steps)
    if IS_THOROUGH:
        return [
            Fault(step, nth=nth, when=when)
            for (step, when), n in times.items()
            for nth in sorted({1, (n + 1) // 2, n})
        ]
    chosen: dict[tuple[str, str], Fault] = {}
    for earlier, one in pairwise([{"step": "open", "when": "before"}, *steps]):
        step, when = one["step"], one["when"]
        if earlier["when"] == "after" or not CHANGING.match(earlier["step"]):
            continue  # killed here, the disk would be as it was there
        if seen_before and SEEN_BEFORE.match(step):
            continue
        kind = re.sub(r"\.building/[a-z.-]+", ".building/...", step)
        chosen.setdefault((kind, when), Fault(step, nth=(times[step, when] + 1) // 2, when=when))
    return list(chosen.values())


def how_long_it_takes(
    scenario: Scenario, launcher: Launcher, fresh: Callable[[Path], Path]
) -> float:
    home = fresh(scenario.start)
    started = time.monotonic()
    launcher.start(*scenario.arguments, home=home).wait()
    return time.monotonic() - started


def check_survived(scenario: Scenario, home: Path, child: Child, at: str) -> None:
    """What the killed command acknowledged is there; completed, the home holds the truth."""
    try:
        with opened(home) as services:
            check_acknowledged(services, child.trace)
            if services.generations.current_id() is not None:
                check_answers(services)
            check_completed(scenario, services, home)
            check_whole(services, scenario.truth)
        check_nothing_lies_about(home)
    except Exception as error:
        error.add_note(f"killed: {scenario.name}, {at}; home: {home}")
        raise


def check_completed(scenario: Scenario, services: Services, home: Path) -> None:
    """The command is run again: it counts exactly what was left to do, and encodes no more."""
    held = stored_products(services)
    kept = services.store.fingerprints(list(held))
    encoded_before = encoded_in(home)
    done, truth = scenario.complete(services), scenario.truth
    contents = truth.contents - encoded_before
    assert done.texts_encoded + done.images_encoded == len(contents)
    if scenario.name == "remove":
        n_left = len(set(held) - set(truth.vectors))
        assert (done.read, done.removed, len(done.rejected)) == (3, n_left, 3 - n_left)
        return
    if scenario.name == "reindex":
        assert (done.read, done.indexed) == (len(held), len(held))
        return
    unchanged = sum(kept.get(id_) == mark for id_, mark in truth.fingerprints.items())
    assert done.read == len(truth.vectors) + N_REJECTED
    assert (done.unchanged, len(done.rejected)) == (unchanged, N_REJECTED)
    assert done.indexed == len(truth.vectors) - unchanged
    assert done.removed == len(set(held) - set(truth.vectors))


def check_nothing_lies_about(home: Path) -> None:
    """Temporary files go with the next run that publishes a generation."""
    if leftovers(home):
        with opened(home) as services:
            services.indexer.reindex()
    assert leftovers(home) == []


def report(capsys: pytest.CaptureFixture[str], title: str, survived: Counter[str]) -> None:
    """Shown where all of it was asked for."""
    if IS_THOROUGH:
        with capsys.disabled():
            print(f"\n{title}")  # noqa: T201
            for name, n in sorted(survived.items(), key=lambda pair: (-pair[1], pair[0])):
                print(f"  {n:4}  {name}")  # noqa: T201
