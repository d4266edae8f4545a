/** `stator agent`: the agents. */

import { EngineError, onOneLine } from '../machines/vocabulary/errors.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client, SignalAnswer } from '../runtime/api/client/client.ts';
import type { WordEntry } from '../runtime/api/contract/words.ts';
import { absentStep } from '../runtime/base/platform/home-engine.ts';
import { connect } from '../runtime/engine/connect.ts';
import { readStdin } from './ask.ts';
import { type Call, defineVerb, type Verb, type Verbs } from './command.ts';
import { findInstance, instanceLines } from './instance/view.ts';
import { requireProject } from './place.ts';
import { withClient } from './session.ts';
import { isSure, sureArgs } from './sure.ts';
import { printVerdict } from './verdict.ts';

const titleArg = { type: 'positional', description: 'as stator agent list shows it' } as const;

const show = defineVerb({
  summary: 'Show one agent.',
  args: { title: titleArg },
  examples: ['stator agent show login-w1-t2'],
  async run({ title }, call) {
    const { out } = call;
    const project = requireProject(call);
    const entries = await withClient(call, 'read', (client) => client.instances({ project }));
    const entry = findInstance(entries, title);
    const words = await withClient(call, 'read', (client) => client.words({ project, plan: entry.plan, title }));
    const waiting = words.filter(({ state }) => state === 'waiting');
    out.answer(entry, () => [...instanceLines(entry, out.paint, Date.now()), ...waitingLines(waiting, title)]);
  },
});

function waitingLines(waiting: readonly WordEntry[], title: string): string[] {
  if (waiting.length === 0) return [];
  const [newest] = waiting.slice(-1);
  const what = waiting.length === 1 ? 'one message or answer waits' : `${waiting.length} messages and answers wait`;
  return [
    `${what} for its next run, the last one: ${onOneLine(newest?.text ?? '')}`,
    `all of them: stator agent messages ${shellWord(title)}`,
  ];
}

/** What the inbox takes, with room for its wrapping. */
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
    return sendToInstance(call, { title, does: 'send a message to' }, (client, project) =>
      client.sendToInstance(project, title, text),
    );
  },
});

type Word = 'kill' | 'pause' | 'restart' | 'resume';

/** A person's message to an agent. Only an engine can deliver it. */
function wordVerb(word: Word, { summary, does, example }: { summary: string; does: string; example: string }): Verb {
  return defineVerb({
    summary,
    args: { title: titleArg, ...sureArgs },
    examples: [`stator agent ${word} login-w1-t2`, example],
    run: ({ title, yes = false }, call) =>
      sendToInstance(call, { title, does }, async (client, project, plan) => {
        const act = { project, plan, type: `agent_${word}`, payload: { title } };
        const isMeant = await isSure(call, client, act, { yes, command: `agent ${word} ${shellWord(title)}` });
        return isMeant ? client[`${word}Instance`]({ project, title }) : null;
      }),
  });
}

/** Sends, prints the verdict, answers the exit code; 1 where `tell` answers null, since nothing was sent. Throws `no_daemon` where no engine runs, `not_found` with the nearest title. */
async function sendToInstance(
  call: Call,
  { title, does }: { title: string; does: string },
  tell: (client: Client, project: string, plan: string) => Promise<SignalAnswer | null>,
): Promise<number> {
  const project = requireProject(call);
  // Without an engine nothing sees the process end, or starts the next one.
  const client = await connect({ env: call.env, mode: 'read' });
  try {
    if (client.note !== null) {
      const hint = `${absentStep(client.engine ?? { kind: 'none' })}; or pause the plan: stator plan pause <plan>`;
      throw new EngineError('no_daemon', `${client.note}, so nobody can ${does} ${title}`, hint);
    }
    const { plan } = findInstance(await client.instances({ project }), title);
    const answer = await tell(client, project, plan);
    return answer === null ? 1 : printVerdict(call, answer);
  } finally {
    await client.close();
  }
}

export default {
  show,
  send,
  pause: wordVerb('pause', {
    summary: 'Freeze an agent with all its processes. It keeps its slot, and its deadline is moved.',
    does: 'pause',
    example: 'stator agent resume login-w1-t2',
  }),
  resume: wordVerb('resume', {
    summary: 'Continue a paused agent.',
    does: 'resume',
    example: 'stator agent pause login-w1-t2',
  }),
  restart: wordVerb('restart', {
    summary: 'End the attempt of an agent and start a new one, from a clean branch.',
    does: 'restart',
    example: 'stator agent logs login-w1-t2 -f    # see it begin',
  }),
  kill: wordVerb('kill', {
    summary: 'End the attempt of an agent; its task fails.',
    does: 'end',
    example: 'stator plan advance login retry-wave    # runs it again',
  }),
} satisfies Verbs;
