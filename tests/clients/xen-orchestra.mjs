// A walk through what people ask about their Xen Orchestra: node xen-orchestra.mjs XO-MCP
//
// The official TypeScript SDK makes the calls that an assistant would make of each question, by the names of today and
// by those of older servers, against the sandbox. Ends with 0 when every answer holds what the question is about, else
// with 1 and the first one that does not.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { cwd } from './server.mjs';

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node xen-orchestra.mjs XO-MCP');

const POOL = '00000001-0000-4000-8000-000000000001';
const WEB = '00000003-0000-4000-8000-000000000001';
const BUILD = '00000003-0000-4000-8000-000000000004';

/** What is asked, the calls that answer it, what the answers have to say, and what they must not. */
const QUESTIONS = [
  ['Does the connection work?', [['check_connection', {}]], [/connected/, /example/]],
  ['Which pools do I have?', [['pools_query', { operation: 'GetPools' }]], [/\| example \|/]],
  ['The same, of an older server', [['list_pools', { fields: 'id,name_label' }]], [/\| example \|/, new RegExp(POOL)]],
  ['How is that pool doing?', [['pools_query', { operation: 'GetPoolDashboard', id: POOL }]], [/hosts/i]],
  ['The same, of an older server', [['get_pool_dashboard', { pool_id: POOL }]], [/hosts/i]],
  [
    'Which of my hosts run XCP-ng?',
    [['hosts_query', { operation: 'GetHosts', filter: 'productBrand:XCP-ng' }]],
    [/host-1\.example\.com/, /host-2\.example\.com/],
  ],
  ['The same, of an older server', [['list_hosts', { filter: 'productBrand:XCP-ng' }]], [/host-1\.example\.com/]],
  [
    'How many machines run right now?',
    [['vms_query', { operation: 'GetVms', filter: 'power_state:Running', fields: 'name_label,power_state' }]],
    [/web-1/, /web-2/, /db-1/],
    [/Halted/, /build-1/],
  ],
  [
    'The same, of an older server',
    [['list_vms', { filter: 'power_state:Running', fields: 'name_label', limit: 2 }]],
    [/web-1/, /web-2/],
    [/db-1/],
  ],
  ['Tell me all about one machine', [['vms_query', { operation: 'GetVm', id: WEB }]], [/web-1/, /198\.51\.100\.21/]],
  ['The same, of an older server', [['get_vm_details', { vm_id: WEB }]], [/web-1/, /198\.51\.100\.21/]],
  ['What does the estate look like?', [['get_infrastructure_summary', {}]], [/Pools/, /Hosts/, /web-1/, /Halted/]],
  ['How are backups set up?', [['search_documentation', { topic: 'backups' }]], [/backup/i]],
  [
    'Did last night’s backups run, and of what?',
    [['backup_jobs_query', { operation: 'GetBackupJobs' }], ['backup_logs_query', { operation: 'GetBackupLogs' }]],
    [/Nightly/, /success/i],
  ],
  ['Is any storage nearly full?', [['alarms_query', { operation: 'GetAlarms' }]], [/physical_utilisation/]],
  [
    'Which disks does that machine have, and on which network is it?',
    [
      ['vms_query', { operation: 'GetVmVdis', id: WEB }],
      ['vifs_query', { operation: 'GetVifs', filter: `$VM:${WEB}` }],
    ],
    [/web-1 system/, /02:00:00:00:00:01/],
  ],
];

/** Once actions are enabled: what is asked, the call, what reads show afterwards. Each is confirmed with its token. */
const REQUESTS = [
  [
    'Start the build machine',
    ['vms_action', { operation: 'StartVm', id: BUILD, sync: true }],
    ['list_vms', { filter: 'name_label:build-1', fields: 'name_label,power_state' }],
    /Running/,
  ],
  [
    'Take a snapshot of the web server',
    ['vms_action', { operation: 'SnapshotVm', id: WEB, sync: true, body: { name_label: 'before the update' } }],
    ['vm_snapshots_query', { operation: 'GetVmSnapshots' }],
    /before the update/,
  ],
  [
    'Tag it',
    ['vms_action', { operation: 'PutVmTag', id: WEB, tag: 'blue' }],
    ['get_vm_details', { vm_id: WEB }],
    /blue/,
  ],
];

/** Runs `work` with a client of a fresh server process. */
async function withServer(args, env, work) {
  const state = await mkdtemp(join(cwd, 'walk-through-'));
  const all = [...args, '--state-dir', state];
  const transport = new StdioClientTransport({ command: resolve(binary), cwd, args: all, env, stderr: 'pipe' });
  const client = new Client({ name: 'walk-through', version: '1' });
  let stderr = '';
  transport.stderr.on('data', (chunk) => (stderr += chunk));
  try {
    await client.connect(transport);
    await work(client);
  } catch (error) {
    console.error(`stderr of the server:\n${stderr}`);
    throw error;
  } finally {
    await client.close();
    await rm(state, { recursive: true });
  }
}

/** The text of an answer, and whether the call succeeded. */
async function told(client, [name, args]) {
  const result = await client.callTool({ name, arguments: args });
  return { text: result.content.map((block) => block.text).join('\n'), done: !result.isError };
}

async function answers(client) {
  for (const [question, calls, present, absent = []] of QUESTIONS) {
    let all = '';
    for (const call of calls) {
      const { text, done } = await told(client, call);
      assert.ok(done, `${question} ${call[0]} fails: ${text}`);
      all += `${text}\n`;
    }
    for (const part of present) assert.match(all, part, question);
    for (const part of absent) assert.doesNotMatch(all, part, question);
  }
  const { tools } = await client.listTools();
  const called = QUESTIONS.flatMap(([, calls]) => calls.map(([name]) => name));
  const former = new Set(called.filter((name) => !tools.some((tool) => tool.name === name)));
  const expected = ['list_pools', 'get_pool_dashboard', 'list_hosts', 'list_vms', 'get_vm_details'];
  assert.deepEqual([...former].sort(), expected.sort(), 'former names are answered and not listed');
  const { messages } = await client.getPrompt({ name: 'infrastructure-overview' });
  assert.match(messages[0].content.text, /get_infrastructure_summary/);
}

/** Nothing happens by being asked for; with the token of the preview it happens once. */
async function acts(client) {
  for (const [request, [name, args], look, expected] of REQUESTS) {
    const before = await told(client, look);
    assert.doesNotMatch(before.text, expected, `${request}: it is so already`);
    const preview = await told(client, [name, args]);
    assert.ok(!preview.done, `${request}: ${preview.text}`);
    const token = /`confirm_token`[^"]*"([^"]+)"/.exec(preview.text)?.[1];
    assert.ok(token, `${request}: ${preview.text}`);
    assert.doesNotMatch((await told(client, look)).text, expected, `${request}: the preview alone did it`);
    const { text, done } = await told(client, [name, { ...args, confirm_token: token }]);
    assert.ok(done, `${request}: ${text}`);
    assert.match((await told(client, look)).text, expected, request);
    assert.ok(!(await told(client, [name, { ...args, confirm_token: token }])).done, `${request}: twice by one token`);
  }
}

try {
  await withServer(['--sandbox'], {}, answers);
  await withServer(['--sandbox', '--approval', 'token'], { XO_MCP_ENABLE_ACTIONS: '1' }, acts);
  console.log(`ok: ${QUESTIONS.length} questions and ${REQUESTS.length} requests about Xen Orchestra`);
} catch (error) {
  console.error(error);
  process.exit(1);
}
