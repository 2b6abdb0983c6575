"""The objects of `requests` as exchanges: an answer with its history, a request, an error."""

import math
from dataclasses import replace

import requests

from dpop_lab.client.recorder import sent_exchange
from dpop_lab.session.call import NOTHING
from dpop_lab.wire.message import Exchange

LONGEST = 600_000  # octets of a body


def of_requests(value: object) -> list[Exchange] | None:
    """The exchanges of an object; None for any other. A body not read yet is left unread."""
    if isinstance(value, requests.Request):
        value = value.prepare()
    if isinstance(value, requests.RequestException):
        if value.response is None and value.request is not None:
            asked = of_requests(value.request) or []
            return [replace(one, failure=str(value)[:500]) for one in asked]
        value = value.response
    if isinstance(value, requests.PreparedRequest):
        return [sent_exchange(value, at=math.nan)]
    if isinstance(value, requests.Response):
        return [_answer(one) for one in (*value.history, value)]
    return None


def _answer(answer: requests.Response) -> Exchange:
    asked = replace(NOTHING, url=answer.url or "")
    if answer.request is not None:
        asked = sent_exchange(answer.request, at=math.nan)
    content = getattr(answer, "_content", b"")  # `content` itself would read, and wait
    body = content[:LONGEST] if isinstance(content, bytes) else b""
    lines = getattr(answer.raw, "headers", answer.headers).items()
    return replace(
        asked,
        status=answer.status_code,
        reason=str(answer.reason or ""),
        response_headers=tuple((str(name), str(text)) for name, text in lines),
        response_body=body.decode("utf-8", "replace"),
    )
