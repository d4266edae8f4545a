/** One action of a plan's chart, by itself: what it changes, asks for, and raises. */
import { createEmptyActor, transition } from 'xstate';
import { plan } from '../../machines/plan/actions.ts';
import { documentFacts, type PlanContext } from '../../machines/plan/context.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';

/** Two waves, of two tasks and of one. */
export const document =
  '# Plan\n\n**Topic:** shop\n\n## Wave 1\n\n### Task 1: a\n\n### Task 2: b\n\n## Wave 2\n\n### Task 1: c\n';

/** A plan in the middle of its life: no value is one that an action writes. */
export function planWith(more: Partial<PlanContext> = {}): PlanContext {
  const begun = {
    ...{ plan: 'hello', policy: defaultPolicy, liveChildren: {}, activeChildId: null, at: 1, count: 6, results: {} },
    ...{ head: 'head', reviewedSha: 'seen', verifiedSha: 'checked', feedback: 'earlier', reviewCycle: 2, pass: 0 },
    ...{ rounds: { reviewer: 3, fixer: 4, verifier: 5 }, timestamps: {}, wave: 1, wantedWave: 1, passed: 0 },
    ...{ questions: [], questionCount: 4, blocked: null, stopCause: null, advance: false, work: '#5', timer: '#4' },
    ...{ request: 3, archivePending: false, elaborated: true, granted: false, selfFix: { old: 1 }, raised: undefined },
    ...{ words: [], wordCount: 2, path: '' },
  };
  return { ...documentFacts(document), ...begun, ...more } as unknown as PlanContext; // all that the actions read
}

export const ofPolicy = (more: Partial<Policy>): Partial<PlanContext> => ({ policy: { ...defaultPolicy, ...more } });

export interface Step {
  /** What the plan has beside `planWith`. */
  readonly before?: Partial<PlanContext>;
  /** At 9, unless it says another time. */
  readonly event?: ({ readonly type: string } & Record<string, unknown>) | undefined;
  readonly params?: unknown;
  /** Conditions over the states of the plan's chart. */
  readonly holds?: Readonly<Record<string, boolean>>;
}

/** The context after that one action, the requests that it makes, what it sends to its own regions and its children, and the children that it starts and stops. */
export function afterAction(name: string, { before = {}, event = { type: 'resolve' }, params, holds = {} }: Step) {
  const action = params === undefined ? name : { type: name, params };
  const guards = Object.fromEntries(Object.entries(holds).map(([guard, does]) => [guard, () => does]));
  const chart = {
    initial: 'before',
    states: { before: { on: { '*': { target: 'after', actions: action } } }, after: {} },
  };
  const machine = plan
    .createMachine({ ...chart, context: planWith(before) } as never)
    .provide({ guards: guards as never });
  const context = planWith(before);
  const children = Object.fromEntries(Object.keys(context.liveChildren).map((id) => [id, createEmptyActor()]));
  const start = Object.assign(machine.resolveState({ value: 'before', context } as never), { children });
  const [snapshot, done] = transition(machine, start as never, { at: 9, ...event } as never);
  const requests = done as readonly { readonly type: string; readonly params?: Params }[];
  const idOf = (ref: unknown) => Object.keys(children).find((id) => children[id] === ref) ?? ref;
  const each = <T>(type: string, take: (more: Params) => T) =>
    requests.flatMap((one) => (one.type === type ? [take(one.params ?? {})] : []));
  return {
    context: snapshot.context as PlanContext,
    asked: requests.flatMap(({ type, params: more }) =>
      isRequest(type) ? [more === undefined ? type : [type, more]] : [],
    ),
    raised: each('xstate.raise', (more) => more.event),
    sent: each('xstate.sendTo', (more) => [idOf(more.targetId ?? more.to), more.event]),
    started: each('xstate.spawnChild', (more) => ({ id: more.id, input: more.input })),
  };
}

interface Params {
  readonly event?: unknown;
  readonly to?: unknown;
  readonly targetId?: unknown;
  readonly id?: unknown;
  readonly input?: unknown;
}

function isRequest(type: string): boolean {
  return /^(ask|report|show)/.test(type);
}

/** The part of the context that one action changed. */
export function changedBy(name: string, step: Step = {}): Partial<PlanContext> {
  const before = planWith(step.before);
  const isChanged = (key: string, value: unknown) =>
    JSON.stringify(value) !== JSON.stringify(before[key as keyof PlanContext]);
  const now = Object.entries(afterAction(name, step).context);
  return Object.fromEntries(now.filter(([key, value]) => isChanged(key, value)));
}
