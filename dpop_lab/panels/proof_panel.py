"""Change a proof's header or claims and watch what the token endpoint makes of it."""

import time
import uuid

from dpop_lab.errors import expect
from dpop_lab.jose.keys import PrivateKey
from dpop_lab.panels.controls import choice, switch
from dpop_lab.panels.panel import Panel
from dpop_lab.panels.proof_view import ProofView, look_at_proof, start_fields
from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policies import POLICIES

SIGN, HELD_TO = "Sign again after each change", "Held to"


class ProofPanel(Panel):
    """A field for each value of a proof for the token endpoint; beneath them proof and report.

    Starts from a good proof by the key, made now; the server's clock stands still from then on.
    Nothing is sent. Raises `LabError` when given no private key.
    """

    view: ProofView

    def __init__(self, key: PrivateKey) -> None:
        expect(key, PrivateKey, "ProofPanel", "load_key and generate_key make one.")
        self._key, self._now = key, int(time.time())
        start = start_fields(key, jti=str(uuid.uuid4()), now=self._now)
        self._proof = look_at_proof(start, key, policy=DUENDE, now=self._now).proof
        self._signature = self._proof.rpartition(".")[2]
        super().__init__(
            "A proof for the token endpoint",
            "Change a value and see what follows; nothing is sent. An empty field is a member left "
            "out. In iat, digits become a JSON number, anything else a string. The server's clock "
            f"stands still at {self._now} while you edit. By keyboard, Space opens the list.",
            start,
            switch(SIGN, on=True, width="auto"),
            choice(HELD_TO, [*POLICIES], DUENDE.name),
        )

    def look(self) -> ProofView:
        """The proof that is in the fields, against the one at the start."""
        again = self.fields[SIGN].value
        view = look_at_proof(
            self.values(),
            self._key,
            policy=POLICIES[self.fields[HELD_TO].value],
            now=self._now,
            start=self._proof,
            signature=None if again else self._signature,
        )
        self._signature = view.proof.rpartition(".")[2] or self._signature
        return view
