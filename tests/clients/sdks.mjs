// The official TypeScript SDKs as clients, and what scripts do with them.
import assert from 'node:assert/strict';

import * as v2 from '@modelcontextprotocol/client';
import * as v2Stdio from '@modelcontextprotocol/client/stdio';
import * as v1 from '@modelcontextprotocol/sdk/client/index.js';
import * as v1Stdio from '@modelcontextprotocol/sdk/client/stdio.js';
import * as v1Http from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

export const V1 = { ...v1, ...v1Stdio, ...v1Http };
const V2 = { ...v2, ...v2Stdio };

/** Version 1 knows MCP up to 2025-11-25, version 2 both eras. */
export const SDKS = [
  { name: 'SDK 1', sdk: V1, revision: '2025-11-25', options: {} },
  { name: 'SDK 2', sdk: V2, revision: '2025-11-25', options: { versionNegotiation: { mode: 'legacy' } } },
  { name: 'SDK 2', sdk: V2, revision: '2026-07-28', options: { versionNegotiation: { mode: { pin: '2026-07-28' } } } },
];

/** A client of this SDK. With `answer` it puts the questions of the server to a person, who gives that answer. */
export function clientOf({ sdk, options }, answer) {
  const capabilities = answer ? { elicitation: {} } : {};
  const client = new sdk.Client({ name: 'typescript-sdk', version: '1' }, { ...options, capabilities });
  if (answer) {
    client.setRequestHandler(sdk === V1 ? types.ElicitRequestSchema : 'elicitation/create', answer);
  }
  return client;
}

/** Calls a tool; `options` are those of the SDK, such as `signal` and `onprogress`. */
export function call({ sdk }, client, name, args = {}, options = {}) {
  return client.callTool({ name, arguments: args }, ...(sdk === V1 ? [undefined, options] : [options]));
}

/** Does one check and says how it went. The first that fails ends the process with 1. */
export async function holds(what, check) {
  try {
    await check();
    console.log(`ok: ${what}`);
  } catch (error) {
    console.error(error);
    console.error(`failed: ${what}`);
    process.exit(1);
  }
}

/** The text of a result. */
export function textOf(result) {
  return result.content.map((block) => block.text).join('\n');
}

/** Calls a tool that has to succeed and returns its answer. */
export async function answerOf(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name} fails: ${textOf(result)}`);
  return JSON.parse(result.content[0].text);
}

export async function everyPage(client) {
  const tools = [];
  let cursor;
  do {
    const page = await client.listTools(cursor ? { cursor } : undefined, { cacheMode: 'refresh' });
    tools.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor);
  return tools;
}
