"""What may go wrong with one request, in three groups: in transit, in the answer's text, in BigQuery's words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.fault_proxy import Answer, Cut, Drop, Lost, Mangled, NoAnswer, Pass, Reset, Step, error

_PAGE = b"<html><body>Bad Gateway</body></html>"
NETWORK, GARBLED, REPORTED = "in transit", "in the text of the answer", "reported by BigQuery"


@dataclass(frozen=True)
class Fault:
    """One fault. `passing`: once, it must not be noticed. `absent`: it reports, in good form, that a table is absent.

    `slow`: each exchange ends by its deadline alone.
    """

    name: str
    group: str
    step: Step
    passing: bool = False
    absent: bool = False
    slow: bool = False


def _half(answer: Answer) -> Answer:
    return replace(answer, body=answer.payload[: len(answer.payload) // 2])


def _http(status: int, reason: str, message: str, name: str = "", **more: bool) -> Fault:
    return Fault(name or str(status), REPORTED, error(status, reason, message), **more)


FAULTS = (
    Fault("delay", NETWORK, Pass(0.2), passing=True),
    Fault("no answer", NETWORK, NoAnswer(), slow=True),
    Fault("dropped", NETWORK, Drop(), passing=True),
    Fault("reset", NETWORK, Reset(), passing=True),
    Fault("answer lost", NETWORK, Lost(Reset()), passing=True),
    Fault("answer lost, 503", NETWORK, Lost(error(503, "backendError", "Lost.")), passing=True),
    Fault("cut short", GARBLED, Mangled(Cut), passing=True),
    Fault("half a JSON", GARBLED, Mangled(_half)),
    Fault("malformed JSON", GARBLED, Answer(200, b'{"kind": ]')),
    Fault("empty object", GARBLED, Answer(200, {})),
    Fault("other JSON", GARBLED, Answer(200, b"[1, 2]")),
    Fault("web page", GARBLED, Answer(200, _PAGE, "text/html")),
    _http(401, "authError", "Login required."),
    _http(403, "accessDenied", "Access Denied: Permission bigquery.tables.get denied on table p:d.t."),
    _http(403, "rateLimitExceeded", "Exceeded rate limits.", "403 rate", passing=True),
    _http(403, "quotaExceeded", "Quota exceeded.", "403 quota"),
    _http(404, "notFound", "Not found: Dataset p:d"),
    _http(404, "notFound", "Not found: Table p:d.t", "404 table", absent=True),
    _http(409, "duplicate", "Already Exists: Job p:US.j", slow=True),
    _http(412, "conditionNotMet", "Precondition Failed."),
    _http(429, "rateLimitExceeded", "Exceeded rate limits.", passing=True),
    _http(500, "internalError", "An internal error.", passing=True),
    Fault("502", REPORTED, Answer(502, _PAGE, "text/html"), passing=True),
    _http(503, "backendError", "Service unavailable.", passing=True),
    Fault("504", REPORTED, Answer(504, b"upstream timeout", "text/plain")),
)
GROUPS = (NETWORK, GARBLED, REPORTED)
