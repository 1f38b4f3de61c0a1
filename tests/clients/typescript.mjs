// The official TypeScript SDK against one of our binaries: node typescript.mjs BINARY TOOLS
//
// Ends with 0 when everything holds, else with 1 and the first thing that does not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import Ajv2020 from 'ajv/dist/2020.js';

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];
const TOKEN = 'token-of-the-typescript-test';
const [binary, expectedTools] = process.argv.slice(2);

/** Runs `work` with a client that is connected to a fresh server process. */
async function withServer(args, env, work) {
  // Started elsewhere than in the checkout: a developer's .env file must not take part.
  const where = { command: resolve(binary), cwd: tmpdir() };
  const transport = new StdioClientTransport({ ...where, args, env, stderr: 'pipe' });
  let stderr = '';
  transport.stderr.on('data', (chunk) => (stderr += chunk));
  const client = new Client({ name: 'typescript-sdk', version: '1' });
  try {
    await client.connect(transport);
    await work(client, () => stderr);
  } catch (error) {
    if (stderr) console.error(`stderr of the server:\n${stderr}`);
    throw error;
  } finally {
    await client.close();
  }
}

/** Calls a tool that has to succeed and returns its answer. */
async function answerOf(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  const text = result.content.map((block) => block.text).join('\n');
  assert.ok(!result.isError, `${name} fails: ${text}`);
  return JSON.parse(result.content[0].text);
}

async function everyPage(client) {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools({ cursor });
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor);
  return tools;
}

async function introducesItself(client) {
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

async function sandbox(client, stderr) {
  await introducesItself(client);
  await listsTools(client);
  await stopsAMachine(client);
  await explainsWrongArguments(client);
  await refusesUnknownTools(client);
  assert.match(stderr(), /sandbox/i, 'the server says at start that this is the sandbox');
}

/**
 * An upstream that takes requests and never answers: cancelling a call has to hang up on it.
 *
 * Two calls wait. The later one is cancelled and its connection has to be the first to end: the
 * other ends when the server's own time is over, and would do so first were nothing aborted.
 */
async function cancellation() {
  const upstream = createServer().listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const env = { HOSTINGER_API_TOKEN: TOKEN, API_BASE_URL: `http://127.0.0.1:${upstream.address().port}` };
  await withServer(['--timeout', '30'], env, async (client, stderr) => {
    const waiting = await silentCall(client, upstream, 'VPS_getVirtualMachinesV1', '/api/vps/v1/virtual-machines');
    const cancelled = await silentCall(client, upstream, 'VPS_getDataCenterListV1', '/api/vps/v1/data-centers');
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
async function silentCall(client, upstream, name, path) {
  const abort = new AbortController();
  const reached = once(upstream, 'connection');
  const call = client.callTool({ name, arguments: {} }, undefined, { signal: abort.signal });
  const outcome = call.then(
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

assert.ok(binary && expectedTools, 'usage: node typescript.mjs BINARY TOOLS');
try {
  await withServer(['--sandbox'], {}, sandbox);
  await cancellation();
  console.log(`ok: ${basename(binary)} with the TypeScript SDK`);
} catch (error) {
  console.error(error);
  console.error(`failed: ${basename(binary)} with the TypeScript SDK`);
  process.exit(1);
}
