/**
 * One MCP server, for one connection. A tool's failure is an answer with `isError`; its text is the document `{error, code, hint}` of the control API. Only
 * an invalid call (an unknown tool) is an error of the protocol.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { namesThere } from '../../../machines/vocabulary/slips.ts';
import { didYouMeanOr } from '../../base/config/nearest.ts';
import { statorVersion } from '../../base/platform/version.ts';
import { check } from '../control/requests.ts';
import type { AnyOperation } from '../operations/operation.ts';
import { operations } from '../operations/operations.ts';
import type { McpCaller } from './caller.ts';
import { toolOf } from './operation-tool.ts';
import { ownTools } from './own-tools.ts';
import { prompts } from './prompts.ts';
import {
  createSubscriptions,
  listResources,
  readResource,
  resourceTemplates,
  type Subscriptions,
} from './resources.ts';
import { type AnyTool, askOf, inputOf } from './tool.ts';

/** The order of the list: plans, agents, the engine. A tool that is not here comes after them. */
const order = (
  'task_list task_show task_explain task_history task_diff task_preview task_create task_update_content task_delete task_transition signal_create note_add ' +
  'task_answer task_merge instance_list instance_logs capture_pane instance_send instance_pause instance_resume instance_restart instance_kill ' +
  'instance_answer queue_list daemon_status live_status repo_list repo_add landing_list notification_list wait_for_event'
).split(' ');
const placeOf = ({ name }: AnyTool) => (order.includes(name) ? order.indexOf(name) : order.length);

const ofOperations = Object.values<AnyOperation>(operations).filter(({ tool }) => tool !== undefined);

export const tools: readonly AnyTool[] = [...ofOperations.map(toolOf), ...ownTools].sort(
  (one, other) => placeOf(one) - placeOf(other),
);

const forPeople = `stator runs plans: markdown documents with waves of tasks, which coding agents carry out in git worktrees. A plan is called a task here. task_create registers one, task_transition starts it, wait_for_event waits for it, task_explain says why it does not go on, task_merge merges it. Starting agents may cost money, and merging moves a branch: ask the person first.`;
const forAgents = `You work in a run of stator. These tools see your own plan and speak for you: signal_create reports what you have done, or asks a person with needs_decision.`;

/** Some clients send null for none. The SDK's own error would be an internal one, and a list of faults as JSON. */
const givenShape = z.preprocess(
  (sent) => {
    if (sent === null || sent === undefined) return {};
    if (typeof sent === 'object' && !Array.isArray(sent)) return sent;
    throw new McpError(ErrorCode.InvalidParams, '"arguments" must be an object of fields and values, or be left out');
  },
  z.record(z.string(), z.unknown()),
);
const toolCall = CallToolRequestSchema.extend({
  params: CallToolRequestSchema.shape.params.extend({ arguments: givenShape }),
});
const promptCall = GetPromptRequestSchema.extend({
  params: GetPromptRequestSchema.shape.params.extend({ arguments: givenShape }),
});

/** A server that is not connected yet. Closing it ends its subscriptions; `listen`: whether its client gets what it sends by itself, at first yes. */
export function createMcpServer(caller: McpCaller): { readonly server: Server; listen(isListening: boolean): void } {
  const { own } = caller;
  const served = own === null ? tools : tools.filter(({ inRuns = false }) => inRuns);
  const server = new Server(
    { name: 'stator', version: statorVersion() },
    {
      capabilities: {
        tools: {},
        resources: own === null ? { subscribe: true } : {},
        ...(own === null ? { prompts: {} } : {}),
      },
      instructions: own === null ? forPeople : forAgents,
    },
  );
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    mustBeFirstPage(params);
    return { tools: served.map((each) => listed(each, caller)) };
  });
  server.setRequestHandler(toolCall, async ({ params: { name, arguments: given } }, extra) => {
    const called = named(served, name, 'tool');
    const token = extra._meta?.progressToken;
    const gone = extra.authInfo?.extra?.gone as AbortSignal | undefined; // of the sessions over HTTP
    let progress = 0;
    return resultOf(called, async () => {
      const input = checkFields(inputOf(called, caller), given, name);
      const ask = askOf({
        input,
        caller,
        signal: gone === undefined ? extra.signal : AbortSignal.any([extra.signal, gone]),
        async progress(message) {
          progress += 1;
          if (token === undefined) return;
          const params = { progressToken: token, progress, message };
          await extra.sendNotification({ method: 'notifications/progress', params });
        },
        confirm: (question) => confirm(server, question, extra.requestId),
      });
      return called.run(ask as never); // parsed by its own schema, above
    });
  });
  const subscriptions = serveResources(server, caller);
  if (own === null) servePrompts(server, caller);
  return { server, listen: (isListening) => subscriptions?.listen(isListening) };
}

