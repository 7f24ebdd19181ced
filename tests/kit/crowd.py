"""Slow and idle clients by the hundred, in one process of their own: `python -m tests.kit.crowd`.

A line of JSON on the standard input says what they do; "ready" on the standard output that all are at it.
While they are, each uploads or downloads RATE_BYTES_PER_S, sends a byte of a head now and then, or does
nothing. They fall silent at "pause" and go on at "go", both answered by "ready". At "finish" they finish at
full speed what they began, and everything that went wrong is told as a list in JSON.
"""

from __future__ import annotations

import contextlib
import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs
import trio

from tests.clients.content import content

RATE_BYTES_PER_S = 1024
RECEIVE_BYTES = 4096
"""What the kernel may hold of an answer for a client that does not read it: next to nothing. With so little
no hurry is possible.
"""
HURRY_BYTES = 256 * 1024


@attrs.frozen
class Plan:
    """How many there are of each kind. `puts` and `gets` are presigned URLs of objects of that size with
    `content(size)`.
    """

    port: int
    idle: int
    heads: int
    puts: list[str]
    put_bytes: int
    gets: list[str]
    get_bytes: int


class Crowd:
    """A crowd at work, as a test sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, word: str) -> None:
        """Tell them; returns when they have heard."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer == "ready\n", answer

    def finish(self) -> list[str]:
        """Let them finish; what went wrong."""
        told, _ = self._process.communicate("finish\n", timeout=120)
        errors: list[str] = json.loads(told)
        return errors


@contextlib.contextmanager
def crowd_of(plan: Plan) -> Iterator[Crowd]:
    """A crowd that is busy being slow."""
    command = [sys.executable, "-m", "tests.kit.crowd"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            crowd = Crowd(process)
            crowd.say(json.dumps(attrs.asdict(plan)))
            yield crowd
        finally:
            process.kill()


@attrs.define(eq=False)
class Members:
    """The clients. `at_it` counts those that have begun."""

    plan: Plan
    at_it: int = 0
    errors: list[str] = attrs.field(factory=list)
    is_paused: bool = False
    chance: random.Random = attrs.field(factory=lambda: random.Random(1))
    hurry: trio.Event = attrs.field(factory=trio.Event)
    all_at_it: trio.Event = attrs.field(factory=trio.Event)

    def begin(self) -> None:
        """One more is at it."""
        self.at_it += 1
        plan = self.plan
        if self.at_it == plan.idle + plan.heads + len(plan.puts) + len(plan.gets):
            self.all_at_it.set()

    async def dawdle(self) -> bool:
        """A second, more or less, so that they do not march in step; whether it is time to hurry."""
        await self.hurry_or(0.5 + self.chance.random())
        while self.is_paused and not self.hurry.is_set():
            await self.hurry_or(self.chance.random())
        return self.hurry.is_set()

    async def hurry_or(self, time_s: float) -> None:
        with trio.move_on_after(time_s):
            await self.hurry.wait()

    async def obey(self) -> None:
        """Do what the standard input says, until it says to finish."""
        while (word := (await trio.to_thread.run_sync(sys.stdin.readline)).strip()) in ("pause", "go"):
            self.is_paused = word == "pause"
            say("ready")
        self.hurry.set()

    async def stay_idle(self, number: int) -> None:
        """Every other one has had an answer before it falls silent."""
        stream = await connect(self.plan.port)
        if number % 2:
            await health(stream)
        self.begin()
        await self.hurry.wait()
        await health(stream)

    async def send_head(self) -> None:
        """Byte by byte; cut off or answered, both are right."""
        stream = await connect(self.plan.port)
        self.begin()
        for byte in b"GET /minio/health/ready HTTP/1.1\r\nhost: test\r\nx-filling: " + b"x" * 1000:
            if await self.dawdle():
                return
            try:
                await stream.send_all(bytes([byte]))
            except trio.BrokenResourceError:
                return

    async def put(self, url: str) -> None:
        body, sent = content(self.plan.put_bytes), 0
        stream = await connect(self.plan.port)
        await stream.send_all(head("PUT", url, len(body)))
        self.begin()
        while sent < len(body) and not await self.dawdle():
            await stream.send_all(body[sent : sent + RATE_BYTES_PER_S])
            sent += RATE_BYTES_PER_S
        await stream.send_all(body[sent:])
        answer = await read_answer(stream, b"")
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]

    async def get(self, url: str) -> None:
        stream = await connect(self.plan.port)
        await stream.send_all(head("GET", url, 0))
        said, end = b"", -1
        while end < 0:
            said += await receive(stream, RATE_BYTES_PER_S)
            end = said.find(b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 200"), said
        self.begin()
        body, missing = [said[end + 4 :]], self.plan.get_bytes - len(said) + end + 4
        while missing:
            hurries = await self.dawdle()
            if hurries:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HURRY_BYTES)
            body.append(await receive(stream, missing if hurries else RATE_BYTES_PER_S))
            missing -= len(body[-1])
        assert b"".join(body) == content(self.plan.get_bytes), "not what was stored"

    async def told(self, work, *arguments: object) -> None:
        """What goes wrong with one is told, and does not end the others."""
        try:
            await work(*arguments)
        except (AssertionError, trio.BrokenResourceError, OSError) as error:
            self.errors.append(f"{work.__name__}: {error!r}")
            self.begin()


async def connect(port: int) -> trio.SocketStream:
    connected = trio.socket.socket()
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    await connected.connect(("127.0.0.1", port))
    return trio.SocketStream(connected)


def head(method: str, url: str, size: int) -> bytes:
    parts = urlsplit(url)
    lines = [
        f"{method} {parts.path}?{parts.query} HTTP/1.1",
        f"host: {parts.netloc}",
        f"content-length: {size}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


async def health(stream: trio.SocketStream) -> None:
    await stream.send_all(b"GET /minio/health/ready HTTP/1.1\r\nhost: test\r\n\r\n")
    answer = await read_answer(stream, b"")
    assert answer.startswith(b"HTTP/1.1 200"), answer


async def read_answer(stream: trio.SocketStream, said: bytes) -> bytes:
    """The head of an answer without a body."""
    while b"\r\n\r\n" not in said:
        said += await receive(stream, 65536)
    return said


async def receive(stream: trio.SocketStream, size: int) -> bytes:
    piece = bytes(await stream.receive_some(min(size, 65536)))
    assert piece, "the node closed the connection"
    return piece


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def run(plan: Plan) -> None:
    members = Members(plan)
    async with trio.open_nursery() as nursery:
        for number in range(plan.idle):
            nursery.start_soon(members.told, members.stay_idle, number)
        for _ in range(plan.heads):
            nursery.start_soon(members.told, members.send_head)
        for url in plan.puts:
            nursery.start_soon(members.told, members.put, url)
        for url in plan.gets:
            nursery.start_soon(members.told, members.get, url)
        await members.all_at_it.wait()
        say("ready")
        await members.obey()
    say(json.dumps(members.errors))


if __name__ == "__main__":
    trio.run(run, Plan(**json.loads(sys.stdin.readline())))
