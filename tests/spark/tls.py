"""Lets clients of a server in by TLS: tls.py FOLDER PORT SERVER_PORT, where the folder has the key and the certificate."""

import asyncio
import ssl
import sys

folder, port, server = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def copy(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def serve(reader, writer):
    there, back = await asyncio.open_connection("127.0.0.1", server)
    await asyncio.gather(copy(reader, back), copy(there, writer))


async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
    context.set_alpn_protocols(["h2"])
    listener = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    async with listener:
        await listener.serve_forever()


asyncio.run(main())
