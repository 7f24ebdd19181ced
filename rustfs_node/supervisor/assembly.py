"""How the nodes of a cluster come together: what each supervisor asks the others before its workers start,
and what it answers as long as it runs.

Nodes start in any order. A deployment is founded once all nodes have answered, by the first of them, in two
steps:

    1. every node writes the layout, incomplete, and the identities of its drives
    2. every node makes the layout complete, and serves from then on

Until a node takes the second step nothing was ever stored, so a founding that was interrupted is done over
again, under a new deployment id. From the first node on that takes it there is no way back: one that missed
it hears from the others that the deployment is there, finds its drives named in the layout, and takes the
step by itself.

Pools are added in the same two steps, when all nodes were given them: what is written incomplete are the new
drives only, and the layout that is made complete on all of them has the new pools beside the others.

Later a node starts by itself: the layout on its drives says all. It asks the others for a while, for a newer
layout and for what its empty drives could be rebuilt from, and then goes on without those that do not answer.
It writes to its own drives only.

A node that was given other drives, or whose clock is far off, is told so in the logs of both. It ends if it
met one that serves; while none does, nobody can tell which of the two is right, and both wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs
import structlog
import trio

from rustfs_node.bus import Bus, Request
from rustfs_node.seams.clock import Clock
from rustfs_node.settings.cluster import ClusterSettings
from rustfs_node.supervisor.own_drives import OwnDrives
from rustfs_proto.topology import gathering
from rustfs_proto.topology.cluster_growing import grow, why_not_begun
from rustfs_proto.topology.deployment import Deployment
from rustfs_proto.topology.findings import Condition, Finding
from rustfs_proto.topology.formation import found_deployment, join
from rustfs_proto.topology.gathering import Step
from rustfs_proto.topology.second_look import join_one, verdict_of
from rustfs_proto.topology.verdicts import Formation, Refusal, Verdict, Wish
from rustfs_proto.wire.faults import Fault, FaultCode
from rustfs_proto.wire.node_ops import (
    DrivesFormatted,
    FinishFounding,
    FormatDrives,
    FoundingFinished,
    Introduce,
    Introduced,
)

log = structlog.get_logger("supervisor")


def supervisor_name(node: int) -> str:
    """Name of a node's supervisor on the bus."""
    return f"node-{node}"


