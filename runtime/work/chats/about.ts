/** The question of a chat message, and the meaning of an answer. Pure: the same function is used when the message is sent and when it is answered. */
import { blockMessage, noticeLimit, noticeText } from '../../../actors/notices.ts';
import { waysOn } from '../../../machines/plan/advice.ts';
import type { Block } from '../../../machines/plan/context.ts';
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { PlanRow } from '../../core/store/rows.ts';

export type About =
  | { readonly kind: 'question'; readonly number: number }
  /** `isWhole`: the message shows the complete request. */
  | { readonly kind: 'permission'; readonly title: string; readonly id: string; readonly isWhole: boolean }
  /** The plan is blocked for that reason. */
  | { readonly kind: 'block'; readonly reason: string }
  | { readonly kind: 'wave'; readonly wave: number };

/** An act that a person chooses with one word or a button. */
export interface Act {
  readonly word: string;
  readonly does: string;
  readonly type: SignalType;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The field of the payload that receives the text after the word; `isAlone`: also a text that lacks the word. Default: the act takes no text. */
  readonly takes?: { readonly field: string; readonly isAlone: boolean };
}

export type Meaning =
  | { readonly kind: 'act'; readonly act: Act; readonly payload: Readonly<Record<string, unknown>> }
  | { readonly kind: 'unclear'; readonly reply: string };

/** null: the event asks nothing. */
export function aboutOf({ event, details }: Pick<HookDeliver, 'event' | 'details'>): About | null {
  const {
    message = '',
    question,
    permission,
    instance,
    wave,
    blocked_reason: reason,
    blocked_source: source,
  } = details;
  if (event !== 'agent_asks' && event !== 'blocked' && event !== 'plan_blocked' && event !== 'wave_waiting')
    return null;
  if (typeof question === 'number') return { kind: 'question', number: question };
  if (typeof permission === 'string' && typeof instance === 'string')
    return {
      kind: 'permission',
      title: instance,
      id: permission,
      isWhole: isShown(String(message)),
    };
  if (event === 'wave_waiting') return typeof wave === 'number' ? { kind: 'wave', wave } : null;
  if (event === 'agent_asks') return null;
  const block = { source, reason } as Pick<Block, 'source' | 'reason'>; // the engine wrote both, from the block of the plan
  return { kind: 'block', reason: event === 'blocked' ? blockText(block) : String(message) };
}

/** Whether the message shows the complete text: it is shorter than the limit at which texts are cut, and has no hidden characters. */
function isShown(message: string): boolean {
  return message.length < noticeLimit && oneLine(message) === message;
}

/** The text of the stored notification about a block. */
function blockText(block: Parameters<typeof blockMessage>[0]): string {
  return noticeText(blockMessage(block));
}

type Plan = Pick<PlanRow, 'plan' | 'status' | 'phase' | 'branch' | 'blocked' | 'wave' | 'waves'>;

/** Why the message cannot be answered any more; null: it can, according to the plan's row. */
export function whyOver(about: About, plan: Plan | null): string | null {
  if (plan === null) return 'the plan is not there any more';
  const { blocked } = plan;
  if (about.kind === 'question')
    return blocked?.questions?.some(({ number }) => number === about.number) === true
      ? null
      : `question ${about.number} of ${plan.plan} is not open any more`;
  if (about.kind === 'block')
    return blocked !== null && blockText(blocked) === about.reason
      ? null
      : `${plan.plan} does not wait for that any more`;
  if (about.kind === 'wave')
    return plan.phase === 'wave_waiting' && plan.wave === about.wave
      ? null
      : `wave ${about.wave} of ${plan.plan} does not wait any more`;
  return null;
}

/** The act for each end of a command that a block offers. */
const blockActs: readonly (readonly [end: RegExp, act: (found: RegExpExecArray) => Act])[] = [
  [
    / answer \S+( ".*")?$/,
    () => ({ word: 'go on', does: '', type: 'resolve', payload: {}, takes: { field: 'body', isAlone: true } }),
  ],
  [/ --accept$/, () => ({ word: 'accept', does: '', type: 'resolve', payload: { accept: true } })],
  [/ --restore$/, () => ({ word: 'restore', does: '', type: 'resolve', payload: { restore: true } })],
  [
    / advance \S+ (planner_finished|elaborator_finished|implement_finished|review_approved|verify_approved)$/,
    ([, type]) => ({ word: 'approve', does: '', type: type as SignalType, payload: {} }), // one of these
  ],
];

