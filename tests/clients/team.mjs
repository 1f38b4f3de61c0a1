// A team on one server, as the README tells its operator: node team.mjs BINARY
//
// Colleagues with a token and strangers without one, all with the official TypeScript SDKs in both eras. Ends with 0 when
// everything holds, else with 1 and the first thing that does not.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { SDKS, answerOf, clientOf, everyPage } from './sdks.mjs';
import { cwd, overHttp } from './server.mjs';

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node team.mjs BINARY');

const command = resolve(binary);
const state = await mkdtemp(join(tmpdir(), 'team-'));

async function token(...words) {
  const { stdout } = await promisify(execFile)(command, ['--state-dir', state, 'token', ...words], { cwd });
  return stdout.trim();
}

/** Runs `work` with a client that shows this token, or none. */
async function withClient(variant, address, shown, work) {
  const requestInit = shown ? { headers: { Authorization: `Bearer ${shown}` } } : {};
  const client = clientOf(variant);
  try {
    await client.connect(new variant.sdk.StreamableHTTPClientTransport(address, { requestInit }));
    await work(client);
  } finally {
    await client.close();
  }
}

/** What is asked ends with the status that tells strangers off. */
async function turnedAway(asked, what) {
  const told = (error) => /401|[Uu]nauthorized|asks for a token|not accepted/.test(`${error?.code} ${error}`);
  await assert.rejects(asked, (error) => told(error) || assert.fail(`${what}: ${error}`), what);
}

async function team(variant, name) {
  const shown = await token('create', '--name', name, '--toolsets', 'vps,dns', '--read-only');
  const { address, end } = await overHttp(command, ['--sandbox', '--state-dir', state]);
  const strangers = { 'without a token': undefined, 'with a token of their own': 'imcp_of-a-stranger' };
  try {
    for (const [what, theirs] of Object.entries(strangers)) {
      await turnedAway(withClient(variant, address, theirs, (client) => everyPage(client)), what);
    }
    await withClient(variant, address, shown, async (client) => {
      const tools = await everyPage(client);
      assert.ok(tools.length > 0 && tools.every((tool) => tool.annotations.readOnlyHint), 'only what reads is shown');
      assert.ok((await answerOf(client, 'VPS_getVirtualMachinesV1')).length > 0);
      await assert.rejects(answerOf(client, 'VPS_startVirtualMachineV1', { virtualMachineId: 1 }), 'it changes something');
      await assert.rejects(answerOf(client, 'billing_getSubscriptionListV1'), 'it is of another toolset');
      await token('revoke', name);
      await turnedAway(answerOf(client, 'VPS_getVirtualMachinesV1'), 'a revoked token');
    });
    await turnedAway(withClient(variant, address, shown, (client) => everyPage(client)), 'a new client with that token');
  } finally {
    await end();
  }
}

try {
  for (const [number, variant] of SDKS.entries()) {
    const what = `${basename(binary)} for a team with the TypeScript ${variant.name}, ${variant.revision}`;
    try {
      await team(variant, `alice-${number}`);
      console.log(`ok: ${what}`);
    } catch (error) {
      console.error(error);
      console.error(`failed: ${what}`);
      process.exitCode = 1;
      break;
    }
  }
} finally {
  await rm(state, { recursive: true });
}
