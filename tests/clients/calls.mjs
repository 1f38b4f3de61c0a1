// Every tool of VergeOS and of Hostodo and what people ask, by official SDK clients:
// node calls.mjs INFRA_MCP HOSTODO_MCP VERGEOS_MCP
//
// VergeOS is simulated within its server. Hostodo's server reaches a simulated endpoint over HTTP: files travel.
// Ends with 0 when everything holds, else with 1 and the first thing that does not.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { SDKS, call, clientOf, everyPage, holds, textOf } from './sdks.mjs';
import { cwd, startServer } from './server.mjs';

const [infra, hostodo, vergeos] = process.argv.slice(2).map((path) => resolve(path));
assert.ok(vergeos, 'usage: node calls.mjs INFRA_MCP HOSTODO_MCP VERGEOS_MCP');

const VM = 'ins::abc123';
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

/**
 * Tool, arguments, and what stands in the answer. Arguments may be made of `kept`, the members of all answers so far; a
 * function in the place of a tool is something that a person does meanwhile.
 */
const HOSTODO = [
  ['hostodo_list_vms', {}, /"primary_ipv4"/],
  ['hostodo_get_vm', { vm_id: 'my' }, /"mcp_exec_enabled":true/],
  ['hostodo_list_templates', {}, /Debian 12/],
  ['hostodo_power_vm', { vm_id: 'staging', action: 'start' }, /starting/],
  ['hostodo_power_off_vm', { vm_id: 'legacy' }, /vm_state_blocked: Hostodo refused/],
  ['hostodo_power_off_vm', { vm_id: 'production-web', wait_timeout: 0 }, /stopping/],
  ['hostodo_power_off_vm', { vm_id: 'builder', wait_timeout: 1 }, /"success":false.*"current_state":"running"/],
  ['hostodo_check_vm_health', { vm_id: 'archive' }, /suspended/],
  ['hostodo_get_bandwidth_usage', { vm_id: 'production-db' }, /"used_percent":95/],
  ['hostodo_exec_vm_command', { vm_id: 'production-db', command: 'df -h' }, /mcp_exec_disabled: /],
  [
    'hostodo_set_vm_exec_enabled',
    { vm_id: 'production-db', enabled: true },
    /confirmation_required: .*ENABLE MCP EXEC ins::9tz1c5r8he/,
  ],
  [
    'hostodo_set_vm_exec_enabled',
    { vm_id: 'production-db', enabled: true, confirmation: 'ENABLE MCP EXEC ins::9tz1c5r8he' },
    /"mcp_exec_enabled":true/,
  ],
  ['hostodo_exec_vm_command', { vm_id: 'production-db', command: 'df -h' }, /Filesystem/],
  ['hostodo_start_vm_command', { vm_id: VM, command: 'docker compose build' }, /queued/],
  ['hostodo_get_vm_command_output', ({ command_id }) => ({ vm_id: VM, command_id }), /queued|running/],
  ['hostodo_exec_vm_command', { vm_id: VM, command: 'true' }, /vm_command_in_progress: /],
  ['hostodo_read_vm_command_logs', ({ command_id }) => ({ vm_id: VM, command_id, max_bytes: 9 }), /next_stdout_offset/],
  ['hostodo_cancel_vm_command', ({ command_id }) => ({ vm_id: VM, command_id }), /cancelled/],
  ['hostodo_start_vm_command', { vm_id: VM, command: 'echo over', wait_seconds: 30 }, /"status":"succeeded".*over/],
  ['hostodo_wait_vm_command', ({ command_id }) => ({ vm_id: VM, command_id, stdout_offset: 2 }), /"stdout":"er\\n"/],
  [
    'hostodo_create_artifact_upload',
    { vm_id: VM, filename: 'a.conf', size_bytes: 3, sha256: ABC, purpose: 'config' },
    /upload_url/,
  ],
  [
    'hostodo_install_artifact',
    ({ artifact_id }) => ({ vm_id: VM, artifact_id, destination_path: '/etc/a.conf' }),
    /artifact_not_uploaded: /,
  ],
  [async ({ upload_url }) => {
    const headers = { 'Content-Type': 'application/octet-stream' };
    assert.equal((await fetch(upload_url, { method: 'PUT', headers, body: 'abc' })).status, 200);
  }],
  [
    'hostodo_install_artifact',
    ({ artifact_id }) => ({ vm_id: VM, artifact_id, destination_path: '/etc/a.conf', mode: '0640' }),
    /"mode":"0640"/,
  ],
  [
    'hostodo_upload_file',
    { vm_id: VM, path: 'nginx.conf', purpose: 'config', destination_path: '/etc/nginx/conf.d/site.conf' },
    /"mode":"0640"/,
  ],
  ['hostodo_exec_vm_command', { vm_id: VM, command: 'cat /etc/a.conf /etc/nginx/conf.d/site.conf' }, /abcserver \{\}/],
  [
    'hostodo_rename_vm',
    { vm_id: 'staging', hostname: 'stage', confirmation: 'RENAME ins::2mb6w3y0pd TO stage' },
    /"hostname":"stage"/,
  ],
  [
    'hostodo_reinstall_vm',
    { vm_id: 'stage', template_id: 12, ssh_key_id: 1, confirmation: 'REINSTALL ins::2mb6w3y0pd TO TEMPLATE 12' },
    /"rootpw":"\[withheld\]"/,
  ],
  ['hostodo_list_plans', {}, /KVM-2G/],
  ['hostodo_list_regions', {}, /Las Vegas/],
  ['hostodo_get_price_quote', { plan_id: 2, billing_cycle: 'monthly' }, /"amount_due":"6.99"/],
  [
    'hostodo_deploy_instance',
    {
      hostname: 'shop', region: 'las vegas', template: 'debian', plan: '2g', billing_cycle: 'monthly',
      expected_amount: '6.99', ssh_key: 'laptop',
    },
    /"hostname":"shop"/,
  ],
  ['hostodo_get_deployment', { vm_id: 'shop' }, /Order accepted/],
  ['hostodo_list_invoices', { status: 'unpaid' }, /INV-1002/],
  ['hostodo_get_invoice', { invoice_number: 'INV-1003' }, /"overdue":true/],
  ['hostodo_pay_invoice', { invoice_number: 'INV-1002' }, /transaction_id/],
  ['hostodo_list_payment_methods', {}, /last_four/],
  ['hostodo_list_ssh_keys', {}, /laptop/],
  ['hostodo_add_ssh_key', { name: 'phone', public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB phone' }, /fingerprint/],
  ['hostodo_remove_ssh_key', ({ id }) => ({ ssh_key_id: id }), /204/],
  ['hostodo_get_account', {}, /owner@example\.com/],
  ['hostodo_list_sessions', {}, /old-desktop/],
  ['hostodo_revoke_session', { session_id: 2 }, /204/],
];

const VERGEOS = [
  ['list_vms', { running: true }, /"status":"running"/],
  ['get_vm', { id: 'web-1' }, /"\$key":1/],
  ['get_vm_status', { id: 3 }, /stopped/],
  ['power_on_vm', { id: 3 }, /"success":true/],
  ['power_off_vm', { id: 2 }, /get_vm_status/],
  ['power_off_vm', { id: 'legacy-db', wait_timeout: 1 }, /"success":false.*force_off_vm/],
  ['force_off_vm', { id: 3 }, /"success":true/],
  ['reset_vm', { id: 1 }, /"success":true/],
  ['modify_vm', { id: 3, ram_mb: 1024 }, /"previous"/],
  ['get_vm_nics', { id: 1 }, /network_id/],
  ['get_vm_drives', { id: 1 }, /size_gb/],
  ['resize_drive', { drive_id: 201, new_size_gb: 50 }, /"success":true/],
  ['add_drive', { machine_id: 101, name: 'data', size_gb: 1 }, /drive_id/],
  ['list_vm_snapshots', { vm_id: 1 }, /401/],
  ['create_vm_snapshot', { vm_id: 2, name: 'now', expires_days: 0 }, /never/],
  ['restore_vm_snapshot', { vm_id: 3, snapshot_id: 401 }, /does not belong/],
  ['restore_vm_snapshot', { vm_id: 1, snapshot_id: 401 }, /set back/],
  ['delete_vm_snapshot', { snapshot_id: 402 }, /"success":true/],
  ['list_networks', { type: 'internal' }, /Internal/],
  ['get_network', { id: 2 }, /1500/],
  ['network_action', { id: 2, action: 'apply' }, /task/],
  ['list_tenants', {}, /online/],
  ['get_tenant', { id: 1 }, /acme/],
  ['tenant_action', { id: 1, action: 'isolateon' }, /task/],
  ['list_nodes', {}, /node2/],
  ['get_node_stats', { id: 2 }, /122/],
  ['get_cluster_status', {}, /online/],
  ['get_cluster_stats', {}, /rops/],
  ['list_volumes', {}, /share/],
  ['get_logs', { limit: 20 }, /node2/],
  ['get_alarms', {}, /warning/],
  ['table_list', { table: 'vms', fields: 'name', limit: 1 }, /web-1/],
  ['table_get', { table: 'tenants', key: 1 }, /acme/],
  ['table_describe', { table: 'tenants' }, /destructive/],
  ['table_owners', { table: 'machine_drives', key: 202 }, /web-2/],
  ['table_create', { table: 'tags', data: { name: 'x', category: 1 } }, /"\$key":2/],
  ['table_update', { table: 'tags', key: 1, data: { name: 'y' } }, /previous/],
  ['table_delete', { table: 'tags', key: '1' }, /"success":true/],
  ['table_action', { table: 'alarms', key: 1, action: 'resolve' }, /"success":true/],
];

/** What people ask, and the calls that an assistant makes for it. */
const QUESTIONS = {
  hostodo: {
    'Which machines do I have, and where do they answer?': [['hostodo_list_vms', {}, /"primary_ipv4":"192\.0\.2\.10"/]],
    'How full is the disk of the production web server?': [
      ['hostodo_list_vms', {}, /production-web/],
      ['hostodo_exec_vm_command', { vm_id: 'production-web', command: 'df -h /' }, /32%/],
    ],
    'Tell me all about my-server.': [['hostodo_get_vm', { vm_id: 'my-server' }, /ins::abc123/]],
    'Restart the production web server.': [
      ['hostodo_power_vm', { vm_id: 'production-web', action: 'reboot' }, /accepted/],
    ],
    'Put my nginx.conf into the site directory of my-server.': [
      [
        'hostodo_upload_file',
        { vm_id: 'my-server', path: 'nginx.conf', purpose: 'config', destination_path: '/etc/nginx/conf.d/site.conf' },
        /"sha256"/,
      ],
      ['hostodo_exec_vm_command', { vm_id: 'my-server', command: 'cat /etc/nginx/conf.d/site.conf' }, /server \{\}/],
    ],
    'Build the containers on my-server and say when it is done.': [
      [
        'hostodo_start_vm_command',
        { vm_id: 'my-server', command: 'docker compose build', wait_seconds: 1 },
        /"finished":false/,
      ],
      ['hostodo_wait_vm_command', ({ command_id, next_stdout_offset }) => (
        { vm_id: 'my-server', command_id, stdout_offset: next_stdout_offset, wait_seconds: 3 }
      ), /"status":"running".*\[app 1\/40\]/],
      ['hostodo_cancel_vm_command', ({ command_id }) => ({ vm_id: 'my-server', command_id }), /cancelled/],
    ],
    'Set my-server up anew with Ubuntu 22.04.': [
      ['hostodo_list_templates', {}, /"id":7,"name":"Ubuntu 22\.04"/],
      [
        'hostodo_reinstall_vm',
        { vm_id: 'my-server', template_id: 7 },
        /confirmation_required: .*REINSTALL ins::abc123 TO TEMPLATE 7/,
      ],
      [
        'hostodo_reinstall_vm',
        { vm_id: 'my-server', template_id: 7, confirmation: 'REINSTALL ins::abc123 TO TEMPLATE 7' },
        /"template_id":7/,
      ],
    ],
  },
  vergeos: {
    'Which VMs does the cluster have?': [['list_vms', {}, /web-1.*web-2.*build/]],
    'Switch the VM called web-2 off.': [
      ['power_off_vm', { id: 'web-2' }, /get_vm_status/],
      ['get_vm_status', { id: 'web-2' }, /stopp/],
    ],
    'How is the cluster?': [['get_cluster_status', {}, /online/]],
    'Is anything alarming?': [['get_alarms', {}, /warning/]],
    'Which networks are there?': [['list_networks', {}, /Internal/]],
    'What do you know of VM number 1?': [['get_vm', { id: 1 }, /web-1/]],
    'Of how many nodes does the cluster consist?': [['list_nodes', {}, /node1.*node2/]],
    'What are the last twenty entries of the log?': [['get_logs', { limit: 20 }, /node2/]],
  },
};

/** A policy file without limits: a table makes more calls than a person would. Gives the flags for it. */
async function unlimited(place) {
  const none = '{ reads_per_minute = 0, writes_per_minute = 0 }';
  const policy = join(place, 'policy.toml');
  await writeFile(policy, `[limits]\nprincipal = ${none}\nresource = ${none}\nserver = ${none}\n`);
  return ['--approval', 'none', '--policy', policy];
}

/** Runs `work` with a client of a fresh server. */
async function withServer(variant, command, args, env, work) {
  const transport = new variant.sdk.StdioClientTransport({ command, cwd, args, env, stderr: 'ignore' });
  const client = clientOf(variant);
  try {
    await client.connect(transport);
    await work(client);
  } finally {
    await client.close();
  }
}

/** Makes every call of a table, and sees that no tool is without one. */
function everyTool(variant, command, args, env, table) {
  return withServer(variant, command, args, env, async (client) => {
    const listed = (await everyPage(client)).map((tool) => tool.name);
    const called = table.map(([tool]) => tool).filter((tool) => typeof tool === 'string');
    assert.deepEqual([...new Set(called)].sort(), listed.sort(), 'every tool is called');
    await everyCall(variant, client, table);
  });
}

/** Makes the calls of a table one after the other. */
async function everyCall(variant, client, table) {
  const kept = {};
  for (const [tool, given, expected] of table) {
    if (typeof tool === 'function') {
      await tool(kept);
      continue;
    }
    const result = await call(variant, client, tool, typeof given === 'function' ? given(kept) : given);
    const text = textOf(result);
    assert.match(text, expected, tool);
    // The codes of refusals begin a text; everything else is an answer.
    const refused = /^\/(\w+: |does not)/.test(String(expected));
    assert.equal(result.isError === true, refused, `${tool}: ${text}`);
    if (!refused && result.content[0].text.startsWith('{')) Object.assign(kept, JSON.parse(result.content[0].text));
  }
}

async function hostodoOverHttp(variant) {
  const place = await mkdtemp(join(tmpdir(), 'calls-'));
  await writeFile(join(place, 'nginx.conf'), 'server {}\n');
  const endpoint = await startServer(infra, ['sandbox', 'hostodo', '127.0.0.1:0'], {}, /answers at (\S+)$/);
  try {
    const env = {
      ...process.env,
      HOME: place,
      HOSTODO_MCP_URL: new URL('/mcp', endpoint.address).href,
      HOSTODO_API_URL: endpoint.address.href,
      HOSTODO_MCP_TOKEN: 'sandbox-all',
      HOSTODO_API_TOKEN: 'sandbox-rest',
    };
    await everyTool(variant, hostodo, [...(await unlimited(place)), '--upload-dir', place], env, HOSTODO);
  } finally {
    await endpoint.end();
    await rm(place, { recursive: true });
  }
}

async function vergeosSimulated(variant) {
  const home = await mkdtemp(join(tmpdir(), 'calls-'));
  try {
    const flags = ['--sandbox', ...(await unlimited(home))];
    await everyTool(variant, vergeos, flags, { ...process.env, HOME: home }, VERGEOS);
  } finally {
    await rm(home, { recursive: true });
  }
}

/** Each question has a fresh simulation to itself. */
async function questions(variant) {
  const place = await mkdtemp(join(tmpdir(), 'calls-'));
  await writeFile(join(place, 'nginx.conf'), 'server {}\n');
  try {
    const flags = ['--sandbox', '--upload-dir', place, ...(await unlimited(place))];
    for (const [command, asked] of [[hostodo, QUESTIONS.hostodo], [vergeos, QUESTIONS.vergeos]]) {
      for (const table of Object.values(asked)) {
        const env = { ...process.env, HOME: place };
        await withServer(variant, command, flags, env, (client) => everyCall(variant, client, table));
      }
    }
  } finally {
    await rm(place, { recursive: true });
  }
}

for (const variant of SDKS) {
  for (const check of [hostodoOverHttp, vergeosSimulated, questions]) {
    await holds(`${check.name} with the TypeScript ${variant.name}, ${variant.revision}`, () => check(variant));
  }
}
