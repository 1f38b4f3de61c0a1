"""The official Python SDK against one of our binaries: python3 python.py BINARY TOOLS

Everything runs with the handshake of MCP up to 2025-11-25 and stateless as in 2026-07-28, each over standard input
and output and over HTTP. Ends with 0 when everything holds, else with 1 and the first thing that does not.
"""

import asyncio
import itertools
import json
import logging
import os
import sys
import tempfile
import traceback
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import asynccontextmanager

from jsonschema import Draft202012Validator
from mcp import Client, MCPError, StdioServerParameters, stdio_client

HINTS = ("read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint")
REVISIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
TOKEN = "token-of-the-python-test"
INVALID_PARAMS = -32602


class Complaints(logging.Handler):
    """What the SDK warns of: the server has said or done something that it did not expect."""

    def emit(self, record):
        raise AssertionError(f"{record.name} complains: {record.getMessage()}")


def check(holds, what):
    if not holds:
        raise AssertionError(what)


@asynccontextmanager
async def over_stdio(binary, args, env, log):
    """A server that ends with the connection to it."""
    yield stdio_client(StdioServerParameters(command=binary, args=args, env=env, cwd=tempfile.gettempdir()), errlog=log)


@asynccontextmanager
async def over_http(binary, args, env, log):
    """A server of its own, which says where it listens."""
    command = [binary, *args, "--http", "--port", "0"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tempfile.gettempdir(), env=os.environ | env, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )
    try:
        while line := (await process.stderr.readline()).decode():
            log.write(line)
            if line.startswith("Listening on "):
                break
        check(line, "the server does not listen")
        yield line.removeprefix("Listening on ").strip()
    finally:
        if process.returncode is None:
            process.terminate()
        log.write((await process.stderr.read()).decode())
        await process.wait()


TRANSPORTS = {"stdio": over_stdio, "HTTP": over_http}


@asynccontextmanager
async def server(variant, binary, args, env):
    """A client that is connected to a fresh server process, and what that writes to stderr."""
    transport, mode = variant
    with tempfile.TemporaryFile("w+") as log:

        def stderr():
            log.flush()
            log.seek(0)
            return log.read()

        try:
            # Started elsewhere than in the checkout: a developer's .env file must not take part.
            async with TRANSPORTS[transport](os.path.abspath(binary), args, env, log) as place:
                async with Client(place, mode=mode) as client:
                    yield client, stderr
        except BaseException:
            if written := stderr():
                print(f"stderr of the server:\n{written}", file=sys.stderr)
            raise
        check(TOKEN not in stderr(), "the token is logged")


async def answer(client, name, arguments=None):
    """Calls a tool that has to succeed."""
    result = await client.call_tool(name, arguments or {})
    check(not result.is_error, f"{name} fails: {result.content}")
    return json.loads(result.content[0].text)


async def every_page(client):
    tools, cursor = [], None
    while True:
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        tools += page.tools
        cursor = page.next_cursor
        if cursor is None:
            return tools


async def introduces_itself(client, binary, mode):
    name = os.path.basename(binary).removesuffix(".exe")
    check(client.protocol_version == REVISIONS[mode], f"speaks {client.protocol_version}")
    check(client.server_info.name == name, f"calls itself {client.server_info.name}")
    offered = client.server_capabilities.model_dump(exclude_none=True)
    check(list(offered) == ["tools"], f"offers {offered}")
    check(client.instructions, "gives no instructions")


async def lists_tools(client, expected):
    tools = {tool.name: tool for tool in await every_page(client)}
    check(len(tools) == expected, f"lists {len(tools)} tools instead of {expected}")
    for name, tool in tools.items():
        check(tool.title, f"{name} has no title")
        check(tool.description, f"{name} has no description")
        check(tool.input_schema["type"] == "object", f"{name} does not take an object")
        for hint in HINTS:
            check(isinstance(getattr(tool.annotations, hint), bool), f"{name} lacks {hint}")
        Draft202012Validator.check_schema(tool.input_schema)
    check(tools["VPS_getVirtualMachinesV1"].annotations.read_only_hint, "reading is no read")
    check(not tools["VPS_stopVirtualMachineV1"].annotations.read_only_hint, "stopping is a read")
    check(tools["VPS_recreateVirtualMachineV1"].annotations.destructive_hint, "recreating is harmless")


