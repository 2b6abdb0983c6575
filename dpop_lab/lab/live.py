"""The way to the live server, on which no answer is a sentence and not a page of traceback."""

from collections.abc import Collection
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from dpop_lab.client.unanswered import unanswered
from dpop_lab.errors import LabError

TOKEN_PATH = "/connect/token"  # noqa: S105  a path
TIMEOUT = 15  # seconds to wait where the caller named none


class Unreachable(LabError, requests.ConnectionError):
    """The live server gave no answer: no network, no way through it, or nobody there.

    `request` is what was to be sent; the error of the transport is its cause.
    """

    def __init__(self, problem: str, request: requests.PreparedRequest, *, advice: str) -> None:
        super().__init__(problem, advice=advice)
        self.request, self.response = request, None


class LiveAdapter(HTTPAdapter):
    """Sends over the network, waits a bounded time, and says in a sentence when nothing comes.

    `pageless` are URLs at which a web page is never the server's own. `timeout` is the seconds to
    wait where the caller named none.
    """

    def __init__(self, *, pageless: Collection[str] = (), timeout: float = TIMEOUT) -> None:
        super().__init__()
        self._pageless, self._patience = pageless, timeout

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> requests.Response:
        """The live server's answer. Raises `Unreachable` when there is none, or another's."""
        timeout = self._patience if timeout is None else timeout
        try:
            answer = super().send(request, stream, timeout, *args, **kwargs)
        except requests.RequestException as error:
            raise _unreachable(unanswered(error, timeout) or str(error), request) from error
        except OSError as error:  # of certificates that are not there
            raise _unreachable(str(error), request) from error
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("text/html") and request.url in self._pageless:
            said = f"a web page (status {answer.status_code}) came in place of its JSON"
            raise _unreachable(f"{said}, from a proxy or a login page in between", request)
        return answer


def _unreachable(why: str, request: requests.PreparedRequest) -> Unreachable:
    advice = "Look at the network and its proxy, or go on with the offline twin."
    return Unreachable(f"The live server can't be used from here: {why}", request, advice=advice)
