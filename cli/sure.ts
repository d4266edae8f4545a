/** Before a verb ends work, moves a person's branch or may cost something, it describes the effect on a terminal, and asks. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import type { SignalType } from '../machines/vocabulary/signal.ts';
import type { Client } from '../runtime/api/client/client.ts';
import { canAsk, confirm } from './ask.ts';
import type { Call } from './command.ts';
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
  /** As a person would type it: `plan cancel login`. */
  readonly command: string;
}

/** Only these are refused without `--force`, even in a pipe. */
const forced: ReadonlySet<SignalType | null> = new Set<SignalType>(['cancel', 'pause']);

/** Whether to do it. In a pipe, and under `--json`, nothing is asked. Throws `refused` where it needs `--force`. */
export async function isSure(call: Call, client: Pick<Client, 'previewAct'>, act: Act, sure: Sure): Promise<boolean> {
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
  /** The text that is printed if it is not done: `not deleted: login`. */
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

/** By any name that the type goes by. Its vocabulary holds schemas, which a verb that only lists must not load. */
async function isForced(type: string): Promise<boolean> {
  const { signalTypeOf } = await import('../machines/vocabulary/signal.ts');
  return forced.has(signalTypeOf(type));
}
