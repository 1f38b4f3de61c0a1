// The official TypeScript SDKs against one of our binaries: node typescript.mjs BINARY TOOLS
//
// Everything runs with version 1 of the SDK, which knows MCP up to 2025-11-25, and with version 2 in both eras; each of
// them over standard input and output and over HTTP. Ends with 0 when everything holds, else with 1 and the first thing
// that does not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import Ajv2020 from 'ajv/dist/2020.js';

import { SDKS, answerOf, call, clientOf, everyPage, holds } from './sdks.mjs';
import { cwd, overHttp } from './server.mjs';

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];
const TOKEN = 'token-of-the-typescript-test';
const [binary, expectedTools] = process.argv.slice(2);
assert.ok(binary && expectedTools, 'usage: node typescript.mjs BINARY TOOLS');

const command = resolve(binary);

/** Each gives a transport to a fresh server process, what that writes to stderr, and a way to end it. */
const TRANSPORTS = {
  stdio({ sdk }, args, env) {
    const transport = new sdk.StdioClientTransport({ command, cwd, args, env, stderr: 'pipe' });
    let stderr = '';
    transport.stderr.on('data', (chunk) => (stderr += chunk));
    return { transport, stderr: () => stderr, end: () => {} };
  },

  async http({ sdk }, args, env) {
    const { address, ...server } = await overHttp(command, args, env);
    return { transport: new sdk.StreamableHTTPClientTransport(address), ...server };
  },
};

/**
 * Runs `work` with a client that is connected to a fresh server process. With `answer` the client puts the questions of
 * the server to a person, who gives that answer.
 */
async function withServer(variant, start, args, env, work, answer) {
  const { transport, stderr, end } = await start(variant, args, env);
  const client = clientOf(variant, answer);
  try {
    await client.connect(transport);
    await work(client, stderr);
  } catch (error) {
    if (stderr()) console.error(`stderr of the server:\n${stderr()}`);
    throw error;
  } finally {
    await client.close();
    await end();
  }
}

