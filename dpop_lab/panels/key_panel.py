"""Change a member of a public key and watch its thumbprint change, or stay."""

from collections.abc import Mapping

from dpop_lab.errors import LabError, expect
from dpop_lab.jose.encoding import thumbprint
from dpop_lab.jose.keys import PUBLIC
from dpop_lab.panels.key_view import KeyView, look_at_key
from dpop_lab.panels.panel import Panel

OPTIONAL = ("kid", "use", "alg")


class KeyPanel(Panel):
    """A field for each member of a public JWK; beneath them its hash input and its thumbprint.

    Only public members are shown, whatever else is in the JWK. Raises `LabError` (`KeyUnusable`
    where a member is missing) when it is no EC, OKP or RSA key.
    """

    view: KeyView

    def __init__(self, jwk: Mapping[str, str]) -> None:
        expect(jwk, Mapping, "KeyPanel", "public_jwk(key) gives a key's JWK.")
        thumbprint(jwk)  # raises where a member is missing
        kty = jwk["kty"]
        if kty not in PUBLIC:
            raise LabError("No public key", wanted=f"kty {', '.join(PUBLIC)}", found=repr(kty))
        names = ("kty", *PUBLIC[kty], *OPTIONAL)
        self._before = {name: jwk.get(name, "") for name in names}
        for name, value in self._before.items():
            expect(value, str, name)
        super().__init__(
            "A public key and its thumbprint",
            "Change a member and see what follows. An empty field is a member left out.",
            self._before,
        )

    def look(self) -> KeyView:
        """The key that is in the fields, against the one at the start."""
        return look_at_key(self.values(), self._before)
