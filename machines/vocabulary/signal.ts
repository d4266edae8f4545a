/** The signals of the inbox: every message that may enter a tree, who may send it, by which other names it is known, and where it goes. */
import { z } from 'zod';
import { budgetScopes } from './budget.ts';
import { amountsSchema } from './budget-schema.ts';
import { engineSignals } from './engine-signals.ts';
import { EngineError } from './errors.ts';
import type { Role } from './ids.ts';
import { keys } from './keys.ts';
import { forceTargets } from './plan-status.ts';
import {
  anyone,
  count,
  document,
  type NamedSignalKind,
  none,
  permissionId,
  person,
  planFamily,
  planFile,
  type Sender,
  type SignalKind,
  sha,
  text,
  word,
} from './signal-kind.ts';
import { meantText } from './slips.ts';

/** `person`, `person:<name>` with a token of that name, `person:<name>@<chat>` for what that person answered in a chat, `file`, `engine`, `agent:<title>`, or `machine:<address>` of a user-defined machine. */
export type Origin = 'person' | `person:${string}` | 'file' | 'engine' | `agent:${string}` | `machine:${string}`;
/** The kind of its sender. */
function senderOf(origin: Origin): Sender {
  if (origin.startsWith('agent:')) return 'agent';
  if (origin.startsWith('person:')) return 'person';
  if (origin.startsWith('machine:')) return 'machine';
  return origin as Sender; // an Origin without a prefix is one of the three words
}

export type OriginKind = Exclude<Sender, 'machine'>;

/** The person behind it: a user-defined machine acts for the person who brought it. */
export function originKind(origin: Origin): OriginKind {
  const sender = senderOf(origin);
  return sender === 'machine' ? 'person' : sender;
}

const body = z.strictObject({ body: text.optional(), fsm_applied: z.boolean().optional() });
/** `no_change`: why there was nothing to change. A worker that changed nothing and does not say so has failed. */
const unchanged = {
  no_change: text.trim().min(1, { error: 'needs a text: why there was nothing to change' }).optional(),
};
/** `advance`, from a person: whether the plan is carried out by itself once it is planned; without it `auto_advance` says so. */
const planning = body.extend({ advance: z.boolean().optional() });
/** `reviewed_sha`: the commit that it is about; without it the one at which its run began. */
const review = body.extend({ reviewed_sha: sha.optional() });
/** `origin` names the judge, in kasmos's terms; a payload must not name the sender, so it is not passed on. */
const verdict = z
  .strictObject({
    body: text.optional(),
    reviewed_sha: sha.optional(),
    reviewed_base_sha: sha.optional(),
    origin: z.enum(['master', 'operator', 'force_promoted', 'auto']).optional(),
    fsm_applied: z.boolean().optional(),
  })
  .transform(({ origin: _origin, ...given }) => given);
const reason = z
  .strictObject({ reason: text.optional(), body: text.optional(), source: word.optional() })
  .transform((given) => ({ reason: (given.reason ?? given.body ?? '').trim() }))
  .refine((given) => given.reason !== '', { error: 'a reason is required', path: ['reason'] });
const title = z.strictObject({ title: word });
const permission = z.strictObject({ title: word, permission: permissionId.optional() });
/** The text of a terminal's line: a control character is a key, and has a name. */
const typable = z
  .string()
  .max(4_000)
  .regex(/^[^\p{Cc}]*(?:[\t\n][^\p{Cc}]*)*$/u, {
    error: 'holds a control character; those that may be typed have names: `key`',
  });
const typed = z
  .strictObject({ title: word, text: typable.optional(), key: z.enum(keys).optional() })
  .refine((given) => (given.text === undefined) !== (given.key === undefined), {
    error: 'is required, and only one of text and key',
    path: ['text'],
  });
const message = z.strictObject({ title: word, body: text.trim().min(1, { error: 'a message is required' }) });

