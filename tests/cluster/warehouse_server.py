"""The warehouse's machine: the local warehouse, which listens on loopback only, and what forwards its port.

Usage: python -m tests.cluster.warehouse_server ADDRESS PORT, with PAYMENTS_HOME. Belongs here: starting it, starting it
again where it has died, as an operator's system does, and forwarding. Does not belong here: the warehouse itself.
"""

import asyncio
import contextlib
import signal
import sys

from local_stack.bigquery.emulator import Warehouse
from spark_jobs.settings import LOCAL_PROJECT, payments_home

LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16
_LOOK_SECONDS = 0.2


async def serve(address: str, port: int) -> None:
    """Until cancelled."""
    warehouse = Warehouse(payments_home(), f"http://{LOOPBACK}:{port}", LOCAL_PROJECT)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)  # type: ignore[union-attr]

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(LOOPBACK, port)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        writer.close()

    try:
        await asyncio.to_thread(warehouse.start)
        async with await asyncio.start_server(forward, address, port):
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                if warehouse.pid() is None:
                    await asyncio.to_thread(warehouse.start)
    finally:
        warehouse.stop()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
