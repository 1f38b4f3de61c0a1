// Runs the conformance suite and compares what it says with what is expected: see `run`.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const REVISIONS = ['2025-11-25', '2026-07-28'];
const REPORT = new URL('../../docs/CONFORMANCE.md', import.meta.url);
const MARKS = ['<!-- results: made by tests/conformance/run --write -->', '<!-- end of results -->'];

const [installed, binaries, mode] = process.argv.slice(2);
const suite = join(installed, 'node_modules/@modelcontextprotocol/conformance');
const yaml = createRequire(join(installed, 'package.json'))('yaml');
const readYaml = async (path) => yaml.parse(await readFile(path, 'utf8'));

const shipped = await readYaml(new URL('shipped.yaml', import.meta.url));
const SERVERS = [
  { name: 'fixtures', command: ['infra-mcp-conformance'], groups: [] },
  { name: 'shipped', command: ['hostinger-mcp', '--sandbox', '--http', '--port', '0'], groups: shipped },
];

/** Runs `work` with the address of a fresh server. */
async function withServer([binary, ...args], work) {
  // Started elsewhere than in the checkout: a developer's .env file must not take part.
  const server = spawn(join(binaries, binary), args, { cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve, reject) => server.on('error', reject).on('exit', resolve));
  const said = [];
  const listening = (async () => {
    for await (const line of createInterface(server.stderr)) {
      said.push(line);
      const address = /^Listening on (\S+)$/.exec(line)?.[1];
      if (address) return address;
    }
    throw new Error(`${binary} does not listen:\n${said.join('\n')}`);
  })();
  try {
    const address = await Promise.race([listening, ended.then(() => listening)]);
    server.stderr.resume();
    return await work(address);
  } finally {
    server.kill();
    await ended;
  }
}

/** Runs everything that a revision asks of servers; gives the failing and warning checks of every scenario. */
async function results(url, revision) {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const args = ['server', '--url', url, '--requirements', revision, '-o', folder];
  const run = spawn(process.execPath, [join(suite, 'dist/index.js'), ...args], { stdio: 'ignore' });
  await new Promise((resolve, reject) => run.on('error', reject).on('exit', resolve));
  const scenarios = new Map();
  for (const name of await readdir(folder)) {
    const scenario = /^server-(.*)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1];
    if (!scenario) throw new Error(`${name} is not named as results of a scenario are`);
    const checks = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8'));
    const of = (status) => [...new Set(checks.filter((check) => check.status === status).map(({ id }) => id))].sort();
    scenarios.set(scenario, { failed: of('FAILURE'), warned: of('WARNING'), passed: of('SUCCESS'), checks });
  }
  await rm(folder, { recursive: true });
  return scenarios;
}

/** What is not as expected of one scenario. */
function deviations(expected, { failed, checks }) {
  const messages = Object.fromEntries(checks.map((check) => [check.id, check.errorMessage]));
  return [
    ...failed.filter((id) => !expected.includes(id)).map((id) => `${id} fails: ${messages[id]}`),
    ...expected.filter((id) => !failed.includes(id)).map((id) => `${id} passes, and shipped.yaml says it does not`),
  ];
}

/** One cell of the table. */
function cell(group, { failed, warned, passed }) {
  const told = passed.filter((id) => id !== 'wire-schema-valid');
  if (failed.length > 0) {
    const some = told.length > 0 ? `, ${told.length} of ${told.length + failed.length} checks pass` : '';
    return `(${'abcdefgh'[group]})${some}`;
  }
  if (warned.length > 0) return '✓ with warnings';
  return passed.length > 0 ? '✓' : 'nothing tested';
}

/** Runs everything; gives the lines of the report and what is not as expected. */
async function everything() {
  const wrong = [];
  const lines = [];
  const warnings = new Set();
  for (const revision of REVISIONS) {
    const required = await readYaml(join(suite, 'requirements', `${revision}.yaml`));
    const optional = required.not_scored.filter(({ leg }) => leg === 'server');
    const names = [...required.server, ...optional.map(({ scenario }) => scenario)];
    const columns = [];
    for (const { name, command, groups } of SERVERS) {
      const found = await withServer(command, (url) => results(url, revision));
      const say = (scenario, what) => wrong.push(`${revision}, ${name}, ${scenario}: ${what}`);
      columns.push(
        names.map((scenario) => {
          const result = found.get(scenario);
          if (!result) {
            say(scenario, 'was not run');
            return '?';
          }
          const group = groups.findIndex(({ scenarios }) => scenario in scenarios);
          const expected = group < 0 ? [] : groups[group].scenarios[scenario];
          deviations(expected, result).forEach((what) => say(scenario, what));
          if (result.failed.length === 0) result.warned.forEach((id) => warnings.add(`${name}, ${scenario}: \`${id}\``));
          return cell(group, result);
        }),
      );
    }
    lines.push(`### ${revision}`, '', '| scenario | required | fixtures | shipped |', '| --- | --- | --- | --- |');
    names.forEach((scenario, row) => {
      const need = row < required.server.length ? 'yes' : `no: ${optional[row - required.server.length].reason}`;
      lines.push(`| ${scenario} | ${need} | ${columns.map((column) => column[row]).join(' | ')} |`);
    });
    lines.push('');
    const passing = columns.map((column) => column.filter((text) => text.startsWith('✓')).length);
    console.log(`${revision}: ${names.length} scenarios; fixtures pass ${passing[0]}, shipped ${passing[1]}`);
  }
  lines.push('Why scenarios fail on the shipped server:', '');
  shipped.forEach(({ reason }, group) => lines.push(`- (${'abcdefgh'[group]}) ${reason}`));
  lines.push('', 'Checks that warn in scenarios that pass:', '', ...[...warnings].map((text) => `- ${text}`));
  return { lines, wrong };
}

/** What is wrong after all, with the report brought up to date if that is asked for. */
async function outcome() {
  const { lines, wrong } = await everything();
  const report = await readFile(REPORT, 'utf8');
  const [before, after] = [report.split(MARKS[0])[0], report.split(MARKS[1])[1]];
  const now = `${before}${MARKS[0]}\n\n${lines.join('\n')}\n\n${MARKS[1]}${after}`;
  if (mode === '--write') {
    await writeFile(REPORT, now);
  } else if (now !== report) {
    const [found, told] = [now, report].map((text) => text.split('\n'));
    wrong.push('docs/CONFORMANCE.md is out of date: run tests/conformance/run --write');
    wrong.push(...told.filter((line) => !found.includes(line)).map((line) => `- ${line}`));
    wrong.push(...found.filter((line) => !told.includes(line)).map((line) => `+ ${line}`));
  }
  return wrong;
}

let wrong = await outcome();
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  // The suite waits half a second for some notifications, which a busy machine may not keep.
  console.error('once more:');
  wrong = await outcome();
}
if (wrong.length > 0) {
  console.error(wrong.join('\n'));
  process.exit(1);
}