/** null: nothing is watched. */
function serveResources(server: Server, caller: McpCaller): Subscriptions | null {
  server.setRequestHandler(ListResourcesRequestSchema, async ({ params }) => {
    mustBeFirstPage(params);
    return { resources: await asProtocol(() => listResources(caller)) };
  });
  server.setRequestHandler(ListResourceTemplatesRequestSchema, ({ params }) => {
    mustBeFirstPage(params);
    return {
      resourceTemplates:
        caller.own === null ? [...resourceTemplates] : resourceTemplates.filter(({ name }) => name !== 'log'),
    };
  });
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => ({
    contents: [await asProtocol(() => readResource(caller, uri))],
  }));
  // A run's socket has no stream of facts.
  if (caller.own !== null) return null;
  const subscriptions = createSubscriptions(caller, (uri) => server.sendResourceUpdated({ uri }));
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }) => {
    await asProtocol(async () => subscriptions.add(uri));
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
    subscriptions.remove(uri);
    return {};
  });
  server.onclose = () => subscriptions.close();
  return subscriptions;
}

function servePrompts(server: Server, caller: McpCaller): void {
  server.setRequestHandler(ListPromptsRequestSchema, ({ params }) => {
    mustBeFirstPage(params);
    return {
      prompts: prompts.map(({ name, does, input }) => ({
        name,
        description: does,
        arguments: Object.entries(input.shape).map(([field, schema]) => ({
          name: field,
          required: !(schema as z.ZodType).safeParse(undefined).success,
        })),
      })),
    };
  });
  server.setRequestHandler(promptCall, async ({ params: { name, arguments: given } }) => {
    const prompt = named(prompts, name, 'prompt');
    return asProtocol(async () => {
      const values = checkFields(prompt.input, given, name) as Record<string, string>; // every field of a prompt is a text
      const text = await prompt.text(values, caller);
      return {
        description: prompt.does,
        messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
      };
    });
  });
}

/** Every list is one page, so no cursor is one of this server. */
function mustBeFirstPage(params: { readonly cursor?: string | undefined } | undefined): void {
  if (params?.cursor === undefined || params.cursor === '') return;
  throw new McpError(ErrorCode.InvalidParams, 'there is no such page: the list has one, which needs no cursor');
}

function listed(each: AnyTool, caller: McpCaller) {
  const { name, does, output, kind } = each;
  return {
    name,
    description: does,
    inputSchema: schemaOf(inputOf(each, caller), 'input'),
    // A schema with an id would become a reference, and MCP needs an object.
    outputSchema: schemaOf(z.object(output.shape), 'output'),
    annotations: { readOnlyHint: kind === 'reads', destructiveHint: kind === 'ends', openWorldHint: false },
  };
}

function schemaOf(schema: z.ZodObject, io: 'input' | 'output') {
  return z.toJSONSchema(schema, { io }) as { type: 'object' }; // of an object
}

/** Parsing removes fields that the schema lacks: an engine of a later version may send more. */
async function resultOf(called: AnyTool, run: () => Promise<unknown>) {
  try {
    const structured = called.output.parse(await run());
    const text = called.text === undefined ? JSON.stringify(structured) : called.text(structured as never); // of its own schema
    return { content: [{ type: 'text' as const, text }], structuredContent: structured };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return { content: [{ type: 'text' as const, text: JSON.stringify(thrown) }], isError: true };
  }
}

/** Throws an error of the protocol with the engine's error document. */
async function asProtocol<Answer>(use: () => Promise<Answer>): Promise<Answer> {
  try {
    return await use();
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    throw new McpError(ErrorCode.InvalidParams, `${thrown.message}; ${thrown.hint}`, thrown.toJSON());
  }
}

/** Throws an error of the protocol with the nearest name. */
function named<Each extends { readonly name: string }>(all: readonly Each[], name: string, what: string): Each {
  const found = all.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = all.map((each) => each.name);
  const meant = didYouMeanOr(name, names, namesThere(names));
  throw new McpError(ErrorCode.InvalidParams, `unknown ${what} "${name.slice(0, 100)}"; ${meant}`);
}

/** null: the client cannot ask a person. */
async function confirm(server: Server, question: string, requestId: string | number): Promise<boolean | null> {
  if (server.getClientCapabilities()?.elicitation === undefined) return null;
  const requestedSchema = {
    type: 'object' as const,
    properties: { yes: { type: 'boolean' as const, title: 'Yes, do it', default: false } },
    required: ['yes'],
  };
  const { action, content } = await server.elicitInput(
    { message: question, requestedSchema },
    { relatedRequestId: requestId },
  );
  return action === 'accept' && content?.yes === true;
}

/** A program reads no page of the documentation: the error names the fields. */
function checkFields<T>(schema: z.ZodObject & z.ZodType<T>, given: unknown, name: string): T {
  const fields = Object.entries(schema.shape).map(([field, { safeParse }]) =>
    safeParse(undefined).success ? field : `${field} (required)`,
  );
  return check(schema, given, name, `${name} takes: ${fields.join(', ')}`);
}
