"""The local speed limit: a trio and h11 server that does no work. `python -m bench.bare PORT [BODY_BYTES]`.

It answers every GET with that many bytes from memory and every other request with an empty 200, after reading
the request's body.
"""

from __future__ import annotations

import sys

import h11
import trio


async def _serve(stream: trio.SocketStream, body: bytes) -> None:
    connection = h11.Connection(h11.SERVER)
    method = b""
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(1 << 20))
            elif isinstance(event, h11.Request):
                method = event.method
            elif isinstance(event, h11.EndOfMessage):
                payload = body if method == b"GET" else b""
                head = connection.send(
                    h11.Response(status_code=200, headers=[("content-length", str(len(payload)))])
                )
                tail = connection.send(h11.Data(payload)) or b"" if payload else b""
                await stream.send_all((head or b"") + tail + (connection.send(h11.EndOfMessage()) or b""))
                connection.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed):
                return
    except (trio.BrokenResourceError, h11.RemoteProtocolError):
        return


async def _main(port: int, body: bytes) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await _serve(stream, body)

    await trio.serve_tcp(handler, port, host="127.0.0.1")


if __name__ == "__main__":
    trio.run(_main, int(sys.argv[1]), bytes(int(sys.argv[2]) if len(sys.argv) > 2 else 4096))
