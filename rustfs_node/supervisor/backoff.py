"""How long to wait before a process that died is started again. Pure: times come in, a delay goes out."""

from __future__ import annotations

import attrs

from rustfs_node.settings.node import NodeSettings


@attrs.define
class Backoff:
    """Doubles with every death, forgets after a calm time of service. `deaths` counts those not forgotten."""

    settings: NodeSettings
    deaths: int = 0

    def died(self, served_s: float) -> float:
        """Seconds to wait, after a process that was ready for `served_s` seconds."""
        if served_s >= self.settings.restart_calm_s:
            self.deaths = 0
        self.deaths += 1
        # The exponent is capped only so that a process that dies for a year does not overflow a float.
        doubled = self.settings.restart_delay_first_s * float(2 ** min(self.deaths - 1, 64))
        return min(doubled, self.settings.restart_delay_max_s)
