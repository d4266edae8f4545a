/** Before a verb ends work, moves a person's branch or may cost money, a person on a terminal sees the effect and is asked. */

import type { ConsolaInstance } from 'consola';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { planDocumentLimitBytes } from '../machines/vocabulary/plan-file.ts';
import type { SignalType } from '../machines/vocabulary/signal.ts';
import type { Client } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { sizeOf } from './output.ts';
import { isInRun } from './place.ts';
import { plain } from './text.ts';

export const sureArgs = {
  yes: { type: 'boolean', alias: 'y', description: 'do not ask' },
} as const;

export const forceArgs = {
  force: { type: 'boolean', description: 'also if the plan is done' },
} as const;

export interface Act {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload?: unknown;
}

export interface Sure {
  readonly yes: boolean;
  readonly force?: boolean;
  /** The command as a person would type it: `plan cancel login`. */
  readonly command: string;
}

/** Only these need `--force` in a pipe; other acts are not asked about there. */
const forced: ReadonlySet<SignalType | null> = new Set<SignalType>(['cancel', 'pause']);

/**
 * Whether to carry the act out. In a pipe, and under `--json`, nobody is asked; nor is an agent, since the engine judges its signal by its role. Throws
 * `refused` if it needs `--force`.
 */
export async function isSure(call: Call, client: Pick<Client, 'previewAct'>, act: Act, sure: Sure): Promise<boolean> {
  if (isInRun(call)) return true;
  const { yes, force = false, command } = sure;
  const mayAsk = !yes && !force && canAsk(call);
  if (!mayAsk && (force || !(await isForced(act.type)))) return true;
  const preview = await client.previewAct(act);
  if (preview.needs_force && !force)
    throw new EngineError('refused', preview.says.map(plain).join('\n'), `if you mean it: stator ${command} --force`);
  if (!mayAsk || !preview.asks) return true;
  call.out.warn([`stator ${command}:`, ...preview.says.map((line) => `  ${plain(line)}`)].join('\n'));
  if (await confirm(call, 'do it?')) return true;
  call.out.note('nothing was done');
  return false;
}

export interface Confirmation {
  /** `--yes`, or another flag that confirms it. */
  readonly yes: boolean | undefined;
  readonly question: string;
  /** The text if the person says no: `not deleted: login`. */
  readonly not: string;
  /** The hint if no person can be asked. Default: `say --yes`. */
  readonly hint?: string;
}

/** Whether it is confirmed: by a flag, or by the person at the terminal. Throws `refused` where no person can be asked. */
export async function isConfirmed(call: Call, { yes, question, not, hint }: Confirmation): Promise<boolean> {
  if (yes === true) return true;
  if (!canAsk(call)) throw new EngineError('refused', `${not}: nobody can be asked here`, hint ?? 'say --yes');
  if (await confirm(call, question)) return true;
  call.out.note(not);
  return false;
}

/** The type may be given by any of its names. The list of types holds schemas, which a verb that only lists must not load. */
async function isForced(type: string): Promise<boolean> {
  const { signalTypeOf } = await import('../machines/vocabulary/signal.ts');
  return forced.has(signalTypeOf(type));
}

const ctrlC = '\x03';
const ctrlD = '\x04';

/** Whether a person can be asked: consola's prompts write to standard output. */
export function canAsk({ stdin, out }: Call): boolean {
  return stdin.isTTY === true && out.stdout.isTTY === true && out.stderr.isTTY === true && !out.json;
}

/** Enter, Escape and Ctrl-D mean no. Throws `interrupted` at Ctrl-C. */
export async function confirm(call: Call, question: string): Promise<boolean> {
  const answer = await ask(call, (consola) =>
    consola.prompt(question, { type: 'confirm', initial: false, cancel: 'null' }),
  );
  return answer === true;
}

/** Returns one of `words`. Enter, Escape and Ctrl-D choose the first. Throws `interrupted` at Ctrl-C. */
export async function choose(call: Call, question: string, words: readonly [string, ...string[]]): Promise<string> {
  const answer = await ask(call, (consola) =>
    consola.prompt(question, { type: 'select', options: [...words], initial: words[0], cancel: 'null' }),
  );
  return answer ?? words[0];
}

/** null: cancelled. consola ignores Ctrl-D and a closed terminal, and would wait for ever. It is sent Ctrl-C instead, which it knows. */
async function ask<Answer>(
  { stdin, out }: Call,
  prompt: (consola: ConsolaInstance) => Promise<Answer>,
): Promise<Answer | null> {
  const { consola } = await import('consola');
  const { width, height } = sizeOf(out.stdout);
  Object.assign(process.stdout, { columns: width, rows: height }); // with 0 columns consola would draw for ever
  let cancelledBy: 'us' | 'person' | null = null;
  const cancel = () => {
    cancelledBy ??= 'us';
    stdin.emit('keypress', ctrlC, { name: 'c', ctrl: true });
  };
  const hear = (key: string | undefined) => {
    if (key === ctrlC) cancelledBy ??= 'person';
    else if (key === ctrlD) cancel();
  };
  stdin.on('keypress', hear);
  stdin.once('end', cancel);
  try {
    const answer = await prompt(consola);
    if (cancelledBy === 'person')
      throw new EngineError('interrupted', 'the question was not answered', 'the same command asks again');
    return answer;
  } finally {
    stdin.off('keypress', hear);
    stdin.off('end', cancel);
  }
}

/** Reads all of standard input as UTF-8. On a terminal it notes that it waits. Throws `too_large` above the limit of a plan. */
export async function readStdin({ stdin, out }: Call, what: string): Promise<string> {
  if (stdin.isTTY === true) out.note(`reading ${what} from the terminal; end with Ctrl-D`);
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of stdin) {
    const bytes = Buffer.from(part);
    sizeBytes += bytes.length;
    if (sizeBytes > planDocumentLimitBytes) {
      throw new EngineError(
        'too_large',
        `${what} is over the limit of ${planDocumentLimitBytes} bytes (1 MiB)`,
        'split it',
      );
    }
    parts.push(bytes);
  }
  return Buffer.concat(parts).toString('utf8');
}
