/** Every state of every machine can be reached by accepted signals, and the path is known. */
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot, EventObject } from 'xstate';
import { getAdjacencyMap } from 'xstate/graph';
import { type Draft, nextWave } from '../../machines/plan/context.ts';
import type { machines } from '../../runtime/base/charts/machines.ts';
import { nodesOf } from '../support/cells.ts';
import { alone, doneEvent, events, inputs } from '../support/family.ts';
import { everyRole, policyWith } from '../support/plan-states.ts';
import { planText, sha } from '../support/simulation.ts';

type Name = keyof typeof machines;

interface Walk {
  readonly input?: object;
  readonly events: (snapshot: AnyMachineSnapshot) => readonly object[];
  /** The parts of the context that distinguish situations besides the state; counters and times do not. */
  readonly marks: (context: AnyMachineSnapshot['context']) => unknown;
}

/** A walk that is wanted no more looks at that many situations all the same. */
const atLeast = 100;

/** The ids of the states that it enters, the nearest first; it ends when it has entered the `wanted` states, and looked at `atLeast` situations. */
function walk(name: Name, { input, events: offered, marks }: Walk, wanted?: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const missing = new Set(wanted);
  let seen = 0;
  getAdjacencyMap(alone[name], {
    input: input ?? inputs[name],
    events: (snapshot) => {
      seen += 1;
      for (const { id } of snapshot._nodes) {
        reached.add(id);
        missing.delete(id);
      }
      const isOver = snapshot.status !== 'active' || (wanted !== undefined && missing.size === 0 && seen > atLeast);
      return isOver ? [] : (offered(snapshot) as EventObject[]);
    },
    serializeState: ({ value, context, status }) => JSON.stringify([value, status, marks(context)]),
    limit: 50_000,
  });
  return reached;
}

/** States that the machine leaves at once. */
const passing: ReadonlySet<string> = new Set([
  'agent.judging',
  ...['ready', 'planning', 'underway.implementing', 'underway.reviewing', 'underway.verifying'].map(
    (state) => `plan.lifecycle.${state}.choosing`,
  ),
  'plan.lifecycle.planning.taking',
  'landing.atHead.prepared',
]);

/** The ids of its states that none of the walks enters. */
function unreached(name: Name, ...walks: readonly (Walk | Set<string>)[]): string[] {
  let missing = [...nodesOf(alone[name].root)].map(({ id }) => id).filter((id) => !passing.has(id));
  for (const each of walks) {
    const reached = each instanceof Set ? each : walk(name, each, missing);
    missing = missing.filter((id) => !reached.has(id));
  }
  return missing;
}

const output = { at: 5, run: 'x#1', runs: 1, reason: null, detail: '', head: null };
const all = Object.values(events);

