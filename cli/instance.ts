/** `stator agent`: the verbs for agents. */

import { EngineError, onOneLine } from '../machines/vocabulary/errors.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { MessageEntry } from '../runtime/api/contract/agent-messages.ts';
import { defineVerb, type Verbs } from './command.ts';
import { instanceLines } from './instance/view.ts';
import { namedAgent, titleArg, withAgent } from './named-agent.ts';
import { requireProject } from './place.ts';
import { withClient } from './session.ts';
import { readStdin } from './sure.ts';
import { printVerdict } from './verdict.ts';

const show = defineVerb({
  summary: 'Show one agent.',
  args: { title: titleArg },
  examples: ['stator agent show login-w1-t2'],
  async run({ title }, call) {
    const { out } = call;
    const project = requireProject(call);
    const entry = await withClient(call, 'read', (client) => namedAgent(client, { project, title }));
    const words = await withClient(call, 'read', (client) => client.words({ project, plan: entry.plan, title }));
    const waiting = words.filter(({ state }) => state === 'waiting');
    out.answer(entry, () => [...instanceLines(entry, out.paint, Date.now()), ...waitingLines(waiting, title)]);
  },
});

function waitingLines(waiting: readonly MessageEntry[], title: string): string[] {
  if (waiting.length === 0) return [];
  const [newest] = waiting.slice(-1);
  const what = waiting.length === 1 ? 'one message or answer waits' : `${waiting.length} messages and answers wait`;
  return [
    `${what} for its next run, the last one: ${onOneLine(newest?.text ?? '')}`,
    `all of them: stator agent messages ${shellWord(title)}`,
  ];
}

/** The limit of the inbox, minus room for the JSON around the message. */
const messageLimitBytes = 60 * 1024;

const send = defineVerb({
  summary: 'Send a message to an agent; it reads it in its next turn.',
  args: {
    title: titleArg,
    message: { type: 'positional', description: 'the message, in quotes; - reads it from standard input' },
  },
  examples: ['stator agent send login-w1-t2 "keep the old format"', 'git diff | stator agent send login-w1-t2 -'],
  async run({ title, message }, call) {
    const text = message === '-' ? await readStdin(call, 'the message') : message;
    if (text.trim() === '') {
      throw new EngineError(
        'usage',
        `the message to ${title} is empty`,
        'say something: stator agent send <title> "<message>"',
      );
    }
    const sizeBytes = Buffer.byteLength(text);
    if (sizeBytes > messageLimitBytes) {
      const limit = `${messageLimitBytes} bytes (60 KiB)`;
      throw new EngineError(
        'too_large',
        `the message has ${sizeBytes} bytes, over the limit of ${limit}`,
        'put it into a file of the repo and name that',
      );
    }
    const answer = await withAgent(call, { title, does: 'send a message to' }, (client, { project }) =>
      client.sendToInstance(project, title, text),
    );
    return printVerdict(call, answer);
  },
});

export default { show, send } satisfies Verbs;
