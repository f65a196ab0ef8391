"""What goes wrong between here and BigQuery, told in fqtool's errors: one sentence, and what to do next.

Only words that BigQuery itself puts into an error are passed on, on one line and without anything that looks like
a credential; what a proxy, a redirect or an exception's text says is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError

from fqtool.errors import Denied, FqtoolError, NotThere, QuotaSpent, StatementFailed, Throttled, Unreachable
from fqtool.warehouse.bigquery_network import SILENCE, breakdown
from fqtool.warehouse.values import without_values

_RATE = {"rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded"}
_QUOTA = {"quotaExceeded", "dailyLimitExceeded"}
# BigQuery answers 403 to these, though no permission would help.
_NO_PERMISSION_HELPS = {"responseTooLarge", "billingTierLimitExceeded", "bytesBilledLimitExceeded"}
_RUN_AGAIN = {"backendError", "internalError", "jobBackendError", "jobInternalError", "stopped", "timeout"}
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
    """Which BigQuery is spoken to: `server` names it to people, `emulated` when no credentials are sent."""

    project: str
    dataset: str
    server: str
    emulated: bool
    timeout: float


@dataclass(frozen=True, slots=True)
class Said:
    """BigQuery's own account of an error: HTTP status (0 inside a finished job), reason and message."""

    status: int
    reason: str
    message: str

    @property
    def absent_table(self) -> bool:
        """Whether it is the table that is absent, and not its dataset, its project or the whole server."""
        return self.status == requests.codes.not_found and bool(re.match(r"(?i)not found: table\b", self.message))

    def or_else(self, words: str) -> str:
        """Return the message without its full stop, or other words where BigQuery said nothing."""
        return self.message.rstrip(". ") or words


def clean(text: object) -> str:
    """Return text on one line: no control characters, no credentials, not endless."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text or "")).split())
    return without_values(_SECRETS.sub("[removed]", line))[:_LONGEST]


def said(error: GoogleAPICallError) -> Said:
    """Read BigQuery's error body; one that is not BigQuery's leaves reason and message empty."""
    first = next((entry for entry in error.errors or () if isinstance(entry, dict)), {})
    try:
        body = error.response.json()["error"]
        message = first.get("message") or body.get("message")
    except (AttributeError, KeyError, TypeError, ValueError):
        message = first.get("message")
    return Said(int(error.code or 0), str(first.get("reason") or ""), clean(message))


def said_by_job(error_result: dict[str, Any]) -> Said:
    """Read a finished job's errorResult."""
    return Said(0, str(error_result.get("reason") or ""), clean(error_result.get("message")))


def translate(error: BaseException, place: Place) -> FqtoolError:
    """Return the error fqtool raises for anything the client, the network or the answer's shape brought up."""
    match error:
        case FqtoolError():
            return error
        case RetryError():
            return translate(error.cause, place) if error.cause else silence(place)
        case GoogleAPICallError():
            return judged(said(error), place)
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


def judged(told: Said, place: Place) -> FqtoolError:
    """Return the error for what BigQuery said, over HTTP or in a job's errorResult."""
    words = told.or_else(f"HTTP status {told.status}, no reason given" if told.status else "no reason given")
    if told.reason in _QUOTA:
        return QuotaSpent(
            f"{place.server} says that a quota is used up: {words}.",
            remedy="Wait until it is renewed, or ask for more under IAM & Admin, Quotas.",
        )
    if told.reason in _RATE or told.status == requests.codes.too_many_requests:
        return Throttled(
            f"{place.server} says that requests come too fast: {words}.",
            remedy="Wait a minute and run the same command again.",
        )
    if told.reason in _NO_PERMISSION_HELPS:
        return _failed(told, words)
    if told.reason == "accessDenied" or told.status in (requests.codes.unauthorized, requests.codes.forbidden):
        return _denied(told, words, place)
    if told.reason == "notFound" or told.status == requests.codes.not_found:
        return _not_there(told, place)
    if told.status in (301, 302, 303, 307, 308, 408) or told.status >= 500:  # noqa: PLR2004
        return Unreachable(
            f"{place.server} fails with HTTP status {told.status}: {told.or_else('no reason given')}.",
            remedy="Run the same command again in a few minutes; https://status.cloud.google.com shows outages.",
        )
    return _failed(told, words)