async def stops_a_machine(client):
    machines = await answer(client, "VPS_getVirtualMachinesV1")
    running = [machine for machine in machines if machine["state"] == "running"]
    check(running, "the sandbox has no running machine")
    which = {"virtualMachineId": running[0]["id"]}

    async def state():
        return (await answer(client, "VPS_getVirtualMachineDetailsV1", which))["state"]

    action = await answer(client, "VPS_stopVirtualMachineV1", which)
    check(await state() != "running", "the next read does not show the change")
    while await state() != "stopped":
        await asyncio.sleep(0.05)
    done = await answer(client, "VPS_getActionDetailsV1", {**which, "actionId": action["id"]})
    check(done["state"] == "success", f"the action ends as {done['state']}")


async def explains_wrong_arguments(client):
    for arguments, named in (
        ({"virtualMachineId": "one"}, "virtualMachineId"),
        ({}, "virtualMachineId"),
        ({"virtualMachineId": 1, "verbose": True}, "verbose"),
    ):
        result = await client.call_tool("VPS_getVirtualMachineDetailsV1", arguments)
        check(result.is_error, f"{arguments} is not refused")
        check(named in result.content[0].text, f"{result.content[0].text!r} does not name {named}")


async def refuses_unknown_tools(client):
    try:
        await client.call_tool("VPS_getVirtualMachineV1", {})
    except MCPError as error:
        check(error.code == INVALID_PARAMS, f"an unknown tool gives {error}")
    else:
        raise AssertionError("an unknown tool is answered")


async def sandbox(variant, binary, expected):
    async with server(variant, binary, ["--sandbox"], {}) as (client, stderr):
        await introduces_itself(client, binary, variant[1])
        await lists_tools(client, expected)
        await stops_a_machine(client)
        await explains_wrong_arguments(client)
        await refuses_unknown_tools(client)
        check("sandbox" in stderr().lower(), "the server does not say that this is the sandbox")


class SilentUpstream:
    """Takes requests and never answers; says which connection was opened or has ended."""

    def __init__(self):
        self.opened = asyncio.Queue()
        self.ended = asyncio.Queue()

    async def __aenter__(self):
        self.listener = await asyncio.start_server(self.take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.listener.close()

    async def take(self, reader, writer):
        request = (await reader.readline()).decode().strip()
        await self.opened.put(request)
        try:
            while await reader.read(4096):
                pass
        except ConnectionError:
            pass
        await self.ended.put(request)
        writer.close()


async def silent_call(client, upstream, name, path):
    """Starts a call and waits until its request has reached the upstream."""
    call = asyncio.create_task(client.call_tool(name, {}))
    # When a check fails first, how this call ends does not matter.
    call.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    reached = asyncio.create_task(upstream.opened.get())
    await asyncio.wait({call, reached}, return_when=asyncio.FIRST_COMPLETED)
    check(not call.done(), f"{name} ends by itself: {call}")
    check(reached.result() == f"GET {path} HTTP/1.1", f"{name} sends {reached.result()}")
    return call


async def cancellation(variant, binary, expected):
    """Cancelling a call has to hang up on the upstream.

    Two calls wait. The later one is cancelled and its connection has to be the first to end: the
    other ends when the server's own time is over, and would do so first were nothing aborted.
    """
    async with SilentUpstream() as upstream:
        env = {"HOSTINGER_API_TOKEN": TOKEN, "API_BASE_URL": upstream.url}
        async with server(variant, binary, ["--timeout", "30"], env) as (client, _):
            waiting = await silent_call(client, upstream, "VPS_getVirtualMachinesV1", "/api/vps/v1/virtual-machines")
            cancelled = await silent_call(client, upstream, "VPS_getDataCenterListV1", "/api/vps/v1/data-centers")
            cancelled.cancel()
            ended = await upstream.ended.get()
            check("data-centers" in ended, "the request of a cancelled call goes on")
            waiting.cancel()
            await asyncio.wait({waiting, cancelled})
            check(cancelled.cancelled(), "a cancelled call succeeds")
            check(len(await every_page(client)) == expected, "the server does not live on")


async def main(binary, expected):
    for variant in itertools.product(TRANSPORTS, REVISIONS):
        await sandbox(variant, binary, expected)
        await cancellation(variant, binary, expected)
        print(f"ok: {program} with the Python SDK, {REVISIONS[variant[1]]}, over {variant[0]}")


def cause(error):
    """What went wrong inside the task groups of the SDK."""
    while inner := getattr(error, "exceptions", None):
        error = inner[0]
    return error


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 python.py BINARY TOOLS")
    program = os.path.basename(sys.argv[1])
    logging.basicConfig(level=logging.WARNING, handlers=[Complaints()])
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2])))
    except BaseException as error:
        traceback.print_exception(cause(error))
        sys.exit(f"failed: {program} with the Python SDK")
