/** Which messages to agents a plan's root stores: from acceptance until a run has them, or until no agent can get them any more. Pure. */

import type { AgentMessage, MessageKind, NewMessage, RefusedMessage } from '../vocabulary/agent-message.ts';
import { taskOfTitle } from '../vocabulary/ids.ts';
import { type PlanContext, waveOf } from './context.ts';

/** Messages that agents have, stored for an attempt that begins without its conversation. */
const givenLimit = 30;
/** Lines that were typed to programs which have not confirmed that they read them. */
const typedLimit = 50;
/** The most characters of a message that its refusal repeats: it is in the body of a signal. */
const refusedTextLimit = 32_768;

/** The number of the next message; null: no more lines are stored now. */
export function nextNumber(
  { words, wordCount }: Pick<PlanContext, 'words' | 'wordCount'>,
  kind: MessageKind,
): number | null {
  const isFull = kind === 'line' && words.filter(({ isTyped }) => isTyped === true).length >= typedLimit;
  return isFull ? null : wordCount + 1;
}

export function withMessage(
  context: Pick<PlanContext, 'plan' | 'waves' | 'words' | 'wordCount'>,
  said: NewMessage,
): AgentMessage[] {
  const { kind, title, author, text, question = null, at, run = null } = said;
  const number = context.wordCount + 1;
  const task = taskIn(context, title)?.title ?? null;
  const message: AgentMessage = {
    number,
    kind,
    title,
    task,
    author,
    text,
    question,
    at,
    run,
    ...(run === null ? {} : { isTyped: true }),
  };
  return bounded([...context.words, message]);
}

export function bounded(words: readonly AgentMessage[]): AgentMessage[] {
  const given = words.filter(isGiven);
  const dropped = new Set(given.slice(0, Math.max(0, given.length - givenLimit)));
  return words.filter((message) => !dropped.has(message));
}

export function isGiven({ run, isTyped }: AgentMessage): boolean {
  return run !== null && isTyped !== true;
}

function taskIn({ plan, waves }: Pick<PlanContext, 'plan' | 'waves'>, title: string) {
  const place = taskOfTitle(plan, title);
  const wave = place === null ? undefined : waves.find(({ number }) => number === place.wave);
  return wave?.tasks.find(({ number }) => number === place?.task);
}

/** Why no agent can receive the message any more; null: one may still start. */
function obstacle(context: PlanContext, { title, task }: AgentMessage): string | null {
  const place = taskOfTitle(context.plan, title);
  if (place === null || !context.isParsed) return null;
  if (context.results[place.wave]?.[place.task]?.status === 'done') return 'its task is done';
  const now = taskIn(context, title);
  if (now === undefined || (task !== null && now.title !== task)) return 'its task is no longer in the plan';
  const isLeft =
    place.wave <= context.passed && waveOf(context, place.wave) !== undefined && context.wantedWave === null;
  return isLeft ? 'the plan went on without its task' : null;
}

export interface Settled {
  readonly kept: AgentMessage[];
  readonly refused: RefusedMessage[];
}

/** The outcome of a typed line is known when its run ends. */
export function settled(context: PlanContext): Settled {
  const kept: AgentMessage[] = [];
  const refused: RefusedMessage[] = [];
  for (const message of context.words) {
    const why = message.isTyped === true ? null : obstacle(context, message);
    if (why === null) kept.push(message);
    else if (message.run === null) refused.push(refusal(message, why));
  }
  return { kept, refused };
}

function refusal({ number, kind, title, author, text }: AgentMessage, why: string): RefusedMessage {
  return { number, kind, title, author, text: text.slice(0, refusedTextLimit), why };
}

/** Whether a message is stored that no agent can get. */
export function hasStranded(context: PlanContext): boolean {
  return settled(context).kept.length < context.words.length;
}

/** The stored messages without the waiting ones that no agent will get; these are refused. */
export function withoutWaiting(
  { words }: Pick<PlanContext, 'words'>,
  isMeant: (message: AgentMessage) => boolean,
  why: string,
): Settled {
  const isRefused = (message: AgentMessage) => message.run === null && isMeant(message);
  return {
    kept: words.filter((message) => !isRefused(message)),
    refused: words.filter(isRefused).map((message) => refusal(message, why)),
  };
}
