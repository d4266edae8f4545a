/** Answers from chats as signals of the people who gave them, with the roles of their tokens. */
import { refusalSentence } from '../../machines/plan/refusal-text.ts';
import type { SignalAnswer } from '../api/contract/signals.ts';
import { needOfSignal, refuseLowerRole } from '../api/control/principal.ts';
import { createChatWatch } from '../work/chats/chat-watch.ts';
import type { Parts } from './composition.ts';

const waitMs = 5_000;

export function createChatAnswers(core: Parts) {
  const { home, env, projects, store, faults, log, troubles, clock, settings, commands, isOwner, chatLookMs } = core;
  return createChatWatch({
    ...{ home, env, projects, store, faults, log, troubles },
    ...(chatLookMs === null ? {} : { everyMs: chatLookMs }),
    chats: () => settings.current().chats,
    nowMs: () => clock.nowMs(),
    mayWork: isOwner,
    mustMay: (person, type) => refuseLowerRole(person, needOfSignal(type)),
    send: async (answer) => whyRefused(await commands.send({ ...answer, run: null, waitMs })),
  });
}

/** null: it was not refused. */
export function whyRefused({ signal: { status, refused, type, result }, plan }: SignalAnswer): string | null {
  if (status !== 'failed') return null;
  return refused === null
    ? `${type} failed: ${JSON.stringify(result)}`
    : refusalSentence({ ...refused, ...plan, type });
}
