"""Whether a request or an answer fits BigQuery's description of its API (`api_description.py`).

Pure, and with the standard library alone: the emulator and the server of canned answers both use it. What is wrong is
worded as the service words it, as far as its words are known.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.bed import api_rules
from tests.bed.api_description import description
from tests.bed.api_rows import row_misfits
from tests.bed.api_values import Violation, query_misfit, request_misfit, response_misfit, snake

REQUEST_LIMIT = 10 * 2**20
"""Bytes of a request: documentation page "Quotas and limits", sections on API requests and on query jobs."""
_PREFIX = "/bigquery/v2/"


@dataclass(frozen=True)
class Checked:
    """A request, the method of the API that it calls, and what is wrong with it."""

    method: str | None
    violations: tuple[Violation, ...] = ()
    shape: str = ""
    """Method, path and every field and query parameter that is named, without values."""

    @property
    def status(self) -> int:
        """What the service answers to a request that does not fit."""
        return 400 if self.method else 404


def check_request(method: str, path: str, query: str, body: bytes) -> Checked:
    """Hold one request to the description. `path` and `query` are as they were sent."""
    called = _method(method, unquote(path.partition(_PREFIX)[2]) if _PREFIX in path else "")
    if called is None:
        return Checked(None, (Violation(path, f"Not Found: no method of the API has {method} {path}"),))
    name, places = called
    if len(body) > REQUEST_LIMIT:
        return Checked(name, (Violation("", f"Request payload size exceeds the limit: {REQUEST_LIMIT} bytes."),))
    content, violations = _parsed(body)
    given = parse_qsl(query, keep_blank_values=True)
    violations += [*_query(name, given), *_path(places)]
    walk = _Walk(request=True, partial=method == "PATCH")
    schema = description()["methods"][name].get("request")
    if schema is None:
        violations += [Violation("", "The method takes no request body.") for _ in [content] if content]
    elif not violations or content is not None:
        walk.message(content or {}, schema, snake(schema))
    fields = sorted({*walk.fields, *(f"?{key}" for key, _ in given)})
    return Checked(name, (*violations, *walk.violations), f"{name} {' '.join(fields)}")


def check_answer(method: str, body: bytes, query: str = "") -> tuple[Violation, ...]:
    """Hold the body of a 2xx answer to the description. `query` is the query string of the request."""
    schema = description()["methods"][method].get("response")
    content, violations = _parsed(body)
    if schema is None or violations:
        return tuple(violations)
    walk = _Walk(request=False)
    described = isinstance(content, dict) and "rows" in content and bool(content.get("schema"))
    walk.message(content | {"rows": []} if described else content, schema, "")
    if described and not walk.violations:
        micros = dict(parse_qsl(query)).get("formatOptions.useInt64Timestamp", "").lower() == "true"
        walk.violations += [Violation("rows", reason) for reason in row_misfits(content, int64_timestamps=micros)]
    return tuple(walk.violations)


def refusal(checked: Checked) -> dict[str, Any]:
    """The body of the answer to a request that does not fit."""
    message = "\n".join(violation.reason for violation in checked.violations)
    reason, status = ("invalid", "INVALID_ARGUMENT") if checked.method else ("notFound", "NOT_FOUND")
    errors = [{"domain": "global", "reason": reason, "message": message}]
    return {"error": {"code": checked.status, "message": message, "errors": errors, "status": status}}


@functools.cache
def _routes() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    routes = []
    for name, method in description()["methods"].items():
        patterns = {f"{{+{key}}}": spec for key, spec in method["parameters"].items() if spec.get("location") == "path"}
        path = re.escape(method["path"])
        for key, spec in patterns.items():
            inner = spec.get("pattern", "^[^/]+$").removeprefix("^").removesuffix("$")
            path = path.replace(re.escape(key), f"(?P<{key[2:-1]}>{inner})")
        routes.append((name, method["httpMethod"], re.compile(path)))
    return tuple(routes)


def _method(verb: str, path: str) -> tuple[str, dict[str, str]] | None:
    for name, http, pattern in _routes():
        if http == verb and (match := pattern.fullmatch(path)):
            return name, match.groupdict()
    return None


def _parsed(body: bytes) -> tuple[Any, list[Violation]]:
    def refuse(name: str) -> None:
        raise ValueError(f"Unexpected token. {name}")

    if not body:
        return None, []
    try:
        return json.loads(body, parse_constant=refuse), []
    except ValueError as error:
        return None, [Violation("", f"Invalid JSON payload received. {error}")]


def _query(method: str, given: list[tuple[str, str]]) -> Iterator[Violation]:
    known = description()["methods"][method]["parameters"] | _tolerated(method)
    globally = description()["parameters"]
    for name, text in given:
        spec = known.get(name, globally.get(name))
        if spec is None or spec.get("location") == "path":
            cannot = f"Cannot bind query parameter. Field '{name}' could not be found in request message."
            yield Violation(f"?{name}", f'Invalid JSON payload received. Unknown name "{name}": {cannot}')
        elif (reason := query_misfit(text, spec, name)) is not None:
            yield Violation(f"?{name}", reason)
    sent = {name for name, _ in given}
    for name, spec in known.items():
        if spec.get("required") and spec.get("location") == "query" and name not in sent:
            yield Violation(f"?{name}", f"Required parameter is missing: {name}")
    yield from _ruled("query", dict(given), "")


def _tolerated(about: str) -> dict[str, dict[str, Any]]:
    return {row.name: {"type": "any"} for row in api_rules.TOLERATED if row.about == about}


def _path(places: dict[str, str]) -> Iterator[Violation]:
    yield from _ruled("path", places, "")


def _ruled(about: str, content: dict[str, Any], place: str) -> Iterator[Violation]:
    for rule in _rules(about):
        for reason in rule.check(content):
            yield Violation(place or about, reason)


@functools.cache
def _rules(about: str) -> tuple[api_rules.Rule, ...]:
    return tuple(rule for rule in api_rules.RULES if about in rule.about)


@dataclass
class _Walk:
    """One walk through a body: every field it names, and what is wrong with them."""

    request: bool
    partial: bool = False  # a patch: what it does not name stays
    fields: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)

    def message(self, content: Any, schema: str, place: str) -> None:
        spec = description()["schemas"][schema]
        if not isinstance(content, dict) and spec["type"] == "object":
            kind = f"type.googleapis.com/google.cloud.bigquery.v2.{schema}"
            self._refuse(place, f"Invalid value at '{place}' ({kind}), {json.dumps(content)}")
            return
        if not self.request and schema == "TableRow":  # rows are many, and one rule looks at the whole row
            self.violations += _ruled("answer TableRow", content, place)
            return
        if self.request and (more := _tolerated(schema)):
            spec = spec | {"properties": spec["properties"] | more}
        self._object(content, spec, place)
        if isinstance(content, dict):
            rules = schema if self.request else f"answer {schema}"
            self.violations += _ruled(rules, content, place)

    def _object(self, content: Any, spec: dict[str, Any], place: str) -> None:
        if spec["type"] != "object":  # JsonValue: any JSON
            return
        properties = spec.get("properties", {})
        for name, value in content.items():
            inner, at = properties.get(name, spec.get("additionalProperties")), self._at(place, name, properties)
            if self.request:
                self.fields.add(re.sub(r"\[\d+\]", "[]", at if name in properties else f"{place}.*"))
            if inner is None:
                self._unknown(name, place, "Cannot find field.")
            elif value is not None:  # null is the same as leaving the field out
                self._property(value, inner, at)
            elif not self.request and inner.get("$ref") != "JsonValue" and inner.get("type") != "any":
                self._refuse(at, f"the answer has null at '{at}', where the service leaves the field out")
        if self.request and not (self.partial and "." not in place):
            for name in (name for name, inner in properties.items() if inner.get("required")):
                if content.get(name) is None:
                    at = self._at(place, name, properties)
                    self._refuse(at, f"Required parameter is missing: {at}")

    def _property(self, value: Any, spec: dict[str, Any], place: str) -> None:
        if self.request and spec.get("readOnly"):
            self._refuse(place, f"'{place}' is output only: the service sets it, and ignores what is sent")
        elif spec.get("type") != "array":
            self._value(value, spec, place)
        elif not isinstance(value, list):
            self._refuse(place, f"Invalid value at '{place}', {json.dumps(value)}: the field is repeated")
        else:
            for at, item in enumerate(value):
                self._value(item, spec["items"], f"{place}[{at}]")

    def _value(self, value: Any, spec: dict[str, Any], place: str) -> None:
        if "$ref" in spec:
            self.message(value, spec["$ref"], place)
        elif spec["type"] == "array":
            self._property(value, spec, place)
        elif spec["type"] == "object":
            if isinstance(value, dict):
                self._object(value, spec, place)
            else:
                self._refuse(place, f"Invalid value at '{place}', {json.dumps(value)}: an object is expected")
        elif isinstance(value, list) and spec["type"] != "any":
            holder, _, name = place.rpartition(".")
            self._unknown(name, holder, "Proto field is not repeating, cannot start list.")
        elif (reason := (request_misfit if self.request else response_misfit)(value, spec, place)) is not None:
            self._refuse(place, reason)

    def _at(self, place: str, name: str, known: Iterable[str]) -> str:
        written = snake(name) if name in known else name  # the keys of a map stay as they are
        return f"{place}.{written}" if place else written

    def _unknown(self, name: str, holder: str, why: str) -> None:
        at = f" at '{holder}'" if holder else ""
        self._refuse(f"{holder}.{name}", f'Invalid JSON payload received. Unknown name "{name}"{at}: {why}')

    def _refuse(self, place: str, reason: str) -> None:
        self.violations.append(Violation(place, reason))
