/**
 * `stator mcp permissions`: an MCP server on standard input and output. Its one tool asks a person through the engine. Programs call it before they
 * use a tool without permission; claude starts it by `--permission-prompt-tool`. Only this process loads the MCP library.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { EngineError, errorClasses } from '../../machines/vocabulary/errors.ts';
import { cutWithNote, permissionDetailLimit, toolInputText } from '../../machines/vocabulary/permission-text.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import { runClient } from '../../runtime/engine/attach.ts';
import { defineVerb } from '../command.ts';
import { serveStdio } from './stdio.ts';

/** The engine may be restarting: then it will serve the same socket again. */
const retryMs = 1_000;

/** The format of claude: the tool, its input, and claude's own number for the call. */
const question = z.looseObject({
  tool_name: z.string(),
  input: z.record(z.string(), z.unknown()),
  tool_use_id: z.string().optional(),
});
type Question = z.infer<typeof question>;

/** The answer that claude expects, as JSON in one text. */
type Decision =
  | { readonly behavior: 'allow'; readonly updatedInput: Record<string, unknown> }
  | { readonly behavior: 'deny'; readonly message: string };

export default defineVerb({
  summary: 'Serve MCP, so that the program of an agent can ask a person. stator starts it with permissions = "ask".',
  args: {},
  examples: ['claude -p --permission-prompt-tool mcp__stator__permission'],
  more: 'It uses the socket of its run (STATOR_SOCKET, STATOR_TOKEN, STATOR_PROJECT, STATOR_PLAN), so it works only inside a run.',
  async run(_args, { env, stdin, out }) {
    const client = runClient(env);
    const { McpServer } = await import('@modelcontextprotocol/sdk/server/mcp.js');
    const server = new McpServer({ name: 'stator', version: '1' });
    server.registerTool(
      'permission',
      { description: 'Asks a person whether a tool may be used.', inputSchema: question },
      async (asked, { signal }) => {
        const decision = await decide(client, env, question.parse(asked), signal);
        return { content: [{ type: 'text', text: JSON.stringify(decision) }] };
      },
    );
    // A program that has gone asks nothing any more.
    await serveStdio(server, { stdin, out }, 0);
    return 0;
  },
});

/** Asks while the program waits for an answer. If no engine runs, it waits for one. A refusal of the engine counts as a denial. */
async function decide(client: Client, env: NodeJS.ProcessEnv, asked: Question, signal: AbortSignal): Promise<Decision> {
  const id = randomBytes(4).toString('hex');
  const [project, plan] = [env.STATOR_PROJECT ?? '', env.STATOR_PLAN ?? ''];
  const words = { id, tool: asked.tool_name, detail: cutWithNote(toolInputText(asked.input), permissionDetailLimit) };
  while (!signal.aborted) {
    try {
      const { state, message } = await client.askPermission({ project, plan, ...words });
      if (state === 'allowed') return { behavior: 'allow', updatedInput: asked.input };
      if (state === 'denied') return { behavior: 'deny', message: message || 'a person denied it' };
    } catch (thrown) {
      if (!(thrown instanceof EngineError)) throw thrown;
      if (errorClasses[thrown.code].retry === false)
        return { behavior: 'deny', message: `${thrown.message}; ${thrown.hint}` };
      await delay(retryMs);
    }
  }
  await client.withdrawPermission({ project, plan, id }).catch(() => undefined); // its deadline closes it as well
  return { behavior: 'deny', message: 'it was no longer asked' };
}
