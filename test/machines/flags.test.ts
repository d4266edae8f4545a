/** Every flag in every position: the changes that it makes to a plan's story, and that it changes nothing else. */
import { describe, expect, it } from 'vitest';
import type { Role } from '../../machines/vocabulary/ids.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import { plan } from '../support/chaos.ts';
import { type RunScript, type ScriptedWorld, scriptedWorld } from '../support/scripted-world.ts';
import { planText, sha } from '../support/simulation.ts';

interface Scene {
  readonly on?: readonly Role[];
  readonly tasks?: number[];
  readonly script?: RunScript;
  readonly changes?: boolean;
  readonly play: (started: ScriptedWorld) => void;
}

const optional = ['planner', 'architect', 'reviewer', 'fixer', 'verifier'] as const;
/** Long enough for all agents, and too short for the removal of an ended plan's worktree. */
const hourMs = 3_600_000;
const start: Scene['play'] = (started) => {
  started.send('implement_start');
  started.run(hourMs);
};
const ends: RunScript = () => ({ code: 0 });

/** The story of a plan: the root's transitions, the runs and other effects, the signals to its repo, and its final state. */
function story(
  { on = [], tasks = [2, 1], script = ends, changes = true, play }: Scene,
  flags: Partial<Policy>,
): string[] {
  const roles = { ...defaultPolicy.roles };
  for (const role of optional) {
    const speaksByExit = role === 'reviewer' || role === 'verifier';
    roles[role] = { ...roles[role], on: on.includes(role), attempts: 1, speaksByExit };
  }
  roles.coder = { ...roles.coder, attempts: 1 };
  const policy = { ...defaultPolicy, blueprint_skip_threshold: 0, ...flags, roles };
  const started = scriptedWorld({ policy, script, changes, content: planText(tasks) });
  play(started);
  const lines = started.steps.flatMap(({ tree, step }) => {
    if (tree !== plan) return [];
    const moves = step.inputs.flatMap(({ transitions }) =>
      transitions.flatMap(({ actor, event, from, to }) => (actor === '' && from !== to ? [`${event}: ${to}`] : [])),
    );
    const effects = step.requests.effects.map((effect) =>
      `${effect.kind} ${'title' in effect ? effect.title : ''}`.trim(),
    );
    return [...moves, ...effects, ...step.requests.signals.map(({ type }) => `tells ${type}`)];
  });
  const { timestamps, blocked, verifiedSha, reviewCycle } = started.context();
  const stamps = Object.keys(timestamps).map((name) => `stamp ${name}`);
  const end = [`blocked ${blocked?.source ?? 'no'}`, `verified ${verifiedSha !== null}`, `cycles ${reviewCycle}`];
  return [...lines, ...stamps, ...end];
}

