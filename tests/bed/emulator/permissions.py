"""A request is held to the permissions that it brings with it; one that brings none may do everything.

They come as `Authorization: Bearer permissions=bigquery.tables.get,bigquery.jobs.create`, or in the server's address
as `http://permissions:bigquery.tables.get,bigquery.jobs.create@host`, which clients send as Basic credentials.

What needs what: https://docs.cloud.google.com/bigquery/docs/access-control and, of statements, the "Required
permissions" of https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language.
"""

from __future__ import annotations

import base64
import re
from contextvars import ContextVar
from typing import Any

from bqemulator.domain.errors import PermissionDeniedError

from . import resolved
from .catalog import Key, shown
from .plans import Plan
from .scope import locate, table_names, written

GRANTED: ContextVar[frozenset[str] | None] = ContextVar("GRANTED", default=None)
"""The permissions of the request; None means every one."""

_PROJECT = r".*/bigquery/v2/projects/([^/]+)"
_DATASETS = re.compile(_PROJECT + r"/datasets$")
_DATASET = re.compile(_PROJECT + r"/datasets/([^/]+)$")
_TABLES = re.compile(_PROJECT + r"/datasets/([^/]+)/tables$")
_TABLE = re.compile(_PROJECT + r"/datasets/([^/]+)/tables/([^/]+)(/data|/insertAll)?$")
_JOBS = re.compile(_PROJECT + r"/(?:jobs|queries)$")
_OF_TABLE = {
    ("GET", None): ("tables.get",), ("PATCH", None): ("tables.get", "tables.update"),
    ("PUT", None): ("tables.get", "tables.update"), ("DELETE", None): ("tables.delete",),
    ("GET", "/data"): ("tables.getData",), ("POST", "/insertAll"): ("tables.updateData",),
}  # fmt: skip
_EXPIRATIONS = ("expiration_timestamp", "partition_expiration_days")


def take(headers: list[tuple[bytes, bytes]]) -> None:
    """Reads the permissions of a request."""
    scheme, _, content = dict(headers).get(b"authorization", b"").decode().partition(" ")
    text = base64.b64decode(content).decode() if scheme == "Basic" else content.replace("permissions=", "permissions:")
    name, _, listed = text.partition(":")
    GRANTED.set(frozenset(listed.split(",")) if name == "permissions" else None)


def require_for_request(method: str, path: str, body: dict[str, Any]) -> None:
    """Refuses a request whose method needs more than it may."""
    if method == "POST" and (match := _JOBS.match(path)):
        if _lacks("jobs.create"):
            project = match[1]
            words = f"User does not have bigquery.jobs.create permission in project {project}."
            raise PermissionDeniedError(f"Access Denied: Project {project}: {words}")
    elif method == "POST" and (match := _DATASETS.match(path)):
        _require("datasets.create", "Project", match[1])
    elif method == "GET" and (match := _DATASET.match(path)):
        _require("datasets.get", "Dataset", f"{match[1]}:{match[2]}")
    elif match := _TABLES.match(path):
        _require("tables.list" if method == "GET" else "tables.create", "Dataset", f"{match[1]}:{match[2]}")
    elif match := _TABLE.match(path):
        key = (match[1], match[2], match[3])
        for permission in _OF_TABLE.get((method, match[4]), ()):
            _require_on(key, permission)
        if method in ("PATCH", "PUT") and "expirationTime" in body:
            _require_on(key, "tables.delete")


def require_for_ddl(kind: str, statement: Any, project: str) -> None:
    """Refuses DDL on a table or view that it may not make, change or remove."""
    if GRANTED.get() is None or (kind == "drop" and statement.object_type.upper() not in ("TABLE", "VIEW")):
        return
    key = locate(list(resolved.part(statement, "name_path")), project)
    if kind == "drop":
        needed = ("tables.get", "tables.delete")
    elif kind.startswith("alter_"):
        needed = ("tables.get", "tables.update")
    else:
        needed = ()
        if kind.startswith(("create_table", "create_view")):
            _require("tables.create", "Dataset", f"{key[0]}:{key[1]}")
    for permission in needed:
        _require_on(key, permission)
    if kind != "drop" and any(name in _EXPIRATIONS for name in _options(kind, statement)):
        _require_on(key, "tables.delete")


def require_for_rows(sql: str, plan: Plan, project: str, ctx: Any) -> None:
    """Refuses a statement that reads or changes rows which it may not; views and the tables under them count."""
    if GRANTED.get() is None:
        return
    target = written(sql, project)
    named = {locate([name], project) for name in table_names(sql)}
    read = {reading.key for reading in plan.readings} | {key for key in named if ctx.catalog.get_table(*key)}
    if target is not None and target not in {reading.key for reading in plan.readings}:
        read.discard(target)  # INSERT and TRUNCATE do not look at the rows that are there
    if read and _lacks("tables.getData"):
        name = shown(min(read))
        words = f"User does not have permission to query table {name}, or perhaps it does not exist."
        raise PermissionDeniedError(f"Access Denied: Table {name}: {words}")
    if target is not None:
        _require_on(target, "tables.updateData")


def _options(kind: str, statement: Any) -> list[str]:
    if kind == "alter_table_set_options" or kind.startswith("create_"):
        return [option.name.lower() for option in resolved.part(statement, "option_list")]
    actions = resolved.part(statement, "alter_action_list")
    options = [action.resolved_set_options_action_node.option_list for action in actions]
    return [option.name.lower() for listed in options for option in listed]


def _lacks(permission: str) -> bool:
    granted = GRANTED.get()
    return granted is not None and f"bigquery.{permission}" not in granted


def _require_on(key: Key, permission: str) -> None:
    _require(permission, "Table", shown(key))


def _require(permission: str, kind: str, name: str) -> None:
    if _lacks(permission):
        words = f"Permission bigquery.{permission} denied on {kind.lower()} {name} (or it may not exist)."
        raise PermissionDeniedError(f"Access Denied: {kind} {name}: {words}")