/** Every signal that may enter a tree, by its name: the schema of its payload, who may send it, by which other names it is known, and where it goes. */
export const signals = {
  // A plan's life, from anyone.
  plan_start: { payload: planning, from: anyone, to: 'plan', does: 'starts planning' },
  planner_finished: { payload: body, from: anyone, to: 'plan', does: 'the document is planned' },
  planner_draft_finished: {
    payload: z.strictObject({ planner_id: z.string().trim().min(1).max(256) }),
    from: anyone,
    to: 'plan',
    does: 'as planner_finished; `planner_id` is the number of the draft where several planners write one each',
  },
  choose: {
    payload: body.extend({ draft: count }),
    from: [...person, 'agent'],
    to: 'plan',
    does: 'chooses one of the drafts that several planners wrote',
  },
  implement_start: { payload: body, from: anyone, to: 'plan', does: 'starts implementing' },
  implement_finished: {
    payload: body.extend(unchanged),
    from: anyone,
    to: 'plan',
    does: 'the implementation or the fix is finished; `no_change`: why there was nothing to change',
  },
  implement_task_finished: {
    payload: z.strictObject({ wave_number: count, task_number: count, ...unchanged }),
    from: anyone,
    to: 'task',
    does: 'that task is finished; `no_change`: why there was nothing to change',
  },
  elaborator_finished: {
    payload: none,
    from: anyone,
    to: 'plan',
    aliases: ['architect_finished'],
    does: 'the document is elaborated, wave 1 starts',
  },
  review_approved: { payload: review, from: anyone, to: 'plan', does: 'the review approves' },
  review_changes_requested: {
    payload: review,
    from: anyone,
    to: 'plan',
    aliases: ['review_changes'],
    does: 'the review asks for changes',
  },
  verify_approved: {
    payload: verdict,
    from: anyone,
    to: 'plan',
    aliases: ['readiness_approved', 'master_approved'],
    does: 'the verification approves',
  },
  verify_failed: {
    payload: verdict,
    from: anyone,
    to: 'plan',
    aliases: ['readiness_changes', 'readiness_changes_requested'],
    does: 'the verification asks for changes',
  },
  needs_decision: {
    payload: reason,
    from: anyone,
    to: 'plan',
    aliases: ['needs_input', 'blocked', 'needs_human'],
    does: 'asks a person',
  },

  // A plan's life, from a person only.
  implement_wave: {
    payload: z.strictObject({ wave_number: count }),
    // A wave that a file starts counts as a person's: kasmos's scripts do it so.
    from: [...person, 'file'],
    to: 'plan',
    does: 'starts that wave; earlier ones count as done',
  },
  retry_wave: { payload: none, from: person, to: 'plan', does: 'runs what failed again' },
  advance_wave: { payload: none, from: person, to: 'plan', does: 'goes on without what failed' },
  start_over: { payload: planning, from: person, to: 'plan', does: 'plans anew on a new branch' },
  reimplement: { payload: body, from: person, to: 'plan', does: 'implements anew on a new branch' },
  request_review: { payload: body, from: person, to: 'plan', does: 'reviews once more' },
  cancel: { payload: body, from: person, to: 'plan', does: 'cancels the plan' },
  reopen: { payload: planning, from: person, to: 'plan', does: 'reopens a cancelled plan' },
  mark_done: { payload: body, from: person, to: 'plan', does: 'counts the plan as done' },
  merge: {
    payload: z.strictObject({
      /** null: the branch that the plan was begun from. */
      into: word.nullable().optional(),
      /** The plan that it is based on is merged along with it, whatever its state. */
      with_after: z.boolean().optional(),
      body: text.optional(),
    }),
    from: person,
    to: 'plan',
    does: 'merges a done plan',
  },
  land: {
    payload: z.strictObject({
      /** null: the branch that the plan was begun from. */
      into: word.nullable().optional(),
      body: text.optional(),
    }),
    from: person,
    to: 'plan',
    does: 'puts a done plan in the line of the branch that it goes into',
  },
  create_pr: { payload: body, from: person, to: 'plan', does: 'pushes a done plan and makes its pull request' },
  pause: {
    payload: z.strictObject({ wait: z.boolean().optional(), body: text.optional() }),
    from: person,
    to: 'plan',
    does: 'stops what runs, starts nothing new',
  },
  resume: { payload: body, from: person, to: 'plan', does: 'goes on after a pause' },
  resolve: {
    payload: body.extend({
      answers: z.record(word, text).optional(),
      accept: z.boolean().optional(),
      restore: z.boolean().optional(),
    }),
    from: person,
    to: 'plan',
    does: 'unblocks, and answers the one question that is open; `answers` are those to single agents, by their titles; `accept` takes the work as it is; `restore` brings back work that was lost from the branch',
  },
  answer: {
    payload: z.strictObject({
      questions: z.array(count).min(1, { error: 'name at least one question' }).max(100),
      body: text.trim().min(1, { error: 'an answer is required' }),
    }),
    from: person,
    to: 'plan',
    does: 'answers questions by their numbers: the answer reaches only the agents that asked',
  },
  raise_budget: {
    payload: amountsSchema.extend({
      scope: z.enum(budgetScopes),
      /** The day that a raised budget of a day counts on; absent: today, by the clock of the engine. */
      day: z.iso.date().optional(),
    }),
    from: person,
    to: 'plan',
    does: 'allows the plan so much, in place of the limits of its budget',
  },
  set_status: {
    payload: z.strictObject({ status: z.enum(forceTargets) }),
    from: person,
    to: 'plan',
    does: 'overrides the status',
  },
  plan_updated: {
    payload: z.strictObject({ content: document, file: planFile.optional(), file_as: planFamily.optional() }),
    from: anyone,
    isDocument: true,
    to: 'plan',
    does: 'replaces the document',
  },
  agent_kill: { payload: title, from: person, to: 'agent', does: 'ends the attempt; its task has failed' },
  agent_restart: { payload: title, from: person, to: 'agent', does: 'starts a new attempt' },
  agent_pause: { payload: title, from: person, to: 'agent', does: 'freezes the processes' },
  agent_resume: { payload: title, from: person, to: 'agent', does: 'lets the processes go on' },
  agent_send: { payload: message, from: person, to: 'agent', does: 'leaves a message for the next turn' },
  // Not from a user-defined machine: only people type.
  agent_type: {
    payload: typed,
    from: ['person'],
    to: 'agent',
    does: 'types a line of `text` to the agent while it works, or presses a `key` in its terminal',
  },
  agent_allow: {
    payload: permission,
    from: person,
    to: 'agent',
    does: 'lets the agent do what it asks for; `permission` names the question where several are open',
  },
  agent_deny: {
    payload: permission.extend({ message: text.optional() }),
    from: person,
    to: 'agent',
    does: 'forbids what the agent asks for, with a word to it',
  },

  ...engineSignals,
} as const satisfies Record<string, NamedSignalKind>;