describe('paths', () => {
  it('lead to every state of an agent, with one attempt and with more', () => {
    const walks = [1, 2].map(
      (attempts): Walk => ({
        input: { ...inputs.agent, attempts, speaksByExit: true },
        events: () => [
          ...all,
          { ...events.run_exited, code: 1 },
          { ...events.run_exited, code: 7 },
          { ...events.run_exited, cause: 'rate-limited' },
          { ...events.run_exited, cause: 'stopped' },
        ],
        marks: ({ ending, failures, answer, question }) => [ending, failures, answer, question],
      }),
    );
    expect(unreached('agent', ...walks)).toEqual([]);
  });

  it('lead to every state of a task, on a branch of its own and on the plan’s', () => {
    const walks = [{}, { hasCheck: true, agent: { ...inputs.task.agent, branch: 'plan/hello' } }].map(
      (more): Walk => ({
        input: { ...inputs.task, ...more },
        events: () => [
          ...all,
          { ...events.work_committed, changed: false },
          { ...events.work_committed, deletions: '6 of 10 files' },
          { ...events.work_committed, additions: { question: '.env', accepts: ['0123456789abcdef'] } },
          ...['succeeded', 'failed', 'cancelled'].map((outcome) => doneEvent('agent', { ...output, outcome })),
        ],
        marks: ({ wantsEnd, changed }) => [wantsEnd, changed],
      }),
    );
    expect(unreached('task', ...walks)).toEqual([]);
  });

  it('lead to every state of a wave', () => {
    const left = unreached('wave', {
      events: ({ context }) => [
        ...[events.retry, events.extend, events.end, events.requeue, events.answered, events.child_asked],
        ...Object.keys(context.liveChildren).flatMap((id) =>
          ['succeeded', 'failed'].map((outcome) => doneEvent(id, { ...output, outcome })),
        ),
      ],
      marks: ({ liveChildren, results, started }) => [
        Object.values(liveChildren),
        started,
        Object.entries(results).map(([task, result]) => [task, (result as { status: string }).status]),
      ],
    });
    expect(left).toEqual([]);
  });

  it('lead to every state of a repo and of the supervisor', () => {
    const repo = unreached('repo', {
      events: () => all,
      marks: ({ waiting, granted, done, isPaused }) => [waiting.length, granted, done, isPaused],
    });
    const supervisor = unreached('supervisor', { events: () => all, marks: ({ repos }) => repos });
    expect([...repo, ...supervisor]).toEqual([]);
  });

  it('lead to every state of the line of a branch', () => {
    const place = { plan: 'hello', branch: 'plan/hello', message: 'Merge plan hello', approval: null, request: '#1' };
    const made = { commit: sha(1), base: sha(2), tip: sha(3) };
    const by = { at: 5, origin: 'engine', run: null };
    const left = unreached('landing', {
      events: () => [
        { ...by, type: 'landing_joined', ...place },
        { ...by, type: 'landing_left', plan: 'hello', request: '#1' },
        { ...by, type: 'landing_joined', ...place, plan: 'other', request: '#2' },
        ...['', 'npm test'].map((check) => ({ ...by, type: 'landing_prepared', ...made, check, batch: 2 })),
        ...['landing_moved', 'landing_paused', 'landing_resumed', 'check_passed'].map((type) => ({ ...by, type })),
        ...['landing_first', 'landing_removed'].map((type) => ({ ...by, type, plan: 'hello' })),
        { ...by, type: 'plan_merged', head: sha(1), into: 'main', tip: sha(3) },
        { ...by, type: 'merge_refused', why: 'check', into: 'main', files: [], detail: 'it fails' },
        { ...by, type: 'effect_failed', detail: 'git is gone' },
      ],
      marks: ({ line: waiting, current, batch }) => [waiting, current, batch],
    });
    expect(left).toEqual([]);
  });

  it('lead to every state of a plan', () => {
    const policies = [
      policyWith([], { blueprint_skip_threshold: 9 }),
      policyWith(everyRole, { max_review_fix_cycles: 1 }),
    ];
    const lives = policies.map((policy): Walk => {
      return {
        input: { ...inputs.plan, content: policy.roles.planner.on ? '# nothing yet\n' : planText([2, 1]), policy },
        events: lifecycleEvents,
        marks: ({ granted, archivePending, work, activeChildId, liveChildren, isParsed, ...context }) => [
          [granted, archivePending, work === null, isParsed, context.elaborated],
          activeChildId === null ? null : liveChildren[activeChildId],
          Object.keys(liveChildren).length > (activeChildId === null ? 0 : 1),
          nextWave({ liveChildren, activeChildId, ...context } as never),
          Math.min(1, context.reviewCycle),
        ],
      };
    });
    const sides: Walk = { events: sideEvents, marks: ({ blocked }) => blocked?.source };
    const merges: Walk = {
      input: { ...inputs.plan, policy: policyWith([], { auto_merge: true }) },
      events: mergeEvents,
      marks: ({ blocked }) => blocked?.source,
    };
    const asked: Walk = {
      input: { ...inputs.plan, policy: policyWith([], { blueprint_skip_threshold: 0 }) },
      events: askedEvents,
      marks: ({ questions }) => questions.length,
    };
    const byForge = { landing_by: 'forge', landing_auto: true } as const;
    const pulls = [{ pull_merge: 'manual' } as const, { pull_merge: 'when-green' } as const, byForge].map(
      (rest): Walk => ({
        input: { ...inputs.plan, policy: policyWith([], { auto_create_pr: true, ...rest }) },
        events: pullEvents,
        marks: ({ blocked, head, pull, merge }) => [blocked?.source, head, pull?.request?.head, merge?.work == null],
      }),
    );
    const drafts = (['planner', 'architect'] as const).map((last) =>
      walk('plan', {
        input: { ...inputs.plan, policy: policyWith(['planner', last], { planner_drafts: 2 }) },
        events: draftEvents,
        marks: ({ drafts: written = [], activeChildId, blocked }) => [
          written.map(({ state, content }: Draft) => [state, content === null]),
          activeChildId === null,
          blocked?.source,
        ],
      }),
    );
    expect(drafts.map((reached) => [...reached].filter((id) => /planning\.(?!choosing)/.test(id)).sort())).toEqual([
      ['deciding', 'drafting', 'stuck'].map((state) => `plan.lifecycle.planning.${state}`),
      ['deciding', 'drafting', 'selecting', 'stuck'].map((state) => `plan.lifecycle.planning.${state}`),
    ]);
    const based: Walk = {
      input: {
        ...inputs.plan,
        policy: policyWith(['fixer'], { landing_refresh_ms: 1, max_review_fix_cycles: 1, blueprint_skip_threshold: 0 }),
      },
      events: baseEvents,
      marks: ({ granted, work, activeChildId, liveChildren, blocked, fresh }) => [
        [granted, work === null, blocked?.source, fresh?.mends],
        activeChildId === null ? null : liveChildren[activeChildId],
        Object.keys(liveChildren).length > (activeChildId === null ? 0 : 1),
      ],
    };
    // The last one is the longest by far, and ends once the others' states and its own are complete.
    expect(unreached('plan', ...drafts, sides, merges, asked, based, ...pulls, ...lives)).toEqual([]);
  });
});

