"""Translate errors of BigQuery, the network and the client to errors of fqtool: one sentence and a remedy.

Messages contain only text from BigQuery's own errors, on one line and without anything that looks like a credential.
Text of proxies, redirects and exceptions is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError

from fqtool.errors import (
    BytesLimitExceeded,
    Cancelled,
    ConcurrentUpdate,
    Denied,
    FqtoolError,
    NoTable,
    NotThere,
    QuotaSpent,
    StatementFailed,
    Throttled,
    Unreachable,
)
from fqtool.findings.remedy import Remedy, commands
from fqtool.warehouse.bigquery.network import NO_ANSWER, breakdown
from fqtool.warehouse.protocol import MINIMUM_BILLED
from fqtool.warehouse.values import without_values

_RATE = {"rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded"}
_QUOTA = {"quotaExceeded", "dailyLimitExceeded"}
# BigQuery answers 403 to these, although no permission would help.
_NO_PERMISSION_HELPS = {"responseTooLarge", "billingTierLimitExceeded", "bytesBilledLimitExceeded"}
# Conflicts with another writer, after which a later attempt succeeds (bigquery.md#conflicts).
_CONCURRENT = re.compile(r"(?i)due to concurrent update|could not serialize access|too many dml statements outstanding")
_RUN_AGAIN = {"backendError", "internalError", "jobBackendError", "jobInternalError", "timeout"}
_ROLES = (
    (r"bigquery\.jobs\.", "roles/bigquery.jobUser"),
    (r"bigquery\.(tables|datasets)\.(get|list)$", "roles/bigquery.metadataViewer"),
    (r"bigquery\.tables\.getData$", "roles/bigquery.dataViewer"),
    (r"bigquery\.tables\.setCategory$|datacatalog\.", "roles/datacatalog.categoryFineGrainedReader"),
    (r"bigquery\.", "roles/bigquery.dataEditor"),
)
_SECRETS = re.compile(
    r"(?i)\bauthorization:.*|\bbearer\s+[\w.~+/=-]{8,}|\bya29\.[\w.-]+|\bAIza[\w-]{20,}|\beyJ[\w-]+\.[\w.-]+"
    r"|-----BEGIN.*|(?<=://)[^/\s@]+:[^/\s@]+@"
)
_LONGEST = 1500


@dataclass(frozen=True, slots=True)
class Place:
    """The BigQuery server and dataset. `server` is its name in messages; `emulated`: no credentials are sent."""

    project: str
    dataset: str
    server: str
    emulated: bool
    timeout: float


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """An error as BigQuery reports it: HTTP status (0 in a finished job), reason and message."""

    status: int
    reason: str
    message: str

    @property
    def absent_table(self) -> bool:
        """Whether the table does not exist, rather than its dataset, its project or the server."""
        return self.status == requests.codes.not_found and bool(re.match(r"(?i)not found: table\b", self.message))

    @property
    def absent_job(self) -> bool:
        """Whether the job is not found, which BigQuery may report for a job that it has accepted."""
        return self.status in (0, requests.codes.not_found) and bool(re.match(r"(?i)not found: job\b", self.message))

    def or_else(self, words: str) -> str:
        """Return the message without its full stop, or `words` if BigQuery gave no message."""
        return self.message.rstrip(". ") or words


def clean(text: object) -> str:
    """Return text on one line, without control characters, credentials and row values, at most 1,500 characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text or "")).split())
    return without_values(_SECRETS.sub("[removed]", line))[:_LONGEST]


def report_of(error: GoogleAPICallError) -> ErrorReport:
    """Read the body of an error. If it is not from BigQuery, reason and message are empty."""
    first = next((entry for entry in error.errors or () if isinstance(entry, dict)), {})
    try:
        body = error.response.json()["error"]
        message = first.get("message") or body.get("message")
    except (AttributeError, KeyError, TypeError, ValueError):
        message = first.get("message")
    return ErrorReport(int(error.code or 0), str(first.get("reason") or ""), clean(message))


