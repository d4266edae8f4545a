/** The possible moves in a world of chaos, chosen by three numbers; and a patient person who brings any plan to its end. */
import { actorsOf, snapshotOf } from '../../actors/addressee.ts';
import type { AskedStack } from '../../machines/vocabulary/plan-pull.ts';
import { forceTargets } from '../../machines/vocabulary/plan-status.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { plan, type Row, repo, type World } from './chaos.ts';
import { planText, sha, wordsOn } from './simulation.ts';

export interface Move {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  /** Whether all pending messages arrive before the next move. */
  readonly drains: boolean;
}

function pick<T>(list: readonly T[], n: number): T | undefined {
  return list.length === 0 ? undefined : list[n % list.length];
}

const documents = [
  planText([3, 2]),
  planText([3, 3, 1]),
  planText([1]),
  '# no waves\n',
  planText([2, 1], '**Check:** true\n\n**Files:** a.txt'),
  `${planText([4, 2])}\n### Task 9: later\n\n**After:** 1\n`,
  planText([3, 2]).replace('**Goal:**', '**After:** another\n**Goal:**'),
];

export const personSignals: [SignalType, object][] = [
  ['plan_start', {}],
  ['plan_start', { fsm_applied: true }],
  ['planner_finished', {}],
  ['planner_draft_finished', { planner_id: 'a' }],
  ['implement_start', {}],
  ['implement_start', {}],
  ['implement_finished', {}],
  ['elaborator_finished', {}],
  ['review_approved', {}],
  ['review_changes_requested', { body: 'no tests' }],
  ['verify_approved', {}],
  ['verify_approved', { reviewed_sha: sha(3) }],
  ['verify_failed', { body: 'broken' }],
  ['needs_decision', { reason: 'who pays?' }],
  ['implement_wave', { wave_number: 1 }],
  ['implement_wave', { wave_number: 2 }],
  ['implement_wave', { wave_number: 9 }],
  ['retry_wave', {}],
  ['advance_wave', {}],
  ['start_over', {}],
  ['reimplement', {}],
  ['request_review', {}],
  ['cancel', {}],
  ['reopen', {}],
  ['mark_done', {}],
  ['merge', {}],
  ['pause', {}],
  ['pause', { wait: true }],
  ['resume', {}],
  ['resume', {}],
  ['resolve', { body: 'spaces' }],
  ['answer', { questions: [1], body: 'spaces' }],
  ['answer', { questions: [2], body: '8080' }],
  ['resolve', {}],
  ['resolve', {}],
  ...forceTargets.map((status): [SignalType, object] => ['set_status', { status }]),
  ...documents.map((content): [SignalType, object] => ['plan_updated', { content }]),
];

const words: [SignalType, object][] = [
  ['plan_start', {}],
  ['planner_finished', {}],
  ['planner_draft_finished', { planner_id: 'b' }],
  ['implement_start', {}],
  ['implement_finished', {}],
  ['elaborator_finished', {}],
  ['review_approved', {}],
  ['review_changes_requested', { body: 'worse' }],
  ['verify_approved', {}],
  ['verify_failed', {}],
  ['needs_decision', { reason: 'tabs or spaces?' }],
  ['needs_decision', { reason: 'which port?' }],
  ['implement_task_finished', { wave_number: 1, task_number: 1 }],
  ['implement_task_finished', { wave_number: 1, task_number: 2 }],
  ['implement_task_finished', { wave_number: 2, task_number: 1 }],
];

const exits = [
  { code: 0, cause: 'exit', detail: '' },
  { code: 0, cause: 'exit', detail: '' },
  { code: 1, cause: 'exit', detail: 'one' },
  { code: 7, cause: 'exit', detail: 'seven' },
  { code: 143, cause: 'stopped', detail: '' },
  { code: null, cause: 'start-failed', detail: 'no npm' },
  { code: 1, cause: 'rate-limited', detail: '', until: 2_000_000 },
];

function agentTitles(world: World): string[] {
  const titles: string[] = [];
  for (const actor of actorsOf(world.root(plan))) {
    const { machine, context } = snapshotOf(actor);
    if (machine.id === 'agent') titles.push(context.title);
  }
  return titles;
}

