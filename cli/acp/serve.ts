/** `stator acp`: stator as an agent of the Agent Client Protocol, version 1, for the agent panel of an editor. */
import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { createInterface } from 'node:readline';
import { statorVersion } from '../../runtime/base/platform/version.ts';
import { createRpc, invalidParams, RpcError, unknownMethod } from '../../runtime/work/agents/relay/json-rpc.ts';
import { defineVerb } from '../command.ts';
import { refuseAgent } from '../place.ts';
import { type Conversation, createConversation } from './conversation.ts';
import { promptOf } from './prompt.ts';

/** More conversations than any editor has open. */
const conversationLimit = 100;

export default defineVerb({
  summary: 'Serve ACP on standard input and output: an editor hands plans to stator from its agent panel.',
  args: {},
  examples: ["stator acp    # the command of an agent in your editor's settings"],
  more: `The editor starts it. A prompt is a plan, a file of one, or a sentence, from which the planner writes a plan
  (without a planner one coder does all of it). You see its tasks as the agent's plan, its agents as tools, and
  what they ask permission for as questions. What else they ask ends the turn; the next prompt is the answer.
  To cancel pauses the plan; the next prompt goes on with it, and its agents read what it says.`,
  async run(_args, call) {
    refuseAgent(call, 'be an agent of an editor');
    const conversations = new Map<string, Conversation>();
    let hasForms = false;

    function conversationOf(params: Readonly<Record<string, unknown>>): Conversation {
      const found = conversations.get(String(params.sessionId));
      if (found === undefined) throw new RpcError(invalidParams, `there is no session ${String(params.sessionId)}`);
      return found;
    }

    function begin({ cwd }: Readonly<Record<string, unknown>>) {
      if (typeof cwd !== 'string' || !isAbsolute(cwd))
        throw new RpcError(invalidParams, 'cwd must be the whole path of a folder, as in /home/me/shop');
      if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() !== true)
        throw new RpcError(invalidParams, `there is no folder ${cwd}`);
      if (conversations.size >= conversationLimit)
        throw new RpcError(invalidParams, `there are ${conversationLimit} sessions; start stator acp anew`);
      const sessionId = randomUUID();
      conversations.set(sessionId, createConversation({ call: { ...call, cwd }, rpc, sessionId, hasForms }));
      return { sessionId };
    }

    const rpc = createRpc((line) => void call.out.stdout.write(`${line}\n`), {
      async request(method, params) {
        switch (method) {
          case 'initialize':
            hasForms = formsOf(params);
            return {
              protocolVersion: 1,
              agentInfo: { name: 'stator', title: 'stator', version: statorVersion() },
              agentCapabilities: { loadSession: false, promptCapabilities: { embeddedContext: true } },
              authMethods: [],
            };
          case 'session/new':
            return begin(params);
          case 'session/prompt': {
            const prompt = promptOf(params.prompt);
            if (prompt === null) throw new RpcError(invalidParams, 'the prompt has no text and no file');
            return { stopReason: await conversationOf(params).prompt(prompt) };
          }
          default:
            throw unknownMethod(method);
        }
      },
      notification(method, params) {
        if (method === 'session/cancel') conversations.get(String(params.sessionId))?.cancel();
      },
    });
    const input = createInterface({ input: call.stdin });
    for await (const line of input) rpc.line(line);
    rpc.close('the editor has gone');
    await Promise.all([...conversations.values()].map((each) => each.end()));
    return 0;
  },
});

/** Whether the editor declares that it can show forms. */
function formsOf({ clientCapabilities }: { readonly clientCapabilities?: unknown }): boolean {
  const { elicitation } = (clientCapabilities ?? {}) as { readonly elicitation?: { readonly form?: unknown } | null }; // each part is looked at
  return elicitation?.form != null;
}