def report_of_job(error_result: dict[str, Any]) -> ErrorReport:
    """Read the errorResult of a finished job."""
    return ErrorReport(0, str(error_result.get("reason") or ""), clean(error_result.get("message")))


def translate(error: BaseException, place: Place) -> FqtoolError:
    """Return the error of fqtool for an error of the client, the network or the parsing of an answer."""
    match error:
        case FqtoolError():
            return error
        case RetryError():
            return translate(error.cause, place) if error.cause else no_answer(place)
        case GoogleAPICallError():
            return judged(report_of(error), place)
        case TransportError():
            return _unreachable(place, f"while signing in, {_cause(error, place)}")
        case RefreshError() | DefaultCredentialsError() | GoogleAuthError():
            return _rejected(place)
        case requests.exceptions.JSONDecodeError():
            return _garbled(place)
        case requests.exceptions.RequestException() | OSError():
            return _unreachable(place, _cause(error, place))
        case _:
            return _garbled(place)


def judged(report: ErrorReport, place: Place) -> FqtoolError:
    """Return the error of fqtool for an error report of BigQuery, from HTTP or the errorResult of a job."""
    words = report.or_else(f"HTTP status {report.status}, no reason given" if report.status else "no reason given")
    if _CONCURRENT.search(report.message):
        return ConcurrentUpdate(
            f"BigQuery did not run the statement because other statements change the same table: {words}.",
            remedy="Nothing was changed. Wait until the other writers have ended, then run the same command again.",
        )
    if report.reason in _QUOTA:
        return QuotaSpent(
            f"{place.server} reports that a quota is used up: {words}.",
            remedy="Wait until the quota is renewed, or request more under IAM & Admin, Quotas.",
        )
    if report.reason in _RATE or report.status == requests.codes.too_many_requests:
        return Throttled(
            f"{place.server} reports too many requests: {words}.",
            remedy="Wait a minute and run the same command again.",
        )
    if report.reason == "billingNotEnabled":
        return Denied(
            f"BigQuery refused the request because the project {place.project} has no active billing account: {words}.",
            remedy="`gcloud billing accounts list` prints the accounts, `gcloud billing projects link "
            f"{place.project} --billing-account=ID` links one. Without billing BigQuery runs no DML.",
        )
    if report.reason in _NO_PERMISSION_HELPS:
        return _failed(report, words)
    if report.reason == "accessDenied" or report.status in (requests.codes.unauthorized, requests.codes.forbidden):
        return _denied(report, words, place)
    if report.reason == "notFound" or report.status == requests.codes.not_found:
        return _not_there(report, place)
    if report.status in (301, 302, 303, 307, 308, 408) or report.status >= 500:  # noqa: PLR2004
        return Unreachable(
            f"{place.server} failed with HTTP status {report.status}: {report.or_else('no reason given')}.",
            remedy="Run the same command again in a few minutes; https://status.cloud.google.com shows outages.",
        )
    return _failed(report, words)


def _failed(report: ErrorReport, words: str) -> StatementFailed:
    if report.reason == "bytesBilledLimitExceeded":
        return BytesLimitExceeded(
            f"BigQuery did not run the statement because it may bill more bytes than allowed: {words}.",
            remedy=f"Nothing was billed. Raise --max-bytes, or use fewer dates. {MINIMUM_BILLED}",
        )
    if report.reason == "resourcesExceeded":
        return StatementFailed(
            f"BigQuery stopped the statement because it needs more memory than one query gets: {words}.",
            remedy="Nothing was changed. Use fewer dates with --start and --end. If one date is too much, more "
            "slots may help: https://cloud.google.com/bigquery/docs/reservations-intro",
        )
    remedy = "Correct the problem, then run the command again."
    if "streaming buffer" in report.message:
        remedy = (
            "Rows written by insertAll cannot be changed for about 30 minutes, rarely 90: wait and run the command "
            "again, or write them by load jobs or the Storage Write API. Nothing was changed."
        )
    elif report.reason == "stopped":
        return Cancelled(f"The job was cancelled: {words}.", remedy="Nothing was changed. Run the same command again.")
    elif report.reason in _RUN_AGAIN:
        remedy = "Run the same command again."
    return StatementFailed(f"BigQuery rejected the statement: {words}.", remedy=remedy)