function start(world: World, row: Row): void {
  if (row.effect.kind === 'agent.run') {
    if (!world.mayStart()) return;
    world.post(row.tree, 'run_starting', {}, { run: row.effect.id });
  }
  row.state = 'running';
}

type Outcome = [SignalType, object];

/** How an effect ends; `n` chooses. null: its end is not reported. */
function outcomeOf(world: World, { effect }: Row, n: number): Outcome | null {
  const lost: Outcome = ['effect_failed', { detail: 'locked' }];
  switch (effect.kind) {
    case 'agent.run':
      if (n % 11 === 1) return ['run_lost', { detail: 'gone' }];
      return n % 13 === 1 ? lost : ['run_exited', pick(exits, n) ?? {}];
    case 'work.commit':
      if (effect.aside) return null;
      return n % 7 === 1 ? lost : ['work_committed', { head: world.nextSha(), base: sha(0), changed: n % 5 !== 1 }];
    case 'work.check':
      if (n % 7 === 1) return lost;
      return n % 3 === 1 ? ['check_failed', { detail: '1 failed' }] : ['check_passed', {}];
    case 'work.merge':
      if (n % 7 === 1) return lost;
      return n % 3 === 1 ? ['work_conflicted', { files: ['a.txt'] }] : ['work_merged', { head: world.nextSha() }];
    case 'plan.merge':
      if (n % 7 === 1) return lost;
      return n % 3 === 1
        ? ['merge_refused', { why: 'overlap', into: 'main', files: ['a.txt'], detail: 'a.txt is changed there' }]
        : ['plan_merged', { head: world.nextSha(), into: 'main', tip: world.context().head ?? sha(0) }];
    case 'plan.pull':
      if (n % 7 === 1) return lost;
      return n % 3 === 1
        ? ['pr_failed', { detail: 'no token', ...(n % 2 === 1 ? { moved: true } : {}) }]
        : [
            'pr_opened',
            {
              ...{ number: 1, url: 'https://forge.test/1', server: 'forge.test', head: world.context().head ?? sha(0) },
              ...stackShown(effect.stack),
            },
          ];
    case 'pull.merge':
      if (effect.act === 'withdraw') return null;
      if (n % 7 === 1) return lost;
      if (n % 3 === 1) return ['pr_merge_refused', { detail: 'not allowed' }];
      return effect.act === 'schedule'
        ? ['pr_merge_scheduled', { by: n % 2 === 1 ? 'forge' : 'stator' }]
        : ['pr_merged', { head: world.nextSha(), into: 'main' }];
    case 'branch.base':
      if (n % 7 === 1) return lost;
      if (n % 7 === 2) return ['base_unmet', { plans: ['another'] }];
      return n % 3 === 1
        ? ['base_conflicted', { files: ['a.txt'], detail: 'a.txt' }]
        : ['branch_based', { head: world.nextSha() }];
    case 'branch.archive':
      return n % 3 === 1 ? lost : ['branch_archived', { head: world.nextSha() }];
    default:
      return null;
  }
}

/** Each part has an open request. */
function stackShown(stack: AskedStack | undefined) {
  if (stack === undefined) return {};
  const layers = stack.parts.map(({ name, title, branch }, index) => {
    const [number, base] = [index + 1, stack.parts[index - 1]?.branch ?? 'main'];
    const url = `https://forge.test/${number}`;
    return { name, title, branch, number, url, state: 'open' as const, head: sha(number), base };
  });
  return { mode: stack.mode, stack: layers };
}

/** The next step of an effect: it starts, its process runs, it ends. */
export function answer(world: World, row: Row, n: number): void {
  const isRun = row.effect.kind === 'agent.run';
  if (row.state === 'queued') {
    start(world, row);
    if (isRun) return;
  }
  if (isRun && !row.isBegun && n % 3 !== 0) {
    row.isBegun = true;
    world.post(row.tree, 'run_started', { base: world.context().head }, { run: row.effect.id });
    return;
  }
  const outcome = outcomeOf(world, row, n);
  if (outcome === null) row.state = 'closed';
  else world.report(row, ...outcome);
}

