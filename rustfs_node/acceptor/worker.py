"""The acceptor's one job: put its parts together, listen, and drain when told to stop."""

from __future__ import annotations

import hashlib

import attrs
import structlog
import trio

from rustfs_node.acceptor.auth import Authenticator, OwnerSecrets
from rustfs_node.acceptor.body import BodyTools
from rustfs_node.acceptor.buckets import Buckets
from rustfs_node.acceptor.call import Services
from rustfs_node.acceptor.counts import AcceptorCounts
from rustfs_node.acceptor.dispatch import Dispatcher
from rustfs_node.acceptor.monitor import Monitor
from rustfs_node.acceptor.moves.layout import Layouts
from rustfs_node.acceptor.moves.mover import Mover
from rustfs_node.acceptor.net.local import open_local
from rustfs_node.acceptor.net.server import Listener, Server, address_of, open_listeners
from rustfs_node.acceptor.net.tls import Certificate
from rustfs_node.acceptor.otlp import TraceExport, check_exporting
from rustfs_node.acceptor.pool import BufferPool
from rustfs_node.acceptor.sets import Sets, set_workers
from rustfs_node.acceptor.siblings import Siblings
from rustfs_node.acceptor.tracing import Tracer
from rustfs_node.acceptor.upload_memory import UploadMemory
from rustfs_node.bus import Bus
from rustfs_node.plan import CONTROL, NodePlan, acceptor_name, endpoint_of
from rustfs_node.role import RoleContext, RoleRefused
from rustfs_node.seams.clock import Clock
from rustfs_node.seams.randomness import Randomness
from rustfs_node.seams.threads import ThreadPool, Threads
from rustfs_node.settings.acceptor import AcceptorSettings
from rustfs_node.wiring import open_worker_bus
from rustfs_proto.erasure.tenure import Tenure
from rustfs_proto.s3.xml_out import Owner

log = structlog.get_logger()


async def serve(context: RoleContext) -> None:
    """The role: open the bus to every set worker, then serve clients until stopped."""
    plan, settings = context.plan, context.plan.settings.acceptor
    is_first = _is_first(context.name, plan)
    bus = _open_bus(context)
    siblings = Siblings.of_plan(bus, plan)
    if siblings.are_there:
        bus.serve(siblings.handle)
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.run)
        threads = ThreadPool(settings.threads)
        try:
            services = make_services(
                bus, plan, settings, context.clock, context.randomness, threads, siblings
            )
            parts = prepare(services, plan)
            if is_first:
                parts.listeners.append(open_local(plan.runtime_dir, settings.listen_backlog))
        except (OSError, ValueError) as error:
            raise RoleRefused(f"acceptor at {settings.address}: {error}") from error
        siblings.begin(services, nursery)
        begin_moving(services, siblings, plan, context.name, nursery)
        if is_first and settings.otlp_endpoint:
            nursery.start_soon(TraceExport(services, services.monitor.names[plan.node_number]).run)
        await context.ready()
        await run_prepared(parts, context.stopping, context.reload)
        nursery.cancel_scope.cancel()


def _is_first(name: str, plan: NodePlan) -> bool:
    """Whether it does what one acceptor of each node does for all."""
    return name == acceptor_name(0, plan.node_number)


def begin_moving(
    services: Services, siblings: Siblings, plan: NodePlan, name: str, nursery: trio.Nursery
) -> None:
    """Learn where slots are, where there are several sets; and in the first acceptor of each node, move them
    when it is this one's turn.
    """
    if len(plan.sets) == 1:
        return
    nursery.start_soon(services.sets.homes.learn_for_ever, services.settings.homes_look_s)
    if _is_first(name, plan):
        # On a node alone nobody else could be at it.
        patience_s = services.settings.move_takeover_s if plan.contacts else 0.0
        mover = Mover(
            services.sets,
            services.buckets,
            siblings,
            services.clock,
            services.randomness,
            plan.settings.set.commit_timeout_s,
            lambda: services.load.requests,
            Tenure(patience_s),
        )
        nursery.start_soon(mover.run)


def _open_bus(context: RoleContext) -> Bus:
    """To every set worker; and to and from the other acceptors, where there are any."""
    plan = context.plan
    numbers = range(plan.settings.node.acceptors)
    names = [acceptor_name(number, plan.node_number) for number in numbers]
    near = {name: (plan.node_number, endpoint_of(plan.runtime_dir, name)) for name in names}
    _, own_endpoint = near.pop(context.name)
    far = {one.name: (one.node, one.endpoint) for one in plan.contacts if one.node != plan.node_number}
    own = next((one for one in plan.contacts if one.name == context.name), None)
    supervisor = {CONTROL: (plan.node_number, endpoint_of(plan.runtime_dir, CONTROL))}
    return open_worker_bus(
        plan,
        context.name,
        context.clock,
        listen=own_endpoint if near or far else None,
        listen_remote="" if own is None else own.listen,
        peers=set_workers(plan) | near | far | supervisor,
    )