def _denied(report: ErrorReport, words: str, place: Place) -> Denied:
    if report.status == requests.codes.unauthorized:
        return _rejected(place)
    named = re.search(r"\b(?:bigquery|datacatalog)\.[\w.]*\w", report.message)
    permission = named[0] if named else ""
    # Only the error of a query does not name the missing permission.
    if "permission to query table" in report.message:
        permission = "bigquery.tables.getData"
    if not permission:
        return Denied(
            f"{place.server} denied access: {words}.",
            remedy=f"Ask for roles/bigquery.jobUser on the project {place.project} and roles/bigquery.dataEditor "
            f"on the dataset {place.dataset}; to read schemas, roles/bigquery.metadataViewer is enough.",
        )
    role = next(role for pattern, role in _ROLES if re.match(pattern, permission))
    where = f"project {place.project}" if ".jobs." in permission else f"dataset {place.dataset} or its table"
    return Denied(
        f"{place.server} denied access, because the permission {permission} is missing: {words}.",
        remedy=f"Ask for {role} on the {where}.",
    )


def _not_there(report: ErrorReport, place: Place) -> NotThere:
    if not report.message:
        return NotThere(
            f"{place.server} answered HTTP status 404 in a format that is not BigQuery's.",
            remedy="Check the address, BIGQUERY_EMULATOR_HOST and any proxy.",
        )
    dataset = f"{place.project}:{place.dataset}"
    absent = re.search(r"Not found: (Dataset|Project|Table|Job)\b", report.message)
    remedy: Remedy
    match absent and absent[1]:
        case "Dataset":
            remedy = (
                f"If it exists, `bq show {dataset}` prints its location: write it after ?location= in the target. "
                f"Otherwise, `bq mk --dataset {dataset}` creates it."
            )
        case "Project":
            remedy = f"Check the project in the target: `gcloud projects describe {place.project}`."
        case "Table":
            remedy = commands(
                "migrate", first=f"Check the name with `bq ls {dataset}`, or create the registry's table:"
            )
        case _:
            remedy = f"Check project, dataset and location of the target: `bq show {dataset}`."
    kind = NoTable if report.absent_table else NotThere
    return kind(f"{place.server} did not find it: {report.message.rstrip('. ')}.", remedy=remedy)


def no_answer(place: Place) -> Unreachable:
    """Return the error for an answer that did not arrive in time, or not completely."""
    return _unreachable(place, _cause(TimeoutError(), place))


def _cause(error: BaseException, place: Place) -> str:
    cause = breakdown(error) or "the connection failed"
    return f"no answer within {place.timeout:g} s" if cause == NO_ANSWER else cause


def _unreachable(place: Place, cause: str) -> Unreachable:
    return Unreachable(f"{place.server} cannot be reached: {cause}.", remedy=_check_network(place))


def _garbled(place: Place) -> Unreachable:
    return Unreachable(
        f"{place.server} gave an answer that is not BigQuery's, or is incomplete.", remedy=_check_network(place)
    )


def _check_network(place: Place) -> str:
    if place.emulated:
        return "Check that the emulator runs at the address in BIGQUERY_EMULATOR_HOST."
    return "Check the network, and HTTPS_PROXY if a proxy is needed, then run the same command again."


def _rejected(place: Place) -> Denied:
    if place.emulated:
        return Denied(
            f"{place.server} requires credentials, but fqtool sends none to an emulator.",
            remedy="Unset BIGQUERY_EMULATOR_HOST to use BigQuery itself.",
        )
    return Denied(
        f"{place.server} does not accept the Google credentials found here.",
        remedy="Sign in again with `gcloud auth application-default login`.",
    )


def no_credentials(error: BaseException) -> Denied:
    """Return the error for a search for credentials that failed or did not end."""
    cause = f": {clean(error.args[0])}" if isinstance(error, DefaultCredentialsError) and error.args else ""
    return Denied(
        f"No usable Google credentials were found{cause.rstrip('. ')}.",
        remedy="Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file.",
    )
