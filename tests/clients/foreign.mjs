// A remote server of the official SDK behind `infra-mcp bridge`: what ours does not have passes, too.
// node foreign.mjs INFRA_MCP
//
// Resources, templates, subscriptions, prompts with arguments, completion, log messages, and the questions that a server
// may ask: sampling, roots, elicitation. Ends with 0 when everything holds, else with 1 and the first thing that does not.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

import { cwd } from './server.mjs';

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node foreign.mjs INFRA_MCP');

const NOTE = { uri: 'note://one', name: 'one', title: 'One', mimeType: 'text/plain', annotations: { priority: 0.5 } };
const TEMPLATE = { uriTemplate: 'note://any/{name}', name: 'any', description: 'Any note.' };
const PROMPT = { name: 'greet', title: 'Greet', arguments: [{ name: 'whom', required: true, description: 'Whom.' }] };

/** What one session is served. */
function foreign() {
  const capabilities = {
    tools: {}, prompts: { listChanged: true }, resources: { subscribe: true }, logging: {}, completions: {},
  };
  const server = new Server({ name: 'foreign', version: '1' }, { capabilities, instructions: 'Be kind.' });
  const on = (schema, answer) => server.setRequestHandler(schema, answer);
  on(types.ListResourcesRequestSchema, () => ({ resources: [NOTE] }));
  on(types.ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [TEMPLATE] }));
  on(types.ReadResourceRequestSchema, ({ params: { uri } }) => {
    if (uri === NOTE.uri) return { contents: [{ uri, mimeType: 'text/plain', text: 'é\n"', _meta: { 'a.example/b': 1 } }] };
    if (uri === 'note://any/bytes') return { contents: [{ uri, mimeType: 'image/png', blob: 'AAEC' }] };
    throw new types.McpError(-32002, 'There is no such note.', { uri });
  });
  on(types.SubscribeRequestSchema, ({ params: { uri } }) => {
    setImmediate(() => server.sendResourceUpdated({ uri }));
    return {};
  });
  on(types.ListPromptsRequestSchema, () => ({ prompts: [PROMPT] }));
  on(types.GetPromptRequestSchema, ({ params }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `Greet ${params.arguments.whom}.` } }],
  }));
  on(types.CompleteRequestSchema, ({ params: { argument } }) => ({
    completion: { values: [`${argument.value}nna`], total: 1, hasMore: false },
  }));
  on(types.ListToolsRequestSchema, () => ({ tools: [{ name: 'ask', inputSchema: { type: 'object' } }] }));
  on(types.CallToolRequestSchema, async (request, { sendRequest, sendNotification }) => {
    await sendNotification({ method: 'notifications/message', params: { level: 'info', data: { step: 1 } } });
    const message = { role: 'user', content: { type: 'text', text: 'Say hello.' } };
    const sampling = { method: 'sampling/createMessage', params: { messages: [message], maxTokens: 5 } };
    const sampled = await sendRequest(sampling, types.CreateMessageResultSchema);
    const { roots } = await sendRequest({ method: 'roots/list' }, types.ListRootsResultSchema);
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } };
    const question = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema } };
    const elicited = await sendRequest(question, types.ElicitResultSchema);
    const said = [sampled.content.text, roots[0].uri, elicited.content.name].join(' ');
    return { content: [{ type: 'text', text: said }], structuredContent: { said } };
  });
  return server;
}

/** Serves it over HTTP, with a session for each client. Gives the address. */
async function served() {
  const sessions = new Map();
  const http = createServer(async (request, response) => {
    const known = sessions.get(request.headers['mcp-session-id']);
    const transport = known ?? new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => sessions.set(id, transport),
    });
    if (!known) await foreign().connect(transport);
    await transport.handleRequest(request, response);
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  return { address: `http://127.0.0.1:${http.address().port}/mcp`, http };
}

async function everythingPasses(client) {
  assert.equal(client.getInstructions(), 'Be kind.');
  assert.deepEqual((await client.listResources()).resources, [NOTE]);
  assert.deepEqual((await client.listResourceTemplates()).resourceTemplates, [TEMPLATE]);
  const [note] = (await client.readResource({ uri: NOTE.uri })).contents;
  assert.deepEqual([note.text, note._meta], ['é\n"', { 'a.example/b': 1 }]);
  assert.equal((await client.readResource({ uri: 'note://any/bytes' })).contents[0].blob, 'AAEC');
  await assert.rejects(client.readResource({ uri: 'note://none' }), { code: -32002, data: { uri: 'note://none' } });

  const updated = new Promise((heard) => {
    client.setNotificationHandler(types.ResourceUpdatedNotificationSchema, ({ params }) => heard(params.uri));
  });
  await client.subscribeResource({ uri: NOTE.uri });
  assert.equal(await updated, NOTE.uri);

  assert.deepEqual((await client.listPrompts()).prompts, [PROMPT]);
  const { messages } = await client.getPrompt({ name: 'greet', arguments: { whom: 'Ann' } });
  assert.equal(messages[0].content.text, 'Greet Ann.');
  const ref = { type: 'ref/prompt', name: 'greet' };
  const { completion } = await client.complete({ ref, argument: { name: 'whom', value: 'A' } });
  assert.deepEqual(completion.values, ['Anna']);

  const logged = new Promise((heard) => {
    client.setNotificationHandler(types.LoggingMessageNotificationSchema, ({ params }) => heard(params));
  });
  client.setRequestHandler(types.CreateMessageRequestSchema, ({ params }) => ({
    role: 'assistant', model: 'm', content: { type: 'text', text: params.messages[0].content.text.slice(4, 9) },
  }));
  client.setRequestHandler(types.ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///srv' }] }));
  client.setRequestHandler(types.ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Bob' } }));
  const { structuredContent } = await client.callTool({ name: 'ask', arguments: {} });
  assert.deepEqual(structuredContent, { said: 'hello file:///srv Bob' });
  assert.deepEqual(await logged, { level: 'info', data: { step: 1 } });
}

const { address } = await served();
const capabilities = { sampling: {}, roots: {}, elicitation: {} };
const client = new Client({ name: 'typescript-sdk', version: '1' }, { capabilities });
try {
  await client.connect(new StdioClientTransport({ command: resolve(binary), cwd, args: ['bridge', '--url', address] }));
  await everythingPasses(client);
  console.log('ok: everything of a foreign server passes the bridge');
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
await client.close();
process.exit();