function agentWord(world: World, a: number, b: number): void {
  const row = pick(
    world.open().filter((one) => one.effect.kind === 'agent.run' && one.state === 'running'),
    a,
  );
  if (row?.effect.kind !== 'agent.run') return;
  const { id, title, wave, task } = row.effect;
  const [type, payload] = pick(words, b) ?? ['implement_finished', {}];
  const own = type === 'implement_task_finished' && wave !== null ? { wave_number: wave, task_number: task } : payload;
  world.post(plan, type, own, { origin: `agent:${title}`, run: id });
}

function idOf(a: number): string {
  return (a % 4).toString(16).padStart(8, '0');
}

function runWord(world: World, a: number, b: number): void {
  const row = pick(
    world.open().filter((one) => one.isBegun),
    a,
  );
  const [type, payload] = pick<Outcome>(
    [
      ['run_waiting', { permission: idOf(a), tool: 'Bash', detail: 'may I?', limit_ms: 60_000 }],
      ['run_going', { permission: idOf(a) }],
      ['run_idle', {}],
    ],
    b,
  ) ?? ['run_idle', {}];
  if (row !== undefined) world.post(plan, type, payload, { run: row.effect.id });
}

function outside(world: World, a: number): void {
  const head = world.nextSha();
  const options: (() => void)[] = [
    () => world.post(plan, 'head_moved', { head }),
    () => world.post(plan, 'verification_stale', { head }),
    () => world.post(plan, 'pr_wanted'),
    () => world.post(plan, 'create_pr', {}, { origin: 'person' }),
    () => world.post(plan, 'pr_changes_requested', { body: 'rename it', ids: [`comment:${head.slice(-2)}`] }),
    () => world.post(plan, 'pr_merged', { head, into: 'main' }),
    () => world.post(plan, 'pr_closed'),
    () => world.post(repo, 'repo_degraded', { reason: 'gone' }),
    () => world.post(repo, 'repo_recovered'),
    () => world.post(repo, 'plan_done', { plan: 'another' }),
    () => world.post(repo, 'plan_undone', { plan: 'another' }),
  ];
  pick(options, a)?.();
}

const flags = ['auto_merge', 'auto_advance', 'auto_advance_waves', 'auto_review_fix', 'auto_readiness_review'] as const;
const switchable = ['planner', 'architect', 'reviewer', 'verifier'] as const;

function flip(world: World, a: number, b: number): void {
  const policy = world.policy();
  const flag = pick(flags, b);
  const role = pick(switchable, b);
  if (a % 3 === 0 && flag !== undefined) world.setPolicy({ ...policy, [flag]: !policy[flag] });
  else if (a % 3 === 1 && role !== undefined) {
    const one = policy.roles[role];
    world.setPolicy({ ...policy, roles: { ...policy.roles, [role]: { ...one, on: !one.on } } });
  } else world.setPolicy({ ...policy, max_review_fix_cycles: b % 3, blueprint_skip_threshold: b % 2 === 0 ? 0 : 9 });
}

export function move(world: World, { kind, a, b, drains }: Move): void {
  // Half of all moves are work that continues; otherwise no wave would get far.
  switch (kind % 32) {
    case 0:
    case 1:
    case 2: {
      const [type, payload] = pick(personSignals, a) ?? ['resolve', {}];
      world.post(plan, type, payload, { origin: 'person' });
      break;
    }
    case 3: {
      const title = pick(agentTitles(world), a);
      const type = pick(['agent_kill', 'agent_restart', 'agent_pause', 'agent_resume', 'agent_send'] as const, b);
      if (title !== undefined && type !== undefined)
        world.post(plan, type, type === 'agent_send' ? { title, body: 'a word' } : { title }, { origin: 'person' });
      break;
    }
    case 4:
    case 5:
      agentWord(world, a, b);
      break;
    case 6: {
      const [type, payload] = pick(words, a) ?? ['implement_finished', {}];
      world.post(plan, type, payload, { origin: b % 2 === 0 ? 'file' : 'person' });
      break;
    }
    case 7:
      runWord(world, a, b);
      break;
    case 8:
    case 16:
    case 17: {
      const timer = pick(world.timers, a);
      if (timer !== undefined) world.fire(timer);
      break;
    }
    case 9: {
      const mail = pick(world.results, a);
      if (mail !== undefined && !world.inbox.includes(mail)) world.inbox.push(mail);
      break;
    }
    case 10:
      world.restart();
      break;
    case 11:
      if (b % 2 === 0) outside(world, a);
      else flip(world, a, b);
      break;
    default: {
      const row = pick(world.open(), a);
      if (row !== undefined) answer(world, row, b);
    }
  }
  if (drains) {
    world.drain();
    world.checkGrant();
  }
}