/** The possible acts, the likeliest first. Empty for a question: any text answers it. */
export function actsOf(about: About, plan: Plan): Act[] {
  switch (about.kind) {
    case 'question':
      return [];
    case 'permission': {
      const payload = { title: about.title, permission: about.id };
      const deny: Act = {
        ...{ word: 'deny', does: 'it goes on without it; write why after the word', type: 'agent_deny', payload },
        takes: { field: 'message', isAlone: false },
      };
      return about.isWhole ? [{ word: 'allow', does: 'it may', type: 'agent_allow', payload }, deny] : [deny];
    }
    case 'wave':
      return [
        { word: 'retry', does: 'what failed runs again', type: 'retry_wave', payload: {} },
        { word: 'next wave', does: 'it goes on without what failed', type: 'advance_wave', payload: {} },
      ];
    case 'block': {
      const { blocked } = plan;
      if (blocked === null) return [];
      const ways = waysOn({ ...plan, source: blocked.source, blocked, questions: [] });
      return ways.flatMap(({ command, does }) => {
        const found = blockActs.flatMap(([end, act]) => {
          const match = end.exec(command);
          return match === null ? [] : [act(match)];
        });
        return found.slice(0, 1).map((act) => ({ ...act, does }));
      });
    }
    default:
      return about satisfies never;
  }
}

/** The accepted answers, one per line. */
export function answerWords(about: About, plan: Plan): string[] {
  if (about.kind === 'question') return ['Reply to this message with the answer.'];
  const acts = actsOf(about, plan);
  if (acts.length === 0) {
    const [way] =
      plan.blocked === null
        ? []
        : waysOn({ ...plan, source: plan.blocked.source, blocked: plan.blocked, questions: [] });
    return way === undefined ? [] : [`To ${way.does}: ${way.command}`];
  }
  const cut =
    about.kind === 'permission' && !about.isWhole
      ? [`It is too long to be allowed here: stator agent allow ${about.title}`]
      : [];
  const alone = acts.find(({ takes }) => takes?.isAlone === true);
  return [
    ...cut,
    'Reply to this message with one of:',
    ...acts.map(({ word, does }) => `- ${word}: ${does}`),
    ...(alone === undefined ? [] : [`Any other text is "${alone.word}", and what it should know.`]),
  ];
}

/** The meaning of a text that answers the message. */
export function meaningOf(text: string, about: About, plan: Plan): Meaning {
  const said = text.trim();
  if (said === '') return { kind: 'unclear', reply: 'I read text only. Write the answer as text.' };
  if (about.kind === 'question') {
    const act: Act = { word: '', does: '', type: 'answer', payload: { questions: [about.number] } };
    return { kind: 'act', act, payload: { ...act.payload, body: said } };
  }
  const acts = actsOf(about, plan);
  for (const act of acts) {
    const rest = afterWord(said, act.word);
    if (rest === '') return { kind: 'act', act, payload: act.payload };
    if (rest !== null && act.takes !== undefined)
      return { kind: 'act', act, payload: { ...act.payload, [act.takes.field]: rest } };
  }
  const alone = acts.find(({ takes }) => takes?.isAlone === true);
  if (alone?.takes !== undefined)
    return { kind: 'act', act: alone, payload: { ...alone.payload, [alone.takes.field]: said } };
  return { kind: 'unclear', reply: ['I did not understand that.', ...answerWords(about, plan)].join('\n') };
}

/** The text after the word; null: the text does not begin with the word. */
function afterWord(text: string, word: string): string | null {
  if (!text.toLowerCase().startsWith(word)) return null;
  const rest = text.slice(word.length);
  return /^[\s:,.!-]|^$/.test(rest) ? rest.replace(/^[\s:,.!-]+/, '').trim() : null;
}