/** The name of a signal, such as `plan_start`: a key of `signals`. */
export type SignalType = keyof typeof signals;
/** What a person may send, by its own name. */
export type SentByPeople = {
  [T in SignalType]: 'person' extends (typeof signals)[T]['from'][number] ? T : never;
}[SignalType];
/** The same, also by another name of it. */
export type PublicSignal = {
  [T in SentByPeople]: T | ((typeof signals)[T] extends { readonly aliases: readonly (infer Alias)[] } ? Alias : never);
}[SentByPeople];
export type SignalPayload<T extends SignalType> = z.infer<(typeof signals)[T]['payload']>;

/**
 * A signal as an actor receives it: its payload flat, with its sender, the time when it is handled, and the request that it is about:
 * the id of a run, a timer or an effect, or for a signal of an agent the agent's own run.
 */
export type SignalEvent<T extends SignalType = SignalType> = {
  [K in T]: { type: K; at: number; origin: Origin; run: string | null } & SignalPayload<K>;
}[T];

/** A signal on its way into a tree. `actor` is the addressee's path in the tree, empty for the root. */
export interface Signal<T extends SignalType = SignalType> {
  readonly type: T;
  readonly payload: SignalPayload<T>;
  readonly origin: Origin;
  readonly actor: string;
  readonly run: string | null;
  readonly at: number;
}