/** All pending messages arrive, every run succeeds, every timer fires, until nothing more can happen automatically. */
export function settle(world: World): void {
  for (let round = 0; round < 400; round += 1) {
    world.drain();
    const row = world
      .open()
      .find((one) => one.effect.kind !== 'agent.run' || one.state === 'running' || world.mayStart());
    if (row !== undefined) {
      endWell(world, row);
      continue;
    }
    const [timer] = [...world.timers].sort((x, y) => x.dueAt - y.dueAt);
    if (timer === undefined) return;
    world.fire(timer);
  }
  throw new Error(`nothing comes to rest in ${world.lifecycle()}`);
}

function endWell(world: World, row: Row): void {
  const { effect } = row;
  if (effect.kind !== 'agent.run') {
    answer(world, row, 0);
    return;
  }
  if (row.state === 'queued') {
    world.post(row.tree, 'run_starting', {}, { run: effect.id });
    world.post(row.tree, 'run_started', { base: world.context().head }, { run: effect.id });
    world.drain();
    row.state = 'running';
    row.isBegun = true;
    const word = {
      planner: 'planner_finished',
      architect: 'elaborator_finished',
      reviewer: 'review_approved',
    } as const;
    const type = effect.role === 'verifier' ? 'verify_approved' : word[effect.role as keyof typeof word];
    if (type !== undefined) world.post(plan, type, {}, { origin: `agent:${effect.title}`, run: effect.id });
    world.drain();
  }
  if (row.state === 'running') world.report(row, 'run_exited', { code: 0, cause: 'exit', detail: '' });
}

/** A person's actions on a waiting plan, until it is done. Throws if that takes too long. */
export function bringToDone(world: World): void {
  world.post(repo, 'repo_recovered');
  world.post(repo, 'plan_done', { plan: 'another' });
  const retried = new Set<string>();
  for (let round = 0; round < 60; round += 1) {
    if (!world.context().isParsed) world.person('plan_updated', { content: planText([3, 2]) });
    settle(world);
    const value = world.value() as { gate: string; attention: string };
    const lifecycle = world.lifecycle();
    if (value.gate === 'paused') world.person('resume');
    else if (value.attention !== 'clear') answerAll(world);
    else if (lifecycle === 'done') return;
    else oneStep(world, lifecycle, retried);
  }
  throw new Error(`never done; it stands in ${world.lifecycle()}: ${JSON.stringify(world.context().blocked)}`);
}

function oneStep(world: World, lifecycle: string, retried: Set<string>): void {
  const next = wordsOn(planText([3, 2]));
  const fresh = !retried.has(String(world.context().activeChildId));
  if (lifecycle.endsWith('wave.waiting')) {
    retried.add(String(world.context().activeChildId));
    const isRetry = fresh && world.person('retry_wave').verdict.status === 'done';
    if (!isRetry) world.person('advance_wave');
    return;
  }
  const [type, payload] = next[lifecycle] ?? [null, {}];
  if (type === null) throw new Error(`nobody needs to do anything in ${lifecycle}, and nothing happens`);
  const { verdict } = world.person(type, payload);
  if (verdict.status !== 'done') throw new Error(`${type} in ${lifecycle} is ${JSON.stringify(verdict)}`);
}

/** Answers each question by its number, and resolves any other block of the plan. */
function answerAll(world: World): void {
  const questions = world.context().questions.map(({ number }) => number);
  if (questions.length > 0) world.person('answer', { questions, body: 'go on' });
  if (world.context().blocked !== null) world.person('resolve', { body: 'go on' });
}
