"""What is wrong with a sign-in: with what a browser comes back with, or with what is redeemed."""

from collections.abc import Iterator

from dpop_lab.doctor.exchanges import Others
from dpop_lab.doctor.problem import Problem
from dpop_lab.doctor.sign_in.redeemed import redeemed
from dpop_lab.doctor.sign_in.returned import returning
from dpop_lab.doctor.sign_in.spent import spent_unseen
from dpop_lab.session.call import Call
from dpop_lab.session.sign_in.grants import SignIns


class Faults:
    """The faults in the sign-ins of a session, whose exchanges come one after the other."""

    def __init__(self) -> None:
        self._sign_ins = SignIns()

    def of(self, call: Call, others: Others) -> Iterator[Problem]:
        """What is wrong with an exchange, after those that were looked at before."""
        use = self._sign_ins.read(call).use
        yield from returning(call, self._sign_ins, others)
        yield from spent_unseen(call, others)
        yield from redeemed(use, others) if use else ()