@attrs.define(eq=False)
class Assembly:
    """One supervisor's part. `bus` is not running yet; `release` is the program's version; `tell` is called
    with a line for people while the start waits for others.
    """

    bus: Bus
    drives: OwnDrives
    settings: ClusterSettings
    clock: Clock
    release: str
    tell: Callable[[str], None]
    _founding: Deployment | None = None
    _serves: bool = False
    _moved: trio.Event = attrs.field(factory=trio.Event)
    _reasons: dict[int, str] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.bus.serve(self._handle)

    async def form(self, before_writing: Callable[[str], None]) -> Formation:
        """Take part in the forming; what was decided of all drives. Raises `Refusal`, or whatever
        `before_writing`, given the deployment's id, raises.
        """
        try:
            await self.drives.look()
            self._tell_unusable()
            formation = await self._agree(before_writing)
            self._serves = True
        finally:
            self.drives.former.release()
        return formation

    async def look_again(self, path: str, *, formats: bool, accepts: bool) -> Verdict:
        """One drive of this node while it serves; see `second_look.Keeper`. The other nodes are asked first,
        who may have replaced drives since.
        """
        member, former = self.drives.member, self.drives.former
        try:
            label = await self.drives.look_again(path)
            heard = await self._ask_all()
            found = gathering.all_findings(member.topology, self.drives.as_they_are(), heard)
            wish = attrs.evolve(self._wish(), others_come=len(heard) < len(member.topology.nodes) - 1)
            if accepts:
                wish = attrs.evolve(wish, accepted=wish.accepted | {label})
            judged = gathering.judged_by(member.own, found)
            formation = join_one(judged, label, wish, self._new_ids(), self.clock.wall_ms(), formats=formats)
            self.drives.join(formation, label)
        finally:
            former.release()
        return verdict_of(formation, label)

    async def _agree(self, before_writing: Callable[[str], None]) -> Formation:
        member = self.drives.member
        patient_until_s = trio.current_time() + self.settings.join_wait_s
        while True:
            moved = self._moved
            heard = await self._ask_all()
            found = gathering.all_findings(member.topology, self.drives.by_label(), heard)
            is_patient = trio.current_time() < patient_until_s
            nodes, wish = len(member.topology.nodes), self._wish()
            step = gathering.next_step(member.own, found, heard, nodes, wish, is_patient=is_patient)
            if step is Step.JOIN:
                return self._join(found, before_writing, others_come=len(heard) < nodes - 1)
            if step is Step.WAIT or not await self._found(step, found, before_writing):
                self._tell_waiting([number for number in member.others() if number not in heard])
                with trio.move_on_after(self.settings.ask_again_s):
                    await moved.wait()

    def _tell_unusable(self) -> None:
        """A start that waits for others may say at once what will be missing here."""
        for finding in self.drives.findings:
            if finding.condition is Condition.UNUSABLE:
                log.warning("drive_unusable", drive=finding.path, reason=finding.problem)

    def _tell_waiting(self, missing: Sequence[int]) -> None:
        names = self.drives.member.topology.nodes
        reasons = [f"{names[one]} ({self._reasons.get(one, 'no answer')})" for one in missing]
        self.tell(f"waiting for {', '.join(reasons) or names[gathering.FOUNDER]}")

    # Asking

    async def _ask_all(self) -> dict[int, Introduced]:
        """What the other nodes that belong to this cluster answer, by number."""
        question = self._introduction()
        questions = dict.fromkeys(self.drives.member.others(), question)
        heard: dict[int, Introduced] = {}
        for number, answer in (await self._call_all(questions, self.settings.answer_timeout_s)).items():
            if isinstance(answer, Fault):
                self._note(number, answer.message.removeprefix(f"{supervisor_name(number)}: "))
                continue
            assert isinstance(answer, Introduced)
            strange = gathering.why_strange(question, answer, self.settings.clock_skew_max_s)
            self._note(number, strange)
            if strange and answer.serves:
                raise Refusal(f"node {self.drives.member.topology.nodes[number]} serves, but {strange}")
            if not strange:
                heard[number] = answer
        return heard

    async def _call_all(self, messages: Mapping[int, object], timeout_s: float) -> dict[int, object]:
        """The answer, or the `Fault`, of each node that gets a message."""
        answers: dict[int, object] = {}

        async def call(number: int, message: object) -> None:
            try:
                reply = await self.bus.call(supervisor_name(number), message, deadline_s=timeout_s)
            except Fault as fault:
                answers[number] = fault
            else:
                answers[number] = reply.message

        async with trio.open_nursery() as nursery:
            for number, message in messages.items():
                nursery.start_soon(call, number, message)
        return answers

    def _introduction(self) -> Introduce:
        member = self.drives.member
        return Introduce(member.own, self.release, member.topology.text(), self.clock.wall_ms())

    def _note(self, number: int, reason: str) -> None:
        """Tell of a node once for each reason why it is not with us; empty: it is."""
        if self._reasons.get(number) == reason:
            return
        self._reasons[number] = reason
        name = str(self.drives.member.topology.nodes[number])
        if reason:
            log.warning("node_not_heard", node=name, reason=reason)
        else:
            log.info("node_heard", node=name)

    # Founding and joining

    async def _found(
        self, step: Step, found: Sequence[Finding], before_writing: Callable[[str], None]
    ) -> bool:
        """This node is the founder, and all have answered. False where one of them did not take the first
        step; then it is all to be done again.
        """
        decide = grow if step is Step.GROW else found_deployment
        formation = decide(found, self._wish(), self._new_ids(), self.clock.wall_ms())
        before_writing(formation.deployment.deployment_id)
        what = "adding" if step is Step.GROW else "founding"
        log.info(what, deployment=formation.deployment.deployment_id, drives=len(found))
        others = self.drives.member.others()
        timeout_s = self.settings.step_timeout_s
        formatted = await self._call_all({one: self._first_step(formation, one) for one in others}, timeout_s)
        if faults := {one: answer.message for one, answer in formatted.items() if isinstance(answer, Fault)}:
            for number, reason in faults.items():
                self._note(number, f"it did not take the first step of the {what}: {reason}")
            return False
        self._format(self._first_step(formation, self.drives.member.own))
        # From here on there is no way back; who misses it hears of it when asking.
        finish = FinishFounding(formation.deployment.deployment_id, formation.deployment)
        self._finish(finish)
        for number, answer in (await self._call_all(dict.fromkeys(others, finish), timeout_s)).items():
            self._note(number, answer.message if isinstance(answer, Fault) else "")
        return True

    def _first_step(self, formation: Formation, number: int) -> FormatDrives:
        identities = {
            verdict.path: verdict.identity
            for verdict, endpoint in zip(formation.verdicts, self.drives.member.topology.drives, strict=True)
            if endpoint.node == number and verdict.identity is not None
            if verdict.set_index >= (formation.added_from or 0)
        }
        return FormatDrives(formation.deployment, identities, adds=formation.added_from is not None)

    def _join(
        self, found: Sequence[Finding], before_writing: Callable[[str], None], *, others_come: bool
    ) -> Formation:
        judged = gathering.judged_by(self.drives.member.own, found)
        wish = attrs.evolve(self._wish(), others_come=others_come)
        formation = join(judged, wish, self._new_ids(), self.clock.wall_ms())
        before_writing(formation.deployment.deployment_id)
        own = {verdict.path: verdict for verdict in self.drives.join(formation).verdicts}
        return attrs.evolve(
            formation, verdicts=tuple(own.get(v.path, _elsewhere(v)) for v in formation.verdicts)
        )

    def _wish(self) -> Wish:
        """The configuration's, for a node that leaves the others' drives to their own judgement."""
        wish, member = self.drives.former.wish(), self.drives.member
        theirs = {member.topology.label(one) for one in member.topology.drives if one.node != member.own}
        return attrs.evolve(wish, accepted=wish.accepted | theirs, own_node=member.own)

    def _new_ids(self) -> list[str]:
        return self.drives.former.new_ids(len(self.drives.member.topology.drives))

    # Answering

    def _handle(self, requests: list[Request]) -> None:
        for request in requests:
            try:
                request.reply(self._answer(request.message))
            except Fault as fault:
                request.fail(fault)
            except OSError as error:
                log.exception("drives_not_written")
                request.fail(Fault(FaultCode.DRIVE_FAULT, f"{error.filename}: {error.strerror}"))

    def _answer(self, message: object) -> object:
        match message:
            case Introduce():
                return self._introduced_to(message)
            case FormatDrives():
                return self._format(message)
            case FinishFounding():
                return self._finish(message)
            case _:
                raise Fault(FaultCode.UNKNOWN_OP, f"a supervisor does not answer {type(message).__name__}")

    def _introduced_to(self, other: Introduce) -> Introduced:
        own = self._introduction()
        strange = gathering.why_strange(own, other, self.settings.clock_skew_max_s)
        if strange:
            self._note(other.node, strange)
        findings = tuple(self.drives.as_they_are().values())
        return Introduced(own.node, own.release, own.topology, own.wall_ms, findings, self._serves)

    def _format(self, message: FormatDrives) -> DrivesFormatted:
        """The first step."""
        if not self.drives.are_looked_at:
            raise Fault(FaultCode.CONFLICT, f"{self.drives.member.own_name} has not looked at its drives yet")
        if message.adds:
            self._refuse_adding(message)
        elif self._serves or self.drives.has_deployment:
            raise Fault(FaultCode.CONFLICT, f"{self.drives.member.own_name} belongs to a deployment")
        self.drives.begin_founding(message.deployment, message.identities)
        self._founding = message.deployment
        return DrivesFormatted()

    def _refuse_adding(self, message: FormatDrives) -> None:
        reason = why_not_begun(self.drives.findings, message.deployment, message.identities)
        if self._serves or reason:
            raise Fault(
                FaultCode.CONFLICT, f"{self.drives.member.own_name} adds no pool: {reason or 'it serves'}"
            )

    def _finish(self, message: FinishFounding) -> FoundingFinished:
        """The second step: what was formatted is the deployment."""
        founding = self._founding
        is_it = founding is not None and founding.deployment_id == message.deployment_id
        if founding is None or not is_it or message.deployment not in (None, founding):
            raise Fault(
                FaultCode.CONFLICT,
                f"{self.drives.member.own_name} has not formatted for {message.deployment_id}",
            )
        if not self._serves:
            self.drives.finish_founding(founding)
        self._moved.set()
        self._moved = trio.Event()
        return FoundingFinished()


def _elsewhere(verdict: Verdict) -> Verdict:
    """What is found out here about a drive of another node is for people only: nothing is written there."""
    return attrs.evolve(verdict, write_identity=False, write_layout=False)
