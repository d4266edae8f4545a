/** A person's word to an agent. Only an engine can bring it there. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, SignalAnswer } from '../../runtime/api/client/client.ts';
import { connect } from '../../runtime/engine/connect.ts';
import { type Call, defineVerb, type Verb } from '../command.ts';
import { requireProject } from '../place.ts';
import { isSure, sureArgs } from '../sure.ts';
import { printVerdict } from '../verdict.ts';
import { findInstance } from './view.ts';

export const titleArg = { type: 'positional', description: 'as stator instance list shows it' } as const;

type Word = 'kill' | 'pause' | 'restart' | 'resume';

const words: Readonly<Record<Word, { summary: string; does: string; example: string }>> = {
  kill: {
    summary: "End an agent's attempt; its task has failed.",
    does: 'end',
    example: 'stator plan retry-wave login    # runs it again',
  },
  pause: {
    summary: 'Freeze an agent with all its processes: its slot is kept, its deadline moved.',
    does: 'pause',
    example: 'stator instance resume login-w1-t2',
  },
  restart: {
    summary: 'End the attempt of an agent and start a new one, from a clean branch.',
    does: 'restart',
    example: 'stator instance logs login-w1-t2 -f    # see it begin',
  },
  resume: {
    summary: 'Let a paused agent go on.',
    does: 'resume',
    example: 'stator instance pause login-w1-t2',
  },
};

/** `name` as the table of commands has it. */
export function instanceWordVerb(name: string): Verb {
  const word = (Object.keys(words) as Word[]).find((candidate) => candidate === name); // the keys are the words
  if (word === undefined) throw new Error(`instance ${name} is no verb of one word`);
  const { summary, does, example } = words[word];
  return defineVerb({
    summary,
    args: { title: titleArg, ...sureArgs },
    examples: [`stator instance ${name} login-w1-t2`, example],
    run: ({ title, yes = false }, call) =>
      sendToInstance(call, { title, does }, async (client, project, plan) => {
        const act = { project, plan, type: `agent_${word}`, payload: { title } };
        const isMeant = await isSure(call, client, act, { yes, command: `instance ${word} ${shellWord(title)}` });
        return isMeant ? client.instanceWord(project, title, word) : null;
      }),
  });
}

/** Sends, prints the verdict, answers the exit code; 1 where `tell` answers null, since nothing was sent. Throws `no_daemon` where no engine runs, `not_found` with the nearest title. */
export async function sendToInstance(
  call: Call,
  { title, does }: { title: string; does: string },
  tell: (client: Client, project: string, plan: string) => Promise<SignalAnswer | null>,
): Promise<number> {
  const project = requireProject(call);
  // Without an engine nobody is there to see the process end, or to start the next one.
  const client = await connect({ env: call.env, mode: 'read' });
  try {
    if (client.note !== null) {
      const hint = 'stator run <plan.md> runs one; or pause the plan: stator plan pause <plan>';
      throw new EngineError('no_daemon', `no engine runs, so nobody can ${does} ${title}`, hint);
    }
    const { plan } = findInstance(await client.instances({ project }), title);
    const answer = await tell(client, project, plan);
    return answer === null ? 1 : printVerdict(call, answer);
  } finally {
    await client.close();
  }
}
