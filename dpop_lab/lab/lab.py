"""The lab: a world to try DPoP in, and a bench to try what is wrong."""

import uuid
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import requests

from dpop_lab.client.auth import DPoPAuth
from dpop_lab.client.read_settings import Source
from dpop_lab.client.recorder import SessionLog
from dpop_lab.errors import LabError, expect
from dpop_lab.jose.jws import sign_compact
from dpop_lab.jose.keys import PrivateKey, generate_key
from dpop_lab.lab.participant import another, demo_client
from dpop_lab.lab.world import LIVE, TWIN, Carrier, World, started
from dpop_lab.proof import make_proof, proof_header, read_proof
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.duende_site import BASE_URL
from dpop_lab.server.policy import Policy

if TYPE_CHECKING:
    from dpop_lab.lab.bench import Bench
    from dpop_lab.lab.sent import Sent
    from dpop_lab.lab.sign_in.playing import Played
    from dpop_lab.session.story import Story

TIMEOUT = 15  # seconds to wait for an answer where the caller named none


class Lab(World):
    """A world to try DPoP in: the offline twin by default, the real demo server with `live=True`.

    Any other server is named by the client's settings: as keywords, such as `issuer`, `api` (URLs),
    `client_id`, `client_secret`, `client_auth` and `scope`, or in `settings` (the JSON object, its
    file or a mapping); what they lack is taken from variables of the environment such as
    DPOP_LAB_CLIENT_ID. Keywords go before JSON, and JSON before the environment, which alone never
    leads away from the twin: `settings={}` lets it. See `read_settings` for the members. `client`
    is what came of it, `kind` says which of the worlds this is, and `live` whether it is not
    the twin; `timeout` is how many seconds to wait over the network for each answer.

    `session` is a plain `requests.Session`; every exchange on it is kept in `log`, a new one unless
    given. With `carrier="socket"` the twin listens on a port of this machine, else it answers in
    process at the real URL; any other host is reached over the network. `clock` is the time of both
    sides, and `lab.clock.advance(seconds)` moves it. `log[-1].reports` is what the twin found in
    the last request, empty with any other server, which keeps that to itself. `api_nonce` makes the
    API demand nonces. `auth()` gives a `DPoPAuth` for one of the demo's clients, `proof` and `ask`
    make one proof and one token request. In a class, `Lab(issuer=URL, name="ann")` is a participant
    at the room's `dpop-lab serve --explain`, as the demo's client m2m.dpop unless told otherwise:
    the name goes along to that issuer alone, in the line DPoP-Lab-Name, which no rule looks at.
    Raises `LabError` for what does not go together, the live session `Unreachable` without answer.
    """

    def __init__(
        self,
        *,
        live: bool = False,
        policy: Policy = DUENDE,
        carrier: Carrier = "in process",
        api_nonce: bool = False,
        client_key: PrivateKey | None = None,
        settings: Source | None = None,
        log: SessionLog | None = None,
        timeout: float = TIMEOUT,
        name: str | None = None,
        **client: str | None,
    ) -> None:
        expect(policy, Policy, "policy", "DUENDE or RFC_9449.")
        expect(log, (SessionLog, type(None)), "log", "SessionLog(path) makes one.")
        expect(client_key, (PrivateKey, type(None)), "client_key", "load_key makes one.")
        other = any(value is not None for value in (settings, name, *client.values()))
        of_the_twin = policy is not DUENDE or carrier != "in process" or api_nonce
        if (live or other) and of_the_twin:
            problem = f"{'The live' if live else 'Another'} server has its own ways"
            wanted = "no policy, carrier or api_nonce: they are for the twin"
            raise LabError(problem, wanted=wanted)
        if live and (other or client_key):
            advice = "Lab(issuer=…) is for any other server, or any other client."
            raise LabError("The live server is the demo", wanted="live=True alone", advice=advice)
        own = None
        if live:
            kind, known = LIVE, demo_client(BASE_URL)
        elif other:
            given = {**client, "client_key": client_key}
            kind, known = another(settings or {}, given, in_room=name is not None)
        else:
            options = {"policy": policy, "api_nonce": api_nonce, "client_key": client_key}
            own = started(carrier, timeout=timeout, **options)
            kind, known = TWIN, demo_client(own[0].base_url)
        super().__init__(kind, known, own, log=log, timeout=timeout, name=name)

    @cached_property
    def bench(self) -> "Bench":
        """Owner, thief and their tokens; what was accepted last; the score of predictions."""
        from dpop_lab.lab.bench import Bench  # with the catalogue, when first used

        return Bench(self)

    @property
    def story(self) -> "Story":
        """All exchanges of `session` so far, told: what each carried, what came of it, and why."""
        from dpop_lab.session.story import Story  # when first used

        return Story(self.log)

    def proof(
        self,
        key: PrivateKey,
        htm: str,
        htu: str,
        *,
        access_token: str | None = None,
        nonce: str | None = None,
        **claims: object,
    ) -> str:
        """A proof of this moment by the lab's clock, signed with `key`, with a jti of its own.

        `htm` is the method, `htu` the URL of the request (query and fragment are taken off); with
        `access_token` its hash is added as `ath`, with the server's `nonce` that. `claims` are
        further ones, or other values for these, as they are, right or wrong: `iat=0`; None leaves
        one out. Raises `LabError` for arguments of another type.
        """
        honest = make_proof(
            key,
            jti=str(uuid.uuid4()),
            htm=htm,
            htu=htu,
            iat=self.clock.now(),
            access_token=access_token,
            nonce=nonce,
        )
        said = {**read_proof(honest).claims, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        return sign_compact(proof_header(key), said, key) if claims else honest

    def ask(
        self,
        client_id: str | None = None,
        *,
        proof: str | None = None,
        key: PrivateKey | None = None,
        nonce: str | None = None,
        **form: str | None,
    ) -> requests.Response:
        """Ask for a token by the client credentials grant: the answer to one POST, as it came.

        `client_id` is one of the demo's clients, such as "m2m.dpop"; its secret, or a fresh
        statement signed with the twin's key for "m2m.jwt", goes with it. `proof` is sent as it is;
        with `key`, and perhaps `nonce`, a new one is made; with neither there is no DPoP header.
        `form` are further parameters, or other values for these; None leaves one out. A demand for
        a nonce is not obeyed and a refusal raises nothing. Raises `LabError` for arguments that do
        not go together, and what `credentials` raises.
        """
        expect(proof, (str, type(None)), "proof")
        if (key and proof is not None) or (nonce and not key):
            wanted = "proof alone, or key, or key and nonce"
            raise LabError("The proof is not clear", wanted=wanted)
        if key:
            proof = self.proof(key, "POST", self.token_endpoint, nonce=nonce)
        headers, said = self.credentials(client_id)
        honest = {"grant_type": "client_credentials", "scope": self.client.scope, **said}
        return self.session.post(
            self.token_endpoint,
            data=honest | form,
            headers=headers if proof is None else {**headers, "DPoP": proof},
            allow_redirects=False,
        )

    def sign_in(
        self,
        name: str = "alice",
        *,
        client_id: str = "interactive.confidential",
        key: PrivateKey | None = None,
        scope: str = "openid api offline_access",
        redirect_uri: str = "https://notused",
        password: str = "",
        **more: Any,
    ) -> DPoPAuth:
        """Sign a person in, by the server's real pages; gives what calls the API in their name.

        `name` is alice or bob, whose `password` is the name unless given. All exchanges, those of
        the person's browser too, are in the log. `key` is made unless given; `more` is what
        `DPoPAuth.authorization_code` takes besides. Raises `LabError` when it comes to nothing.
        """
        from dpop_lab.lab.sign_in.person import sign_in  # when somebody signs in

        options = {"client_id": client_id, "scope": scope, "redirect_uri": redirect_uri, **more}
        return sign_in(self, name, password or name, key=key or generate_key(), **options)

    def attack(self, name: str, *, predict: str = "", **rules: Any) -> "Played":
        """Carry out one of `SIGN_IN_CHANGES`, an attack on a sign-in, and see who stops it.

        An honest person, client and key are the lab's; the attacker has what the attack says.
        `predict` names a row, "no row" or what else stops it ("PKCE", "one use"), "the client" or
        "accepted"; `policy` and `without` are as for `send`. Raises `LabError` for an unknown name,
        and for a server that is not the twin.
        """
        return self.bench.attack(name, predict=predict, **rules)

    def send(
        self,
        change: str = "honest",
        *,
        to: str = "",
        header: Mapping[str, object] | None = None,
        claims: Mapping[str, object] | None = None,
        signed_by: str = "",
        sign_again: bool | None = None,
        predict: str = "",
        policy: Policy | None = None,
        without: tuple[str, ...] = (),
    ) -> "Sent":
        """Carry out one of `CHANGES`, or a change of your own, and see who catches it.

        `to` is a place in `PLACES`, such as "API" or "token endpoint"; without it the change's
        first. `header` and `claims` set members of the proof, `LEFT_OUT` takes one away.
        `signed_by` is "owner", "thief" or "nobody"; with `sign_again=False` the honest signature
        stays under the edited text. `predict` names the row you expect to say no, or "accepted".
        The server keeps to `policy` (its own unless given) but for the rows `without` strikes out.
        Raises `LabError` for a name that is unknown; what the server refuses is a result.
        """
        bench = self.bench
        draft = bench.draft(
            change,
            to=to,
            signed_by=signed_by,
            sign_again=sign_again,
            header=header,
            claims=claims,
        )
        return bench.send(draft, predict=predict, policy=policy, without=without)

    def send_again(
        self,
        number: int = 0,
        *,
        predict: str = "",
        policy: Policy | None = None,
        without: tuple[str, ...] = (),
    ) -> "Sent":
        """Send a request once more, byte for byte, perhaps to a server with other rules.

        An attack on a sign-in is carried out anew, for its codes are used. It is the last one, or
        the one with this `Sent.number` among the last 50. Raises `LabError` when there is none.
        """
        return self.bench.send_again(number, predict=predict, policy=policy, without=without)
