"""The answering side: those who dialled this process, their requests, and the answers to them.

A client is known by the token of its connection; its name is what it says. It is forgotten when it has sent
no sign of life for several times the silence limit; an answer that finds its connection gone is dropped and
counted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import attrs
import structlog

from rustfs_node.bus.batch import Item, Outbox, Outboxes, message_item, too_large
from rustfs_node.bus.delay import DelayGauge
from rustfs_node.bus.spans import Spans
from rustfs_node.bus.values import Reply, Request
from rustfs_proto.wire.envelope import (
    BYE,
    CALL,
    FAULT,
    HELLO,
    LEAVING,
    NOTICE,
    PING,
    PONG,
    REPLY,
    UNREADABLE,
    Envelope,
    Header,
    encode_fault,
    payload_of,
)
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.metrics_ops import Metrics
from rustfs_proto.wire.registry import OPERATIONS, REQUESTS, decoder_of

log = structlog.get_logger()

_REQUESTS = frozenset({CALL, NOTICE})

_LEVELS = {FaultCode.DAMAGED: logging.WARNING, FaultCode.INTERNAL: logging.ERROR}
"""Faults that an operator must hear of where they happen; of the others the acceptor tells, once per request.
"""


@attrs.define(eq=False)
class Client:
    """One connection of another process to this one."""

    outbox: Outbox
    heard_at: float
    gauge: DelayGauge = attrs.field(factory=DelayGauge)


@attrs.define(eq=False)
class Answering:
    """Requests in, answers out. `tell` answers `Metrics`, which no handler sees."""

    outboxes: Outboxes
    spans: Spans
    serves: bool = False
    is_leaving: bool = False
    unanswered: int = 0
    tell: Callable[[Request], None] | None = None
    requests_by_operation: dict[str, int] = attrs.field(factory=dict)
    faults_by_operation: dict[tuple[str, str], int] = attrs.field(factory=dict)
    clients: dict[bytes, Client] = attrs.field(factory=dict)

    def take(self, route: bytes, header: Header, frames: list[bytes], requests: list[Request]) -> None:
        """A message came from a client; what the handler is to see is added to `requests`."""
        now = self.outboxes.clock.monotonic_s()
        client = self.clients.get(route)
        if client is None:
            client = self.clients[route] = Client(Outbox(route, is_open=True), now)
        client.heard_at, client.outbox.target = now, header.incarnation
        sent_at = now - client.gauge.delay_ms(header.sent_ms, int(now * 1000)) / 1000
        if header.target not in {0, self.outboxes.incarnation}:
            # Meant for an earlier life of this process. This makes the asker fail those calls, and ask again.
            self.outboxes.send_now(client.outbox, HELLO)
            return
        position = 1
        for envelope in header.envelopes:
            payload, position = payload_of(envelope, frames, position)
            kind = envelope.kind
            if kind in _REQUESTS:
                deadline = sent_at + envelope.ttl_ms / 1000
                request = Request(
                    None,
                    payload,
                    envelope.trace,
                    header.sender,
                    deadline,
                    self,
                    route,
                    envelope.id,
                    kind == NOTICE,
                    now,
                )
                if self._admit(request, envelope, now):
                    requests.append(request)
            elif kind == HELLO:
                self.outboxes.send_now(client.outbox, HELLO)
                if self.is_leaving:
                    self.outboxes.send_now(client.outbox, LEAVING)
            elif kind == PING:
                self.outboxes.send_now(client.outbox, PONG)

    def _admit(self, request: Request, envelope: Envelope, now: float) -> bool:
        """Decode the message; false where the handler is not to see it, which was answered then."""
        request_class = REQUESTS.get(envelope.op)
        if (
            request_class is None
            or not (self.serves or request_class is Metrics)
            or (OPERATIONS[request_class] is None) != request.is_notice
        ):
            self._refuse(request, Fault(FaultCode.UNKNOWN_OP, f"{envelope.op!r} is not served here"))
            return False
        if request.deadline <= now and not request.is_notice:
            self.outboxes.counts.expired += 1
            request.fail(Fault(FaultCode.EXPIRED, "the deadline passed on the way"))
            return False
        try:
            request.message = decoder_of(request_class).decode(envelope.body)
        except UNREADABLE as error:
            self._refuse(request, Fault(FaultCode.INVALID, f"{envelope.op}: {error}"))
            return False
        self.unanswered += not request.is_notice
        counted = self.requests_by_operation
        counted[envelope.op] = counted.get(envelope.op, 0) + 1
        if request_class is Metrics and self.tell is not None:
            self.tell(request)
            return False
        return True

    def _refuse(self, request: Request, fault: Fault) -> None:
        self.outboxes.counts.malformed += 1
        log.warning("request_refused", peer=request.peer, request_id=request.trace, reason=str(fault))
        request.fail(fault)

    def answer(self, request: Request, answer: Reply | Fault) -> None:
        """See `Request`."""
        if request.is_notice:
            return
        assert not request.is_answered, f"answered twice: {request.message}"
        request.is_answered = True
        self.unanswered -= request.message is not None
        if self.spans.share and request.trace:
            self.spans.note(request, answer)
        client = self.clients.get(request.route)
        if client is None:
            self.outboxes.counts.unanswerable += 1
        elif isinstance(answer, Fault):
            failed = type(request.message).__name__, answer.code.value
            self.faults_by_operation[failed] = self.faults_by_operation.get(failed, 0) + 1
            log.log(
                _LEVELS.get(answer.code, logging.DEBUG),
                "call_failed",
                request_id=request.trace,
                peer=request.peer,
                op=type(request.message).__name__,
                reason=str(answer),
            )
            self.outboxes.put(client.outbox, _fault_item(request.call_id, answer))
        else:
            assert isinstance(answer.message, OPERATIONS[type(request.message)] or ()), answer.message
            self.outboxes.put(client.outbox, self._reply_item(request.call_id, answer))

    def _reply_item(self, call_id: int, reply: Reply) -> Item:
        settings = self.outboxes.settings
        item = message_item(REPLY, call_id, reply.message, reply.frames, settings.inline_bytes)
        problem = too_large(item, settings)
        if problem is None:
            return item
        log.error("reply_too_large", reason=problem)
        return _fault_item(call_id, Fault(FaultCode.INTERNAL, f"the answer is too large: {problem}"))

    def forget_silent(self, now: float) -> None:
        """Forget clients that went away without a trace."""
        limit_s = self.outboxes.settings.client_silence_s
        for route, client in [*self.clients.items()]:
            if now - client.heard_at > limit_s:
                self.outboxes.shut(client.outbox)
                del self.clients[route]

    def say_leaving(self) -> None:
        """Ask the clients, and those that come, to choose others."""
        self.is_leaving = True
        for client in self.clients.values():
            self.outboxes.send_now(client.outbox, LEAVING)

    def say_bye(self) -> None:
        """Tell the clients that no answer will come any more, so that none waits for one."""
        for client in self.clients.values():
            self.outboxes.send_now(client.outbox, BYE)


def _fault_item(call_id: int, fault: Fault) -> Item:
    return Item(Envelope(FAULT, call_id, body=encode_fault(fault)), [], len(fault.message))