async def run_acceptor(
    bus: Bus,
    plan: NodePlan,
    settings: AcceptorSettings,
    *,
    clock: Clock,
    randomness: Randomness,
    threads: Threads,
    stopping: trio.Event,
    reload: trio.MemoryReceiveChannel[NodePlan] | None = None,
    task_status: trio.TaskStatus[list[tuple[str, int]]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stopping`, then drain; tells `task_status` the addresses it listens on.

    `bus` runs already, so other acceptors are not heard, and wait instead. Raises OSError where an address or
    a certificate cannot be had, ValueError for an address that is none.
    """
    siblings = Siblings.of_plan(bus, plan)
    services = make_services(bus, plan, settings, clock, randomness, threads, siblings)
    parts = prepare(services, plan)
    task_status.started(parts.addresses)
    await run_prepared(parts, stopping, reload)


@attrs.frozen
class Parts:
    """An acceptor that listens but does not accept yet."""

    server: Server
    listeners: list[Listener]
    certificate: Certificate | None
    leaving: trio.Event
    monitor: Monitor

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return [address_of(one) for one in self.listeners]


def prepare(services: Services, plan: NodePlan) -> Parts:
    """Everything that can fail for reasons that somebody has to mend: OSError and ValueError."""
    settings = services.settings
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise ValueError("acceptor.tls_cert and acceptor.tls_key go together: give both or neither")
    certificate = Certificate(settings.tls_cert, settings.tls_key) if settings.tls_cert else None
    check_exporting(settings)
    server = Server(Dispatcher(services), settings, services.clock, certificate)
    services.sets.bus.meter.add(server.measures)
    shared = plan.settings.node.acceptors > 1
    listeners = open_listeners(settings.address, settings.listen_backlog, shared=shared)
    parts = Parts(server, listeners, certificate, services.leaving, services.monitor)
    log.info("listening", addresses=parts.addresses, tls=certificate is not None)
    return parts


async def run_prepared(
    parts: Parts, stopping: trio.Event, reload: trio.MemoryReceiveChannel[NodePlan] | None
) -> None:
    """Accept and serve until `stopping`, then drain."""
    async with trio.open_nursery() as nursery:
        if reload is not None:
            nursery.start_soon(_obey_reloads, reload, parts)
        nursery.start_soon(_tell_leaving, stopping, parts.leaving)
        await parts.server.run(parts.listeners, stopping)
        nursery.cancel_scope.cancel()


def make_services(
    bus: Bus,
    plan: NodePlan,
    settings: AcceptorSettings,
    clock: Clock,
    randomness: Randomness,
    threads: Threads,
    siblings: Siblings,
) -> Services:
    """What the handlers share."""
    sets = Sets(bus, plan, settings, clock)
    credentials, counts = plan.credentials, AcceptorCounts(settings.metrics_buckets_max)
    bus.meter.add(counts.measures)
    identity = f"{plan.deployment_id}/{credentials.access_key}".encode()
    return Services(
        settings=settings,
        clock=clock,
        randomness=randomness,
        sets=sets,
        buckets=Buckets(sets, clock, siblings),
        authenticator=Authenticator(OwnerSecrets(credentials), clock, settings.region),
        # A byte more than a stripe: see how a body of unknown length is read.
        body_tools=BodyTools(
            threads,
            settings.hash_thread_bytes_min,
            BufferPool(sets.stripe_bytes + 1, settings.buffers_kept),
            UploadMemory(settings.put_bytes_max, settings.put_slow_s, clock),
        ),
        owner=Owner(hashlib.sha256(identity).hexdigest(), credentials.access_key),
        layouts=Layouts(
            sets,
            clock,
            randomness,
            [one.k + one.m for one in plan.sets],
            [one.pool for one in plan.sets],
        ),
        host_id=hashlib.sha256(f"{plan.deployment_id}/{plan.node_number}".encode()).hexdigest()[:32],
        counts=counts,
        monitor=Monitor(bus, plan),
        credentials=credentials,
        tracer=Tracer(bus.own_name, settings, clock),
    )


async def _tell_leaving(stopping: trio.Event, leaving: trio.Event) -> None:
    """The handlers learn of the end when the server does."""
    await stopping.wait()
    leaving.set()


async def _obey_reloads(reload: trio.MemoryReceiveChannel[NodePlan], parts: Parts) -> None:
    """SIGHUP takes over a new certificate, and the plan to tell of; the other settings of this room need a
    restart.
    """
    certificate = parts.certificate
    async for plan in reload:
        parts.monitor.plan = plan
        if certificate is None:
            continue
        try:
            certificate.reload()
        except OSError as error:
            log.error("certificate_not_reloaded", reason=str(error))  # noqa: TRY400 - the reason says it all
        else:
            log.info("certificate_reloaded")
