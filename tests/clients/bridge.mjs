// Official SDK clients through `infra-mcp bridge` to a remote server with all providers: node bridge.mjs INFRA_MCP
//
// What a client sees through the bridge has to be what it sees without. Ends with 0 when everything holds, else with 1
// and the first thing that does not.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { SDKS, answerOf, call, clientOf, everyPage, holds, textOf } from './sdks.mjs';
import { cwd, overHttp } from './server.mjs';

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node bridge.mjs INFRA_MCP');
const command = resolve(binary);

/** One tool of each provider that answers without arguments, or with these. */
const OF_EACH = [
  ['VPS_getVirtualMachinesV1', {}, /web-1\.example\.com/],
  ['vms_query', { operation: 'GetVms' }, /.+/],
  ['get_cluster_status', {}, /.+/],
  ['hostodo_list_vms', {}, /my-server/],
];

/** Runs `work` with a client of the bridge to this address. */
async function bridged(variant, address, work, answer) {
  const env = { ...process.env, VERGEOS_MCP_URL: address.href };
  const transport = new variant.sdk.StdioClientTransport({ command, cwd, args: ['bridge'], env, stderr: 'inherit' });
  await connected(variant, transport, work, answer);
}

async function connected(variant, transport, work, answer) {
  const client = clientOf(variant, answer);
  try {
    await client.connect(transport);
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Runs `work` with the address of a fresh remote server. */
async function remote(args, work) {
  const state = await mkdtemp(join(tmpdir(), 'bridge-'));
  const flags = ['--sandbox', '--state-dir', state, ...args];
  const server = await overHttp(command, flags);
  try {
    await work(server, flags, state);
  } catch (error) {
    console.error(`stderr of the server:\n${server.stderr()}`);
    throw error;
  } finally {
    await server.end();
    await rm(state, { recursive: true });
  }
}

/** Everything there is to see of a server. */
async function seen(client) {
  const able = client.getServerCapabilities();
  const sight = { able, name: client.getServerVersion().name, instructions: client.getInstructions() };
  sight.tools = await everyPage(client);
  if (able.resources) {
    sight.resources = (await client.listResources()).resources;
    sight.templates = (await client.listResourceTemplates()).resourceTemplates;
    sight.read = await Promise.all(sight.resources.map(({ uri }) => client.readResource({ uri })));
    for (const { contents } of sight.read) assert.ok(contents[0].text.length > 0, 'a resource has a text');
  }
  if (able.prompts) {
    sight.prompts = (await client.listPrompts()).prompts;
    sight.got = await Promise.all(sight.prompts.map(({ name }) => client.getPrompt({ name })));
  }
  return sight;
}

async function showsWhatThereIs(variant) {
  await remote([], async ({ address }) => {
    const direct = new variant.sdk.StreamableHTTPClientTransport(address);
    const near = await connected(variant, direct, seen);
    await bridged(variant, address, async (client) => {
      const far = await seen(client);
      assert.ok(far.tools.length > 100, `${far.tools.length} tools`);
      // What is read at another moment may carry another time of day.
      for (const sight of [near, far]) delete sight.read;
      assert.deepEqual(far, near);
      const lists = ['cluster/status', 'vms/list', 'networks/list', 'alarms/active'].map((path) => `vergeos://${path}`);
      assert.deepEqual(far.resources.map(({ uri }) => uri), lists);
      const templates = ['vms', 'networks'].map((path) => `vergeos://${path}/{id}`);
      assert.deepEqual(far.templates.map(({ uriTemplate }) => uriTemplate), templates);
      for (const [uri, expected] of [['vergeos://vms/1', /"name":"web-1"/], ['vergeos://networks/2', /Internal/]]) {
        const { contents } = await client.readResource({ uri });
        assert.equal(contents[0].uri, uri);
        assert.match(contents[0].text, expected);
      }
      await assert.rejects(client.readResource({ uri: 'vergeos://vms/..%2F..' }), /vergeos:/);
      for (const [name, args, expected] of OF_EACH) {
        const result = await call(variant, client, name, args);
        assert.ok(!result.isError, `${name}: ${textOf(result)}`);
        assert.match(textOf(result), expected);
      }
      const wrong = await call(variant, client, 'hostodo_get_vm', { vm_id: 7 });
      assert.ok(wrong.isError && textOf(wrong).includes('vm_id'), textOf(wrong));
      await assert.rejects(call(variant, client, 'no_such_tool'), { code: -32602 });
      const several = await Promise.all([1, 2, 3, 4].map(() => answerOf(client, 'hostodo_list_templates')));
      assert.equal(several.length, 4);
    });
  });
}

/** A long command reports how far it is; the same waiting can be given up, which the remote server hears of. */
async function waits(variant) {
  await remote(['--approval', 'none'], async ({ address }, flags, state) => {
    await bridged(variant, address, async (client) => {
      const heard = [];
      const started = await call(
        variant, client, 'hostodo_start_vm_command',
        { vm_id: 'my-server', command: 'echo begun; sleep 2; echo over', wait_seconds: 30 },
        { onprogress: (progress) => heard.push(progress) },
      );
      const answer = JSON.parse(started.content[0].text);
      assert.deepEqual([answer.status, answer.finished, answer.stdout], ['succeeded', true, 'begun\nover\n']);
      assert.ok(heard.length >= 1, 'progress is heard');
      assert.ok(heard.every(({ progress }, at) => at === 0 || progress > heard[at - 1].progress), 'progress grows');
      assert.ok(heard.some(({ message }) => /bytes on stdout/.test(message)), JSON.stringify(heard));

      const endless = { vm_id: 'my-server', command: 'sleep 3000' };
      const { command_id } = await answerOf(client, 'hostodo_start_vm_command', endless);
      const abort = new AbortController();
      const wait = { vm_id: 'my-server', command_id, wait_seconds: 600 };
      const waiting = call(variant, client, 'hostodo_wait_vm_command', wait, {
        signal: abort.signal,
        onprogress: () => abort.abort(),
      });
      await assert.rejects(waiting);
      assert.ok(abort.signal.aborted, 'it ends because it is given up');
      await answerOf(client, 'hostodo_cancel_vm_command', { vm_id: 'my-server', command_id });
      await givenUp(state, 'hostodo_wait_vm_command');
    });
  });
}

/** The audit log of the remote server has a call of the tool that failed: one that was given up. */
async function givenUp(state, tool) {
  const list = ['--sandbox', '--state-dir', state, 'audit', 'list', '--tool', tool, '--result', 'failed', '--json'];
  for (;;) {
    const { stdout } = await promisify(execFile)(command, list, { cwd });
    if (stdout.includes(tool)) return;
    await sleep(50);
  }
}

/** Questions of the remote server reach the person, and their answers the server. */
async function asks(variant) {
  const run = { vm_id: 'my-server', command: 'whoami' };
  for (const [answer, done] of [
    [{ action: 'decline' }, false],
    [{ action: 'cancel' }, false],
    [{ action: 'accept', content: { approve: true } }, true],
  ]) {
    await remote([], async ({ address }) => {
      const questions = [];
      const person = ({ params }) => (questions.push(params.message), answer);
      await bridged(variant, address, async (client) => {
        const result = await call(variant, client, 'hostodo_exec_vm_command', run);
        assert.equal(result.isError !== true, done, textOf(result));
        assert.equal(questions.length, 1, 'the person is asked once');
        assert.match(questions[0], /my-server/, 'the question names the machine');
        assert.match(textOf(result), done ? /"stdout":"root\\n"/ : /confirmation_required/);
      }, person);
    });
  }
}

/** A server that is gone is told of, and used again once it is back. */
async function returns(variant) {
  await remote([], async ({ address, end }, flags) => {
    await bridged(variant, address, async (client) => {
      await answerOf(client, 'hostodo_list_vms');
      await end();
      await assert.rejects(call(variant, client, 'hostodo_list_vms'), /did not take the request/);
      const again = await overHttp(command, flags, {}, address.port);
      try {
        await answerOf(client, 'hostodo_list_vms');
        assert.ok((await everyPage(client)).length > 100);
      } finally {
        await again.end();
      }
    });
  });
}

for (const variant of SDKS) {
  for (const check of [showsWhatThereIs, waits, asks, returns]) {
    const what = `${check.name} through the bridge with the TypeScript ${variant.name}, ${variant.revision}`;
    await holds(what, () => check(variant));
  }
}
