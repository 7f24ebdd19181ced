"""Connections that were turned away at the door, told in the log once for each spell of them.

A node with a wrong key tries again several times a second for as long as it is wrong. It is told when it
begins, and told again when it begins anew after it had ceased.
"""

from __future__ import annotations

import attrs
import structlog

from rustfs_node.seams.clock import Clock
from rustfs_node.settings.bus import BusSettings

log = structlog.get_logger()


@attrs.define(eq=False)
class Strangers:
    """The spells that go on. Those who come from many addresses at once are told as one."""

    settings: BusSettings
    clock: Clock
    _seen_at: dict[tuple[str, str], float] = attrs.field(factory=dict)

    def turned_away(self, listen: str, address: str, why: str) -> None:
        """A process at `address` ("": not known) was not let in."""
        now = self.clock.monotonic_s()
        ceased = now - self.settings.stranger_s
        spell = (address, why)
        is_going_on = self._seen_at.get(spell, ceased) > ceased
        if not is_going_on:
            self._seen_at = {known: at for known, at in self._seen_at.items() if at > ceased}
            if len(self._seen_at) >= self.settings.strangers_max:
                spell = ("many addresses", why)
                is_going_on = self._seen_at.get(spell, ceased) > ceased
        self._seen_at[spell] = now
        if not is_going_on:
            where = f" at {spell[0]}" if spell[0] else ""
            log.warning("client_refused", listen=listen, reason=f"a process{where} {why}")
