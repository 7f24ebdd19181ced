"""The local speed limit: a trio and h11 server that does no work. `python -m bench.bare PORT`.

It answers every GET from memory and every other request with an empty 200, after reading the request's body.
What it sends is what `bench` puts: the target says how many bytes, and where in memory they stand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial

import h11
import trio

from bench.wire import Bodies

_PIECE_BYTES = 1 << 20
_SEED = 1


async def _serve(stream: trio.SocketStream, bodies: Callable[[int], Bodies]) -> None:
    connection = h11.Connection(h11.SERVER)
    asked: h11.Request | None = None
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(1 << 20))
            elif isinstance(event, h11.Request):
                asked = event
            elif isinstance(event, h11.EndOfMessage):
                assert asked is not None
                await _answer(stream, connection, _payload(asked, bodies))
                connection.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed):
                return
    except (trio.BrokenResourceError, h11.RemoteProtocolError):
        return


def _payload(asked: h11.Request, bodies: Callable[[int], Bodies]) -> memoryview:
    if asked.method != b"GET":
        return memoryview(b"")
    # /BUCKET/bench-SIZE-PROCESS/NUMBER, see `wire`.
    _, size, _ = asked.target.rsplit(b"/", 2)[1].split(b"-")
    return bodies(int(size)).body(int(asked.target[-8:]))


async def _answer(stream: trio.SocketStream, connection: h11.Connection, payload: memoryview) -> None:
    """A small body goes out together with its head, a large one piece by piece, never copied."""
    size = str(len(payload))
    head = connection.send(h11.Response(status_code=200, headers=[("content-length", size)])) or b""
    if len(payload) <= _PIECE_BYTES:
        tail = bytes(payload)
        if tail:
            connection.send_with_data_passthrough(h11.Data(tail))
        connection.send(h11.EndOfMessage())
        await stream.send_all(head + tail)
        return
    await stream.send_all(head)
    for start in range(0, len(payload), _PIECE_BYTES):
        # h11 passes on whatever has a length, which spares a copy that no server needs.
        piece = h11.Data(payload[start : start + _PIECE_BYTES])  # type: ignore[arg-type]
        for buffer in connection.send_with_data_passthrough(piece) or ():
            await stream.send_all(buffer)
    connection.send(h11.EndOfMessage())


async def _main(port: int) -> None:
    bodies = cache(partial(Bodies, seed=_SEED))

    async def handler(stream: trio.SocketStream) -> None:
        await _serve(stream, bodies)

    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, handler, port, host="127.0.0.1"))
        print(f"the bare server serves at port {port}", flush=True)


if __name__ == "__main__":
    trio.run(_main, int(sys.argv[1]))