/** The lines that one list has more often than the other, as many times as the difference. */
function beyond(one: readonly string[], other: readonly string[]): string[] {
  const left = [...other];
  return one.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const reviewerAsksTimes =
  (times: number): RunScript =>
  (run) =>
    run.role === 'reviewer' && Number(run.title.at(-1)) <= times ? { code: 1, detail: 'no tests' } : { code: 0 };

interface Row {
  readonly flag: string;
  readonly scene: Scene;
  /** The two positions of the flag, and the lines that only one of them has. */
  readonly one: Partial<Policy>;
  readonly other: Partial<Policy>;
  readonly onlyOne: readonly string[];
  readonly onlyOther: readonly string[];
}

const rows: Row[] = [
  {
    flag: 'auto_advance, after a planner',
    scene: {
      on: ['planner'],
      tasks: [1],
      script: (run) => (run.role === 'planner' ? 'runs on' : { code: 0 }),
      play: (started) => {
        started.send('plan_start');
        started.run(1_000);
        started.send('planner_finished');
        started.run(hourMs);
      },
    },
    one: { auto_advance: true },
    other: { auto_advance: false },
    onlyOne: [
      'tells implement_requested',
      'agent.run hello-w1-t1',
      'work.commit',
      'work.merge',
      'worktree.remove',
      'tells plan_done',
      'tells implement_released',
      'stamp implementing_at',
      'stamp done_at',
    ],
    onlyOther: [],
  },
  {
    flag: 'auto_advance, where the planner is skipped',
    scene: { play: (started) => void [started.send('plan_start'), started.run()] },
    one: { auto_advance: true },
    other: { auto_advance: false },
    onlyOne: [],
    onlyOther: [],
  },
  {
    flag: 'auto_advance_waves',
    scene: { play: start },
    one: { auto_advance_waves: true },
    other: { auto_advance_waves: false },
    onlyOne: [
      'agent.run hello-w2-t1',
      'work.commit',
      'work.merge',
      'worktree.remove',
      'tells plan_done',
      'tells implement_released',
      'stamp done_at',
    ],
    onlyOther: [],
  },
  {
    flag: 'auto_review_fix',
    scene: { on: ['reviewer', 'fixer'], script: reviewerAsksTimes(1), play: start },
    one: { auto_review_fix: true },
    other: { auto_review_fix: false },
    onlyOne: [
      'agent.run hello-fix-1',
      'agent.run hello-review-2',
      'work.commit',
      'tells plan_done',
      'tells implement_released',
      'stamp done_at',
      'blocked no',
    ],
    onlyOther: ['blocked review'],
  },
  {
    flag: 'a fixer that is off, which counts as auto_review_fix off',
    scene: { on: ['reviewer'], script: reviewerAsksTimes(1), play: start },
    one: { auto_review_fix: true },
    other: { auto_review_fix: false },
    onlyOne: [],
    onlyOther: [],
  },
  {
    flag: 'auto_readiness_review',
    scene: { on: ['reviewer', 'verifier'], play: start },
    one: { auto_readiness_review: true },
    other: { auto_readiness_review: false },
    onlyOne: ['agent.run hello-verify-1', 'stamp verifying_at', 'verified true'],
    onlyOther: ['verified false'],
  },
  {
    flag: 'auto_create_pr, where no forge is configured',
    scene: { on: ['reviewer', 'verifier'], play: start },
    one: { auto_create_pr: true },
    other: { auto_create_pr: false },
    onlyOne: [],
    onlyOther: [],
  },
  {
    flag: 'max_review_fix_cycles 0 and 1',
    scene: { on: ['reviewer', 'fixer'], script: reviewerAsksTimes(2), play: start },
    one: { max_review_fix_cycles: 0 },
    other: { max_review_fix_cycles: 1 },
    onlyOne: [
      'agent.run hello-fix-2',
      'agent.run hello-review-3',
      'work.commit',
      'tells plan_done',
      'tells implement_released',
      'stamp done_at',
      'blocked no',
    ],
    onlyOther: ['blocked cycle_limit'],
  },
  {
    flag: 'max_review_fix_cycles 0 and 2, where two are enough',
    scene: { on: ['reviewer', 'fixer'], script: reviewerAsksTimes(2), play: start },
    one: { max_review_fix_cycles: 0 },
    other: { max_review_fix_cycles: 2 },
    onlyOne: [],
    onlyOther: [],
  },
  {
    flag: 'readiness_self_fix_max_lines',
    scene: {
      on: ['verifier'],
      script: (run) => (run.role === 'verifier' ? 'runs on' : { code: 0 }),
      play: (started) => {
        start(started);
        const run = started.context().activeChildId;
        started.post(plan, 'head_moved', { head: sha(900), since: sha(1), lines: 81 });
        started.run(1_000);
        started.send('verify_approved', { reviewed_sha: sha(900) }, { origin: `agent:${run}` });
        started.run(1_000);
      },
    },
    one: { readiness_self_fix_max_lines: 81 },
    other: { readiness_self_fix_max_lines: 80 },
    onlyOne: ['tells plan_done', 'tells implement_released', 'stamp done_at', 'verified true'],
    onlyOther: ['verified false'],
  },
  {
    flag: 'blueprint_skip_threshold 0 and 2, with three tasks',
    scene: { play: start },
    one: { blueprint_skip_threshold: 0 },
    other: { blueprint_skip_threshold: 2 },
    onlyOne: [],
    onlyOther: [],
  },
  {
    flag: 'blueprint_skip_threshold 2 and 5, with three tasks',
    scene: { play: start },
    one: { blueprint_skip_threshold: 2 },
    other: { blueprint_skip_threshold: 5 },
    onlyOne: [
      ...['hello-w1-t1', 'hello-w1-t2', 'hello-w2-t1'].map((title) => `agent.run ${title}`),
      ...['work.commit', 'work.commit'],
      ...['work.merge', 'work.merge', 'work.merge'],
      ...['worktree.remove', 'worktree.remove', 'worktree.remove'],
    ],
    onlyOther: ['agent.run hello-coder'],
  },
  {
    flag: 'require_change, of a coder that changes nothing',
    scene: { tasks: [1], changes: false, play: start },
    one: { require_change: false },
    other: { require_change: true },
    onlyOne: ['worktree.remove', 'tells plan_done', 'tells implement_released', 'stamp done_at'],
    onlyOther: ['work.commit'],
  },
  {
    flag: 'max_active_plans, of a second plan',
    scene: {
      tasks: [1],
      script: (run) => (run.title.startsWith('other') ? 'runs on' : { code: 0 }),
      play: (started) => {
        const other = planTree('demo', 'other');
        const born = {
          content: planText([1]),
          branch: 'plan/other',
          topic: null,
          generation: 0,
          policy: started.policy(),
        };
        started.post(other, 'plan_opened', born);
        started.run();
        started.post(other, 'implement_start', {}, { origin: 'person' });
        started.run(1_000);
        started.send('implement_start');
        started.run(1_000);
      },
    },
    one: { max_active_plans: 0 },
    other: { max_active_plans: 1 },
    onlyOne: [
      'agent.run hello-w1-t1',
      'work.commit',
      'work.merge',
      'worktree.remove',
      'tells plan_done',
      'tells implement_released',
      'stamp done_at',
    ],
    onlyOther: [],
  },
];

const isMove = (line: string) => /^[\w.*-]+: /.test(line);

describe('a flag changes what it says, and nothing else:', () => {
  it.each(rows)('$flag', ({ scene, one, other, onlyOne, onlyOther }) => {
    const [first, second] = [story(scene, one), story(scene, other)];
    const facts = (lines: string[]) => lines.filter((line) => !isMove(line)).sort();
    expect(facts(beyond(first, second))).toEqual([...onlyOne].sort());
    expect(facts(beyond(second, first))).toEqual([...onlyOther].sort());
    // Both plans do the same until the flag decides something.
    const parting = first.findIndex((line, index) => line !== second[index]);
    if (onlyOne.length + onlyOther.length === 0)
      expect(first.filter((line) => !isMove(line))).toEqual(second.filter((line) => !isMove(line)));
    else expect(parting).toBeGreaterThan(0);
  });
});

describe('a role that is off', () => {
  const everyone: Scene = { on: optional, script: reviewerAsksTimes(1), play: start };
  const runsOf = (lines: string[]) => lines.filter((line) => line.startsWith('agent.run'));

  it.each([
    ['architect', ['agent.run hello-architect']],
    ['reviewer', ['agent.run hello-review-1', 'agent.run hello-fix-1', 'agent.run hello-review-2']],
    ['verifier', ['agent.run hello-verify-1']],
    ['fixer', ['agent.run hello-fix-1', 'agent.run hello-review-2', 'agent.run hello-verify-1']],
  ] as const)('is skipped: the %s', (role, missing) => {
    const play: Scene['play'] = (started) => {
      started.send('implement_start');
      started.run(1_000);
      if (started.context().activeChildId?.startsWith('architect')) started.send('elaborator_finished');
      started.run();
    };
    const script: RunScript = (run) => (run.role === 'architect' ? 'runs on' : (everyone.script ?? ends)(run));
    const all = story({ ...everyone, script, play }, {});
    const without = story({ ...everyone, script, play, on: optional.filter((other) => other !== role) }, {});
    expect(beyond(runsOf(all), runsOf(without)).sort()).toEqual([...missing].sort());
    expect(beyond(runsOf(without), runsOf(all))).toEqual([]);
  });

  it('is skipped: the planner', () => {
    const play: Scene['play'] = (started) => void [started.send('plan_start'), started.run(1_000)];
    const script: RunScript = () => 'runs on';
    expect(runsOf(story({ on: ['planner'], script, play }, {}))).toEqual(['agent.run hello-plan']);
    expect(runsOf(story({ script, play }, {}))).toEqual([]);
  });
});
