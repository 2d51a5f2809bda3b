"""The merchandising rules in SQL, each a JSON document; whoever writes raises their revision."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from shopsearch.errors import RuleError
from shopsearch.rules import Change, KeptRule, Rule, RuleVersion
from shopsearch.rules_json import rule_json, rule_of
from shopsearch.store.database import Database
from shopsearch.store.statements import askable, chunks, insert_into, insert_or_replace
from shopsearch.store.tables import LIST_REVISIONS, RULE_VERSIONS, RULES

_LIST = "rules"


class SqlRuleStore:
    """The `RuleStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rules: Sequence[Rule], *, replace: bool = False) -> Sequence[KeptRule]:
        """See `RuleStore.put`."""
        names = [rule.name for rule in rules]
        if repeated := [name for name, n in Counter(names).items() if n > 1]:
            raise RuleError(f"name: {repeated[0]!r} is there twice")
        with self._database.writing() as connection:
            kept = _kept(connection, names)
            if kept and not replace:
                raise RuleError(
                    f"there is a rule {next(iter(kept))!r} already: choose another name, or say "
                    "that it shall be replaced"
                )
            changed = [one for one in rules if one.name not in kept or kept[one.name].rule != one]
            kept |= _written(connection, changed, kept)
        return [kept[name] for name in names]

    def remove(self, names: Sequence[str]) -> Sequence[str]:
        """See `RuleStore.remove`."""
        with self._database.writing() as connection:
            kept = _kept(connection, askable(names))
            gone = [_Written(name, Change.REMOVED, one.version + 1) for name, one in kept.items()]
            if gone:
                _raise_revision(connection, 1)
                _note(connection, gone, datetime.now(UTC))
            for some in chunks(list(kept)):
                connection.execute(delete(RULES).where(RULES.c.name.in_(some)))
        return list(kept)

    def rules(self) -> Sequence[KeptRule]:
        """See `RuleStore.rules`."""
        with self._database.reading() as connection:
            rows = connection.execute(select(RULES).order_by(RULES.c.number)).all()
        return [_kept_rule(row) for row in rows]

    def history(self, name: str) -> Sequence[RuleVersion]:
        """See `RuleStore.history`."""
        ordered = select(RULE_VERSIONS).order_by(RULE_VERSIONS.c.version)
        with self._database.reading() as connection:
            rows = [
                row
                for known in askable([name])
                for row in connection.execute(ordered.where(RULE_VERSIONS.c.name == known))
            ]
        return [_version(row) for row in rows]

    def revision(self) -> int:
        """See `RuleStore.revision`."""
        asked = select(LIST_REVISIONS.c.revision).where(LIST_REVISIONS.c.name == _LIST)
        with self._database.reading() as connection:
            return int(connection.execute(asked).scalar() or 0)


@dataclass(frozen=True, slots=True)
class _Written:
    name: str
    change: Change
    version: int
    rule: Rule | None = None

    @property
    def document(self) -> str | None:
        return None if self.rule is None else json.dumps(rule_json(self.rule))


def _kept(connection: Connection, names: Sequence[str]) -> dict[str, KeptRule]:
    """The rules of these names that are there, in the order of the names."""
    found: dict[str, KeptRule] = {}
    for some in chunks(names):
        for row in connection.execute(select(RULES).where(RULES.c.name.in_(some))):
            found[row.name] = _kept_rule(row)
    return {name: found[name] for name in names if name in found}


def _written(
    connection: Connection, rules: Sequence[Rule], kept: Mapping[str, KeptRule]
) -> dict[str, KeptRule]:
    if not rules:
        return {}
    now = datetime.now(UTC)
    last = _raise_revision(connection, len(rules))  # numbers are given from the revisions
    before = _last_versions(connection, [rule.name for rule in rules])
    written: dict[str, KeptRule] = {}
    for number, rule in enumerate(rules, start=last - len(rules) + 1):
        old = kept.get(rule.name)
        version = before.get(rule.name, 0) + 1
        written[rule.name] = KeptRule(rule, version, old.number if old else number, now)
    changes = [
        _Written(name, Change.CHANGED if name in kept else Change.ADDED, one.version, one.rule)
        for name, one in written.items()
    ]
    statement = insert_or_replace(connection, RULES, unique=["name"])
    connection.execute(statement, [_row(one) for one in written.values()])
    _note(connection, changes, now)
    return written


def _raise_revision(connection: Connection, n: int) -> int:
    """The revision raised by n. From here to its end, no other transaction writes rules."""
    first = insert_into(connection, LIST_REVISIONS).values(name=_LIST, revision=n)
    raised = first.on_conflict_do_update(
        index_elements=["name"], set_={"revision": LIST_REVISIONS.c.revision + n}
    )
    return int(connection.execute(raised.returning(LIST_REVISIONS.c.revision)).scalar_one())


def _last_versions(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    last = select(RULE_VERSIONS.c.name, func.max(RULE_VERSIONS.c.version).label("version"))
    return {
        row.name: row.version
        for some in chunks(names)
        for row in connection.execute(
            last.where(RULE_VERSIONS.c.name.in_(some)).group_by(RULE_VERSIONS.c.name)
        )
    }


def _note(connection: Connection, changes: Sequence[_Written], now: datetime) -> None:
    rows = [
        {
            "name": one.name,
            "version": one.version,
            "change": one.change,
            "document": one.document,
            "changed_at": now,
        }
        for one in changes
    ]
    connection.execute(RULE_VERSIONS.insert(), rows)


def _row(kept: KeptRule) -> dict[str, Any]:
    return {
        "name": kept.rule.name,
        "number": kept.number,
        "version": kept.version,
        "document": json.dumps(rule_json(kept.rule)),
        "changed_at": kept.changed_at,
    }


def _kept_rule(row: Row[Any]) -> KeptRule:
    return KeptRule(rule_of(json.loads(row.document)), row.version, row.number, row.changed_at)


def _version(row: Row[Any]) -> RuleVersion:
    rule = None if row.document is None else rule_of(json.loads(row.document))
    return RuleVersion(row.version, Change(row.change), row.changed_at, rule)