const by = { at: 5, origin: 'person', run: null };
const words = [
  'plan_start',
  'planner_finished',
  'implement_start',
  'implement_finished',
  'elaborator_finished',
  'review_approved',
  'review_changes_requested',
  'verify_approved',
  'verify_failed',
  'retry_wave',
  'advance_wave',
  'start_over',
  'cancel',
  'reopen',
  'resolve',
].map((type) => ({ type, ...by }));
const forced = ['planning', 'implementing', 'reviewing', 'verifying'].map((status) => ({
  type: 'set_status',
  ...by,
  status,
}));

/** Events that move a plan, including its children's reports; at most one unimportant child is heard of at a time. */
function lifecycleEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const { liveChildren, activeChildId, request, work } = context;
  const [other] = Object.keys(liveChildren).filter((id) => id !== activeChildId);
  const ends =
    activeChildId === null
      ? []
      : ['succeeded', 'failed'].map((outcome) =>
          doneEvent(activeChildId, { ...output, outcome, results: resultsOf(context) }),
        );
  return [
    ...words,
    ...forced,
    { type: 'plan_updated', ...by, content: planText([2, 1]) },
    { type: 'implement_granted', ...by, origin: 'engine', request },
    { type: 'branch_archived', ...by, origin: 'engine', run: work, head: 'a'.repeat(40) },
    { type: 'branch_based', ...by, origin: 'engine', run: work, head: 'a'.repeat(40) },
    { type: 'base_conflicted', ...by, origin: 'engine', run: work, files: ['a.txt'], detail: 'a.txt' },
    { type: 'base_unmet', ...by, origin: 'engine', run: work, plans: ['another'] },
    ...ends,
    ...(activeChildId === null ? [] : [{ ...events.wave_failed, id: activeChildId }]),
    ...(other === undefined ? [] : [doneEvent(other, { ...output, outcome: 'cancelled' })]),
  ];
}

function resultsOf({ waves, wave }: AnyMachineSnapshot['context']): object {
  const tasks: { number: number }[] = waves.find((one: { number: number }) => one.number === wave)?.tasks ?? [];
  return Object.fromEntries(
    tasks.map(({ number }) => [number, { status: 'done', runs: 1, reason: null, detail: '', run: null }]),
  );
}

/** The signals of several planners, each about its own draft, and the signals about the drafts. */
function draftEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const { liveChildren, activeChildId } = context;
  const ids = Object.keys(liveChildren);
  return [
    { type: 'plan_start', ...by },
    { type: 'resolve', ...by },
    { type: 'choose', ...by, draft: 1 },
    ...ids.flatMap((id) => [
      { type: 'plan_updated', ...by, origin: 'agent:x', run: `${id}#1`, content: planText([2, 1]) },
      { type: 'planner_finished', ...by, origin: 'agent:x', run: `${id}#1` },
    ]),
    ...ids
      .filter((id) => id === activeChildId || ids.length < 3)
      .map((id) => doneEvent(id, { ...output, outcome: 'failed' })),
  ];
}

