/** The content of a seed: the plans, their settings, and the happenings. */
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { FaultPoint } from '../../runtime/base/platform/faults.ts';
import type { Limits } from '../../runtime/core/outbox/slots.ts';
import { personSignals } from '../support/chaos-moves.ts';
import { randomOf } from '../support/random.ts';
import { planText } from '../support/simulation.ts';

/** An event after that number of steps. */
export type Happening = { readonly at: number } & (
  | { readonly do: 'say'; readonly plan: number; readonly type: SignalType; readonly payload: object }
  /** A person's signal to a running agent. */
  | { readonly do: 'say-agent'; readonly which: number; readonly type: SignalType; readonly payload: object }
  /** A signal from a running agent. */
  | { readonly do: 'agent-says'; readonly which: number; readonly type: SignalType; readonly payload: object }
  /** The engine is killed, before its next call, or after it and before the answer. */
  | { readonly do: 'kill'; readonly when: 'before' | 'after' }
  /** The engine is killed when it passes that point next. */
  | { readonly do: 'kill-at'; readonly point: FaultPoint }
  /** The machine loses power: unsynced data is lost or cut, and so is every process. */
  | { readonly do: 'power' }
  | { readonly do: 'restart' }
  /** Another engine takes the home while this one has work in progress. */
  | { readonly do: 'second-owner' }
  /** The disk is full for that number of commits. */
  | { readonly do: 'full'; readonly times: number }
  /** Another program locks the store for that number of calls. */
  | { readonly do: 'locked'; readonly times: number }
  /** The wall clock is set. */
  | { readonly do: 'jump'; readonly byMs: number }
  /** The next call throws. */
  | { readonly do: 'throw'; readonly what: 'disk' | 'world' | 'bug' }
  /** A result arrives a second time; `keyed`: with the same key. */
  | { readonly do: 'double'; readonly which: number; readonly keyed: boolean }
  /** A process ends without a report. */
  | { readonly do: 'lose'; readonly which: number }
  /** Hooks are not delivered for this long. */
  | { readonly do: 'deaf'; readonly forMs: number }
);

export interface Story {
  readonly seed: number;
  readonly plans: readonly { readonly project: string; readonly plan: string; readonly content: string }[];
  readonly policy: Policy;
  readonly limits: Limits;
  /** `file`: it can lose power. */
  readonly disk: 'memory' | 'file';
  readonly happenings: readonly Happening[];
  /** What a person does with each plan when nothing moves any more. */
  readonly ending: 'cancel' | 'finish';
}

/** The fault points that this simulation passes. The other points are in the real handlers, which it replaces. */
export const passedPoints = [
  'pump.after-begin',
  'pump.before-commit',
  'pump.after-commit',
  'lanes.after-claim',
  'lanes.before-settle',
  'lanes.after-settle',
  'store.after-begin',
  'store.between',
  'store.before-commit',
  'store.after-commit',
] as const satisfies readonly FaultPoint[];

const contents = [
  planText([2, 1]),
  planText([3]),
  planText([1]),
  planText([2], '**Check:** true'),
  planText([2, 2], '**Files:** a.txt'),
  planText([1, 1, 1]),
];

const minute = 60_000;
/** The last step at which something happens to the plan. */
const lastStep = 1_200;

export function storyOf(seed: number): Story {
  const random = randomOf(Math.imul(seed, 0x9e3779b1));
  const chance = (share: number) => random() < share;
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T; // never of an empty list
  const disk = chance(0.2) ? 'file' : 'memory';
  const plans = Array.from({ length: 1 + below(3) }, (_, index) => ({
    project: pick(['one', 'two']),
    plan: `p${index}`,
    content: pick(contents),
  }));
  const at = () => Math.floor(random() ** 1.5 * lastStep);

  function fault(): Happening {
    const power: Happening['do'][] = disk === 'file' ? ['power', 'power'] : [];
    const kinds = [
      ...['kill', 'kill', 'kill-at', 'kill-at', 'restart', 'second-owner', 'full', 'locked', 'jump', 'throw', 'throw'],
      ...['double', 'double', 'lose', 'deaf', ...power],
    ] as Happening['do'][];
    const kind = pick(kinds);
    switch (kind) {
      case 'kill':
        return { at: at(), do: kind, when: pick(['before', 'after']) };
      case 'kill-at':
        return { at: at(), do: kind, point: pick(passedPoints) };
      case 'full':
      case 'locked':
        return { at: at(), do: kind, times: 1 + below(6) };
      case 'jump':
        return { at: at(), do: kind, byMs: (chance(0.5) ? 1 : -1) * (1 + below(120)) * minute };
      case 'throw':
        return { at: at(), do: kind, what: pick(['disk', 'world', 'bug']) };
      case 'double':
        return { at: at(), do: kind, which: below(100), keyed: chance(0.5) };
      case 'lose':
        return { at: at(), do: kind, which: below(100) };
      case 'deaf':
        return { at: at(), do: kind, forMs: (1 + below(10)) * minute };
      default:
        return { at: at(), do: kind } as Happening; // the rest has nothing to say
    }
  }

  function word(): Happening {
    const which = below(100);
    if (chance(0.3)) {
      const type = pick(['agent_kill', 'agent_restart', 'agent_pause', 'agent_resume', 'agent_send'] as const);
      return { at: at(), do: 'say-agent', which, type, payload: type === 'agent_send' ? { body: 'a word' } : {} };
    }
    if (chance(0.2)) {
      const [type, payload] = pick<[SignalType, object]>([
        ['needs_decision', { reason: 'tabs or spaces?' }],
        ['implement_finished', {}],
        ['review_approved', {}],
        ['verify_failed', {}],
      ]);
      return { at: at(), do: 'agent-says', which, type, payload };
    }
    const [type, payload] = pick(personSignals);
    return { at: at(), do: 'say', plan: below(plans.length), type, payload };
  }

  const happenings = [
    ...Array.from({ length: below(7) }, fault),
    ...Array.from({ length: chance(0.3) ? 0 : below(7) }, word),
  ].sort((a, b) => a.at - b.at);
  return {
    seed,
    plans,
    policy: policyOf({ chance, below }),
    limits: { workers: 1 + below(3), workersPerRepo: below(3), coordinators: 1 + below(2) },
    disk,
    happenings,
    ending: chance(0.5) ? 'cancel' : 'finish',
  };
}

function policyOf({ chance, below }: { chance(share: number): boolean; below(count: number): number }): Policy {
  const role = { on: true, attempts: 1 + below(3), timeoutMs: 3 * minute, idleMs: null, speaksByExit: false };
  return {
    ...defaultPolicy,
    auto_advance: chance(0.8),
    auto_advance_waves: chance(0.8),
    auto_review_fix: chance(0.8),
    auto_readiness_review: chance(0.5),
    auto_merge: chance(0.3),
    max_review_fix_cycles: below(3),
    blueprint_skip_threshold: chance(0.8) ? 0 : 9,
    require_change: chance(0.5),
    isolation: chance(0.8) ? 'task' : 'plan',
    max_active_plans: below(3),
    cleanup_age_ms: 2 * minute,
    roles: {
      planner: { ...role, on: chance(0.5) },
      architect: { ...role, on: chance(0.3) },
      coder: role,
      reviewer: { ...role, on: chance(0.7), speaksByExit: chance(0.3) },
      fixer: role,
      verifier: { ...role, on: chance(0.4), speaksByExit: chance(0.3) },
      session: role,
    },
  };
}