async function introducesItself(client, revision) {
  // Version 1 does not tell.
  assert.equal(client.getNegotiatedProtocolVersion?.() ?? revision, revision);
  assert.equal(client.getServerVersion().name, basename(binary, '.exe'));
  assert.match(client.getServerVersion().version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(Object.keys(client.getServerCapabilities()), ['tools']);
  assert.ok(client.getInstructions().length > 0, 'the server gives instructions');
}

async function listsTools(client) {
  const tools = await everyPage(client);
  assert.equal(tools.length, Number(expectedTools), 'number of tools');
  assert.equal(new Set(tools.map((tool) => tool.name)).size, tools.length, 'names are unique');
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  for (const tool of tools) {
    assert.ok(tool.title, `${tool.name} has a title`);
    assert.ok(tool.description, `${tool.name} has a description`);
    assert.equal(tool.inputSchema.type, 'object', `${tool.name} takes an object`);
    for (const hint of HINTS) {
      assert.equal(typeof tool.annotations?.[hint], 'boolean', `${tool.name} says ${hint}`);
    }
    assert.doesNotThrow(() => ajv.compile(tool.inputSchema), `the input schema of ${tool.name} compiles`);
  }
  const hints = Object.fromEntries(tools.map((tool) => [tool.name, tool.annotations]));
  assert.equal(hints.VPS_getVirtualMachinesV1.readOnlyHint, true);
  assert.equal(hints.VPS_stopVirtualMachineV1.readOnlyHint, false);
  assert.equal(hints.VPS_recreateVirtualMachineV1.destructiveHint, true);
}

async function stopsAMachine(client) {
  const machines = await answerOf(client, 'VPS_getVirtualMachinesV1');
  const machine = machines.find(({ state }) => state === 'running');
  assert.ok(machine, 'the sandbox has a running machine');
  const which = { virtualMachineId: machine.id };

  const action = await answerOf(client, 'VPS_stopVirtualMachineV1', which);
  assert.equal(typeof action.id, 'number', 'stopping answers with an action');
  const read = () => answerOf(client, 'VPS_getVirtualMachineDetailsV1', which);
  assert.notEqual((await read()).state, 'running', 'the next read shows the change');
  while ((await read()).state !== 'stopped') await sleep(50);
  const done = await answerOf(client, 'VPS_getActionDetailsV1', { ...which, actionId: action.id });
  assert.equal(done.state, 'success', 'the action has ended');
}

async function explainsWrongArguments(client) {
  const cases = [
    [{ virtualMachineId: 'one' }, 'virtualMachineId'],
    [{}, 'virtualMachineId'],
    [{ virtualMachineId: 1, verbose: true }, 'verbose'],
  ];
  for (const [args, named] of cases) {
    const result = await client.callTool({ name: 'VPS_getVirtualMachineDetailsV1', arguments: args });
    assert.equal(result.isError, true, `${JSON.stringify(args)} is refused`);
    assert.ok(result.content[0].text.includes(named), `"${result.content[0].text}" names ${named}`);
  }
}

async function refusesUnknownTools(client) {
  const call = client.callTool({ name: 'VPS_getVirtualMachineV1', arguments: {} });
  await assert.rejects(call, { code: -32602 });
}

async function sandbox({ revision }, client, stderr) {
  await introducesItself(client, revision);
  await listsTools(client);
  await stopsAMachine(client);
  await explainsWrongArguments(client);
  await refusesUnknownTools(client);
  assert.match(stderr(), /sandbox/i, 'the server says at start that this is the sandbox');
}

/** What cannot be undone happens when the person in front of the client ticks the box, and not otherwise. */
async function asksThePerson(variant, start) {
  const recreate = { name: 'VPS_recreateVirtualMachineV1', arguments: { virtualMachineId: 100001, template_id: 1013 } };
  const answers = [
    [{ action: 'decline' }, false],
    [{ action: 'accept', content: { approve: true } }, true],
  ];
  for (const [answer, done] of answers) {
    const questions = [];
    const person = ({ params }) => (questions.push(params.message), answer);
    await withServer(
      variant, start, ['--sandbox'], {},
      async (client) => {
        const result = await client.callTool(recreate);
        assert.equal(result.isError !== true, done, JSON.stringify(result));
        assert.equal(questions.length, 1, 'the person is asked once');
        assert.match(questions[0], /web-1\.example\.com/, 'the question names the machine');
      },
      person,
    );
  }
}

/**
 * An upstream that takes requests and never answers: cancelling a call has to hang up on it.
 *
 * Two calls wait. The later one is cancelled and its connection has to be the first to end: the
 * other ends when the server's own time is over, and would do so first were nothing aborted.
 */
async function cancellation(variant, start) {
  const upstream = createServer().listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const env = { HOSTINGER_API_TOKEN: TOKEN, API_BASE_URL: `http://127.0.0.1:${upstream.address().port}` };
  await withServer(variant, start, ['--timeout', '30'], env, async (client, stderr) => {
    const silent = (name, path) => silentCall(variant, client, upstream, name, path);
    const waiting = await silent('VPS_getVirtualMachinesV1', '/api/vps/v1/virtual-machines');
    const cancelled = await silent('VPS_getDataCenterListV1', '/api/vps/v1/data-centers');
    cancelled.cancel();
    const first = await Promise.race([waiting.hungUp, cancelled.hungUp]);
    assert.equal(first, cancelled.path, 'the cancelled call is the one whose request ends');
    waiting.cancel();
    assert.equal((await everyPage(client)).length, Number(expectedTools), 'the server lives on');
    assert.ok(!stderr().includes(TOKEN), 'the token is not logged');
  });
  upstream.close();
}

/** Starts a call and waits until its request has reached the upstream. */
async function silentCall(variant, client, upstream, name, path) {
  const abort = new AbortController();
  const reached = once(upstream, 'connection');
  const outcome = call(variant, client, name, {}, { signal: abort.signal }).then(
    (result) => assert.fail(`${name} is answered without upstream: ${JSON.stringify(result)}`),
    (error) => assert.ok(abort.signal.aborted, `${name} ends by itself: ${error}`),
  );
  const [socket] = await Promise.race([reached, outcome]);
  const [request] = await once(socket, 'data');
  assert.equal(request.toString().split('\r\n', 1)[0], `GET ${path} HTTP/1.1`);
  // A connection that was reset ends with an error first.
  socket.on('error', () => {});
  const hungUp = once(socket.resume(), 'close').then(() => path);
  return { path, hungUp, cancel: () => abort.abort() };
}

for (const variant of SDKS) {
  for (const [name, start] of Object.entries(TRANSPORTS)) {
    const what = `${basename(binary)} with the TypeScript ${variant.name}, ${variant.revision}, over ${name}`;
    await holds(what, async () => {
      await withServer(variant, start, ['--sandbox'], {}, (...server) => sandbox(variant, ...server));
      await asksThePerson(variant, start);
      await cancellation(variant, start);
    });
  }
}
