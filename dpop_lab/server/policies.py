"""The policies that are at hand, by their names."""

from collections.abc import Mapping

from dpop_lab.server.duende import DUENDE
from dpop_lab.server.policy import Policy
from dpop_lab.server.rfc9449 import RFC_9449

POLICIES: Mapping[str, Policy] = {policy.name: policy for policy in (DUENDE, RFC_9449)}