/** Events that change switches beside the lifecycle. */
function sideEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const types = ['pause', 'resume', 'resolve', 'pr_merged', 'pr_closed'];
  return [
    ...types.map((type) => ({ type, ...by })),
    { type: 'needs_decision', ...by, reason: 'tabs?' },
    { type: 'answer', ...by, questions: [1], body: 'tabs' },
    { type: 'set_status', ...by, status: 'reviewing' },
    { type: 'set_status', ...by, status: 'done' },
    { type: 'create_pr', ...by },
    { type: 'pr_opened', ...by, number: 1, url: 'https://example.com', server: 'example.com', head: 'a'.repeat(40) },
    { type: 'pr_failed', ...by, run: context.pull?.work ?? null, detail: '' },
  ];
}

/** The plan ends by itself or by hand, and is merged or not. */
function mergeEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const result = { ...by, origin: 'engine', run: context.merge?.work ?? null };
  const refusal = { type: 'merge_refused', ...result, into: 'main', files: [], detail: '' };
  return [
    ...['mark_done', 'merge', 'land', 'resolve'].map((type) => ({ type, ...by })),
    { type: 'set_status', ...by, status: 'verifying' },
    { type: 'verify_approved', ...by },
    { ...refusal, why: 'conflict' },
    { ...refusal, why: 'moved' },
    { type: 'line_found', ...result, into: 'main' },
    { type: 'line_left', ...by, origin: 'engine', request: context.merge?.work ?? '' },
    { type: 'plan_merged', ...result, head: 'b'.repeat(40), into: 'main', tip: 'a'.repeat(40) },
  ];
}

/** The plan ends by itself or by hand, and gets a pull request that is pushed to, merged, closed, or none. */
function pullEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const result = { ...by, origin: 'engine', run: context.pull?.work ?? null };
  const [head, other] = ['a'.repeat(40), 'b'.repeat(40)];
  return [
    ...['create_pr', 'resolve'].map((type) => ({ type, ...by })),
    { type: 'set_status', ...by, status: 'verifying' },
    { type: 'verify_approved', ...by },
    { type: 'head_moved', ...by, head },
    { type: 'head_moved', ...by, head: other },
    { type: 'pr_wanted', ...by, origin: 'engine' },
    { type: 'pr_opened', ...result, number: 1, url: 'https://example.com', server: 'example.com', head },
    { type: 'pr_failed', ...result, detail: 'no token' },
    { type: 'pr_failed', ...result, detail: 'it moved', moved: true },
    { type: 'pr_merge_scheduled', ...result, by: 'forge' },
    { type: 'pr_merge_scheduled', ...result, by: 'stator' },
    { type: 'pr_merge_refused', ...result, detail: 'not allowed' },
    { type: 'pr_merged', ...by, head: null, into: 'main' },
    { type: 'pr_closed', ...by },
  ];
}

/** Its base and its work can be merged or conflict: then a fixer, and after that a person, is asked. */
function baseEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const { activeChildId, liveChildren, request, work } = context;
  const result = { ...by, origin: 'engine', run: work };
  const fixes = activeChildId !== null && liveChildren[activeChildId] === 'fixer';
  return [
    ...['implement_start', 'implement_finished', 'cancel', 'resolve'].map((type) => ({ type, ...by })),
    { type: 'implement_granted', ...by, origin: 'engine', request },
    { type: 'branch_based', ...result, head: 'a'.repeat(40) },
    { type: 'base_conflicted', ...result, files: ['a.txt'], detail: 'a.txt', body: 'merge it' },
    ...(fixes ? ['succeeded', 'failed'] : []).map((outcome) => doneEvent(activeChildId, { ...output, outcome })),
  ];
}

/** A wave begins, and one of its tasks asks a question. */
function askedEvents({ context }: AnyMachineSnapshot): readonly object[] {
  const { activeChildId, liveChildren, questions, request } = context;
  return [
    { type: 'implement_start', ...by },
    { type: 'implement_granted', ...by, origin: 'engine', request },
    ...(activeChildId !== null && liveChildren[activeChildId] === 'wave' && questions.length === 0
      ? [{ ...events.child_asked, id: activeChildId }]
      : []),
    { type: 'answer', ...by, questions: [1], body: 'tabs' },
  ];
}