/** A signal to a tree of any kind: its kind says which types exist, and their payloads. */
export interface AnySignal {
  readonly type: string;
  readonly payload: object;
  readonly origin: Origin;
  readonly actor: string;
  readonly run: string | null;
  readonly at: number;
  /** Its number in the inbox, if it creates a tree that stores the number. */
  readonly id?: number;
  /** The plain actions of a user-defined machine that threw in its step, by their numbers there: a replay does not run them, and goes on as the tree did. */
  readonly thrown?: Readonly<Record<number, { readonly name: string; readonly message: string }>>;
}

export const signalTypes = Object.keys(signals) as SignalType[]; // the keys of the table are exactly the union

const aliases = new Map<string, SignalType>(
  signalTypes.flatMap((type) => {
    const kind: NamedSignalKind = signals[type];
    return (kind.aliases ?? []).map((alias) => [alias, type] as const);
  }),
);

/** As people and file names write it: trimmed, `-` as `_`. */
export function signalName(written: string): string {
  return written.trim().replaceAll('-', '_');
}

/** The type that a person, an agent or a file name means, aliases resolved; null if there is none. */
export function signalTypeOf(name: string): SignalType | null {
  const folded = signalName(name);
  if (Object.hasOwn(signals, folded)) return folded as SignalType; // proven by hasOwn
  return aliases.get(folded) ?? null;
}

/** What a person or an agent may send, for messages and completions. */
export const publicSignalTypes = signalTypes.filter((type) => (signals[type] as SignalKind).from.includes('person')); // one of the table

/** The type that was most likely meant, and the valid types; null: none is near. */
export function validTypes(types: readonly string[], nearest: string | null): string {
  return `${meantText(nearest)}the valid types: ${types.join(', ')}`;
}

/** The error for an unknown type: `unknown_signal`. `nearest` finds the word that was most likely meant; aliases are among them. */
export function unknownSignal(
  written: string,
  types: readonly string[],
  nearest: (word: string, valid: readonly string[]) => string | null,
): EngineError {
  const name = written.trim();
  const known = [...aliases].flatMap(([alias, type]) => (types.includes(type) ? [alias] : []));
  const meant = nearest(name, [...types, ...known]);
  return new EngineError('unknown_signal', `unknown signal type "${name}"`, validTypes(types, meant));
}

/** Whether that origin may send such a signal at all. */
export function maySend({ from }: Pick<SignalKind, 'from'>, origin: Origin): boolean {
  const sender = senderOf(origin);
  return sender === 'engine' || from.includes(sender);
}

const workers = ['coder', 'fixer', 'session'] as const;

/** Signals that only one or two roles may send; an agent of another role is mistaken about its task, or lies. */
const speakers: Partial<Record<SignalType, readonly Role[]>> = {
  plan_start: ['planner', 'session'],
  planner_finished: ['planner'],
  planner_draft_finished: ['planner'],
  choose: ['architect'],
  plan_updated: ['planner', 'architect'],
  implement_start: ['planner', 'session'],
  elaborator_finished: ['architect'],
  implement_finished: workers,
  implement_task_finished: workers,
  review_approved: ['reviewer'],
  review_changes_requested: ['reviewer'],
  verify_approved: ['verifier'],
  verify_failed: ['verifier'],
};

/** The roles whose agents may send that; null: all of them, as far as `maySend` goes. */
export function speakersOf(type: SignalType): readonly Role[] | null {
  return speakers[type] ?? null;
}

/** Whether an agent of that role may send that at all. */
export function isWordOf(type: SignalType, role: Role): boolean {
  return speakers[type]?.includes(role) !== false;
}
