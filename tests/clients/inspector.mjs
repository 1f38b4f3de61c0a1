// The command line of the MCP Inspector against one of our binaries: node inspector.mjs BINARY TOOLS
//
// Lists and calls tools over standard input and output and over HTTP. Ends with 0 when everything holds, else with 1 and
// the first thing that does not.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cwd, overHttp } from './server.mjs';

const INSPECTOR = fileURLToPath(new URL('node_modules/.bin/mcp-inspector', import.meta.url));
const [binary, expectedTools] = process.argv.slice(2);

/** Runs the Inspector and gives its exit code and the JSON that it prints. */
async function inspect(home, target, args) {
  const env = { ...process.env, HOME: home, MCP_CATALOG_PATH: join(home, 'mcp.json') };
  const inspector = spawn(process.execPath, [INSPECTOR, '--cli', ...target, ...args], { cwd, env });
  let [stdout, stderr] = ['', ''];
  inspector.stdout.on('data', (chunk) => (stdout += chunk));
  inspector.stderr.on('data', (chunk) => (stderr += chunk));
  const [code] = await once(inspector, 'close');
  assert.ok(stdout, `the Inspector prints nothing and ends with ${code}: ${stderr}`);
  return { code, printed: JSON.parse(stdout) };
}

/** Lists the tools of a sandbox, calls one of them, and calls one wrongly. */
async function inspectAll(home, target) {
  const run = (...args) => inspect(home, target, args);
  const call = (name, ...args) => run('--method', 'tools/call', '--tool-name', name, ...args);

  const listed = await run('--method', 'tools/list');
  assert.equal(listed.code, 0);
  assert.equal(listed.printed.tools.length, Number(expectedTools), 'number of tools');

  const called = await call('VPS_getVirtualMachinesV1');
  assert.equal(called.code, 0);
  const [machine] = JSON.parse(called.printed.content[0].text);
  const details = await call('VPS_getVirtualMachineDetailsV1', '--tool-arg', `virtualMachineId=${machine.id}`);
  assert.equal(JSON.parse(details.printed.content[0].text).id, machine.id, 'a number arrives as a number');

  const wrong = await call('VPS_getVirtualMachineDetailsV1', '--tool-arg', 'virtualMachineId=one');
  assert.notEqual(wrong.code, 0);
  assert.equal(wrong.printed.isError, true);
  assert.match(wrong.printed.content[0].text, /virtualMachineId/);
}

assert.ok(binary && expectedTools, 'usage: node inspector.mjs BINARY TOOLS');
const home = await mkdtemp(join(tmpdir(), 'inspector-'));
try {
  const command = resolve(binary);
  await inspectAll(home, [command, '--sandbox']);
  console.log(`ok: ${basename(binary)} with the MCP Inspector over stdio`);
  const server = await overHttp(command, ['--sandbox']);
  try {
    await inspectAll(home, [server.address.href, '--transport', 'http']);
  } finally {
    await server.end();
  }
  console.log(`ok: ${basename(binary)} with the MCP Inspector over http`);
} catch (error) {
  console.error(error);
  console.error(`failed: ${basename(binary)} with the MCP Inspector`);
  process.exitCode = 1;
} finally {
  await rm(home, { recursive: true });
}