def _failed(told: Said, words: str) -> StatementFailed:
    remedy = "Correct what it names, then run the command again."
    if told.reason == "bytesBilledLimitExceeded":
        remedy = "Allow more bytes, or take fewer days at a time; nothing was billed."
    elif "streaming buffer" in told.message:
        remedy = (
            "Rows written by insertAll cannot be changed for about 30 minutes, rarely 90: wait and run the command "
            "again, or write them by load jobs or the Storage Write API. Nothing was changed."
        )
    elif told.reason in _RUN_AGAIN:
        remedy = "Run the same command again."
    return StatementFailed(f"BigQuery refused: {words}.", remedy=remedy)


def _denied(told: Said, words: str, place: Place) -> Denied:
    if told.status == requests.codes.unauthorized:
        return _rejected(place)
    permission = re.search(r"\b(?:bigquery|datacatalog)\.[\w.]*\w", told.message)
    if permission is None:
        return Denied(
            f"{place.server} denied access: {words}.",
            remedy=f"Ask for roles/bigquery.jobUser on the project {place.project} and roles/bigquery.dataEditor "
            f"on the dataset {place.dataset}; to read schemas, roles/bigquery.metadataViewer is enough.",
        )
    role = next(role for pattern, role in _ROLES if re.match(pattern, permission[0]))
    where = f"project {place.project}" if ".jobs." in permission[0] else f"dataset {place.dataset} or its table"
    return Denied(
        f"{place.server} denied access, because the permission {permission[0]} is missing: {words}.",
        remedy=f"Ask for {role} on the {where}.",
    )


def _not_there(told: Said, place: Place) -> NotThere:
    if not told.message:
        return NotThere(
            f"{place.server} answered 404 in words that are not BigQuery's.",
            remedy="Check the address, BIGQUERY_EMULATOR_HOST and any proxy.",
        )
    dataset = f"{place.project}:{place.dataset}"
    what = re.search(r"Not found: (Dataset|Project|Table|Job)\b", told.message)
    match what and what[1]:
        case "Dataset":
            remedy = (
                f"Create it with `bq mk --dataset {dataset}`, or if it is elsewhere name its location: "
                f"bigquery://{place.project}/{place.dataset}?location=EU."
            )
        case "Project":
            remedy = f"Check the project in the target: `gcloud projects describe {place.project}`."
        case "Table":
            remedy = f"Check the name: `bq ls {dataset}`; `fqtool migrate` creates the registry's table."
        case _:
            remedy = f"Check the target's project, dataset and location: `bq show {dataset}`."
    return NotThere(f"{place.server} has no such thing: {told.message.rstrip('. ')}.", remedy=remedy)


def silence(place: Place) -> Unreachable:
    """Return the error for an answer that did not come, or not to its end, in time."""
    return _unreachable(place, _cause(TimeoutError(), place))


def _cause(error: BaseException, place: Place) -> str:
    found = breakdown(error) or "the connection failed"
    return f"no answer within {place.timeout:g} s" if found == SILENCE else found


def _unreachable(place: Place, cause: str) -> Unreachable:
    return Unreachable(f"{place.server} cannot be reached: {cause}.", remedy=_check_network(place))


def _garbled(place: Place) -> Unreachable:
    return Unreachable(
        f"{place.server} gave an answer that is not BigQuery's, or only part of one.", remedy=_check_network(place)
    )


def _check_network(place: Place) -> str:
    if place.emulated:
        return "Is the emulator running? Its address comes from BIGQUERY_EMULATOR_HOST."
    return "Check the network, and HTTPS_PROXY if a proxy is needed, then run the same command again."


def _rejected(place: Place) -> Denied:
    if place.emulated:
        return Denied(
            f"{place.server} asks for credentials, and none are sent to an emulator.",
            remedy="Unset BIGQUERY_EMULATOR_HOST to speak to BigQuery itself.",
        )
    return Denied(
        f"{place.server} does not accept the Google credentials found here.",
        remedy="Sign in again with `gcloud auth application-default login`.",
    )


def no_credentials(error: BaseException) -> Denied:
    """Return the error for a search for credentials that ended badly, or did not end."""
    cause = f": {clean(error.args[0])}" if isinstance(error, DefaultCredentialsError) and error.args else ""
    return Denied(
        f"No usable Google credentials were found{cause.rstrip('. ')}.",
        remedy="Run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file.",
    )
