"""What the server calls the things that the model names by their order.

A name is learned where it is first seen. Ids never stand for two things; moments and tokens may.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import attrs

from tests.model.symbols import NULL, Moment, Token, UploadId, VersionId, When

Symbol = VersionId | UploadId | Token | Moment


@attrs.define
class Names:
    """Symbol → the server's text, or the second of a moment."""

    known: dict[Symbol, object] = attrs.field(factory=dict)
    taken: dict[object, Symbol] = attrs.field(factory=dict)

    def learn(self, symbol: Symbol, text: str) -> str:
        """Take what the server says for the symbol; what is wrong with that, or ""."""
        if isinstance(symbol, Moment):
            return self._learn_moment(symbol, text)
        known = self.known.setdefault(symbol, text)
        if known != text:
            return f"{symbol} was {known!r} and is now {text!r}"
        if isinstance(symbol, Token):
            return ""
        first = self.taken.setdefault((type(symbol), text), symbol)
        if first != symbol or text == NULL:
            return f"{text!r} stands for {symbol} and for {first}"
        return ""

    def text(self, name: Symbol | str) -> str:
        """What a request writes for it."""
        return name if isinstance(name, str) else str(self.known[name])

    def date(self, when: When) -> str:
        """An HTTP date some days after a moment."""
        moment = self.known[when.moment]
        assert isinstance(moment, datetime)
        return format_datetime(moment + timedelta(days=when.days), usegmt=True)

    def _learn_moment(self, symbol: Moment, text: str) -> str:
        try:
            # HTTP dates of Tuesdays and Thursdays have a T, too.
            is_iso = text[10:11] == "T"
            moment = datetime.fromisoformat(text) if is_iso else parsedate_to_datetime(text)
        except ValueError:
            return f"{text!r} is no time"
        moment = moment.replace(microsecond=0)
        known = self.known.setdefault(symbol, moment)
        return "" if known == moment else f"{symbol} was {known} and is now {moment}"
