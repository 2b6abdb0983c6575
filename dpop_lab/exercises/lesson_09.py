"""Exercises of lesson 9, signing in; what they need of signing in is loaded when one is begun."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import requests

from dpop_lab.exercises.exercise import Exercise
from dpop_lab.exercises.scene import Scene
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.lab.lab import Lab


def _later(module: str, name: str) -> Callable[[Scene], Any]:
    """A function of another module of this room, which is loaded when it is called."""

    def call(scene: Scene) -> Any:
        return getattr(import_module(f"{__package__}.{module}"), name)(scene)

    return call


def client(lab: Lab, browser: requests.Session, key: PrivateKey) -> requests.Response:
    """Sign in whoever sits at this browser; gives the answer of the token endpoint."""
    import json
    import secrets
    from hashlib import sha256
    from urllib.parse import parse_qsl, urlsplit

    from dpop_lab.jose import base64url_encode

    verifier = secrets.token_urlsafe(32)
    request = {
        "response_type": "code",
        "client_id": "interactive.public",
        "redirect_uri": "https://client.example/callback",
        "scope": "openid api",
        "state": secrets.token_urlsafe(16),
        "code_challenge": base64url_encode(sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "dpop_jkt": sha256(json.dumps(key.public_jwk()).encode()).hexdigest(),
    }
    endpoint = lab.metadata["authorization_endpoint"]
    answer = browser.get(endpoint, params=request, allow_redirects=False)
    told = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    form = {"grant_type": "authorization_code", "code": told["code"], "code_verifier": verifier}
    form |= {"client_id": request["client_id"], "redirect_uri": request["redirect_uri"]}
    proof = {"DPoP": lab.proof(key, "POST", lab.token_endpoint)}
    return lab.session.post(lab.token_endpoint, data=form, headers=proof)


EXERCISES = (
    Exercise(
        id="09.1",
        kind="predict",
        title="Six codes of Alice's",
        task=(
            "Six thieves have a code of Alice's, and redeem it with a key of their own. For each,"
            " predict the row that says no, 'no row' where it is no row of DPoP's, or 'accepted',"
            " then send it: task.predict('no row'), task.send('log'). One wrong guess is free."
        ),
        cases={
            "log": "read the code in a log",
            "script": "is in the page, and read the code and the verifier",
            "bound": "is in the page and read both, but the request had dpop_jkt",
            "bare": "as 'bound', and sends no proof",
            "beside": "put a challenge and dpop_jkt beside the request_uri of a request that was"
            " pushed, with no key named",
            "link": "wrote the whole request",
        },
        gives={"send": "has one of the six redeem a code, by the thief's name, once"},
        hints=(
            "For each thief ask twice: do they know the verifier? Is the code bound to their key?",
            "Verifier and key are those of whoever wrote the request that the server kept. A code"
            " that is bound to a key is good with a proof by it, and with nothing else.",
            "Two are stopped by code_key, two by PKCE, which is no row, and two by nobody.",
        ),
        names=("code_key",),
        start=_later("visits", "six_thieves"),
        steps=_later("visits", "each_foreseen"),
    ),
    Exercise(
        id="09.2",
        kind="do",
        title="Three places, one key",
        task=(
            "The client native.dpop has no secret, has to use DPoP, and is asked for a nonce. Sign"
            " in Alice, who sits at task.browser and has a cookie already, and call the API in her"
            " name. Push the request with a proof and without dpop_jkt; nothing goes through the"
            " browser but client_id and request_uri; PAR endpoint, token endpoint and API are asked"
            " five times at most, all together."
        ),
        gives={"browser": "Alice's browser, a session in which she has signed in"},
        hints=(
            "It is the lesson's way, with another client. What does the PAR endpoint answer first?",
            "Its 400 gives a nonce, which belongs into the claims of the next proof: lab.proof and"
            " lab.ask take nonce=…. The token endpoint takes that nonce as well, for a minute.",
            "lab.session.post(par, data=request, headers={'DPoP': lab.proof(key, 'POST', par,"
            " nonce=…)}), then the browser, then lab.ask('native.dpop', key=key, nonce=…, …).",
        ),
        start=_later("visits", "one_browser"),
        steps=_later("visits", "one_key"),
    ),
    Exercise(
        id="09.3",
        kind="mend",
        title="A code that no key redeems",
        task=(
            "This client signs people in, and the token endpoint refuses every code that they"
            " bring. Mend it, so that the code is bound to its key and redeemed:"
            " task.client(task.lab, task.browser, task.key)."
        ),
        gives={
            "client": "the function below",
            "browser": "Alice's browser, a session in which she has signed in",
            "key": "the client's key",
        },
        hints=(
            "Run it, and look what task.lab.log[-1].reports[-1].failure wanted and found.",
            "This server takes any dpop_jkt, and says nothing until the code comes. What has to"
            " stand there, and what does?",
            "A thumbprint is the hash of one spelling of the JWK, in base64url (lesson 2):"
            " dpop_lab.thumbprint makes it of the public JWK.",
        ),
        code=client,
        start=_later("visits", "a_client"),
        steps=_later("visits", "bound_and_redeemed"),
    ),
    Exercise(
        id="09.4",
        kind="attack",
        title="A note in the margin",
        task=(
            "This client pushes its requests, with dpop_jkt and without a proof. task.link() has it"
            " push one, and gives what Alice is about to open. You can change that on its way, and"
            " you read her log: task.opened(…) has her open it, and gives the code. Get a token for"
            " it with a key of yours: task.redeem(code, key, verifier). Then be the server: choose"
            " one of task.repairs: task.repair('a'). It has to stop the thief, and no client; you"
            " have 2 choices."
        ),
        gives={
            "link": "has the client push a request; gives the parameters of the link",
            "opened": "has Alice open these parameters; gives the code",
            "redeem": "redeems a code with a proof by a key, and a verifier",
            "repairs": "four changes of the server, each by a letter",
            "repair": "makes one of them, and tries it out",
        },
        hints=(
            "Two things tie the code to the client. The server should have both from what was"
            " pushed. Does it look elsewhere, too?",
            "Put parameters of your own beside request_uri, and see what becomes of them:"
            " task.opened(task.link() | {…}).",
            "A code_challenge of your verifier and a dpop_jkt of your key, both. For the repair"
            " read RFC 9101 section 6.3, and think of clients that send response_type again.",
        ),
        start=_later("beside", "a_link_and_a_log"),
        steps=_later("beside", "swapped_and_repaired"),
    ),
)
