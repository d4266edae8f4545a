/** A host without a disk: trees in memory, a virtual clock, and effects that a script answers. Pure and repeatable. */
import type { PersistedTree } from '../../actors/compatibility.ts';
import type { Step, Tree } from '../../actors/tree.ts';
import type { AgentRun, Effect } from '../../machines/vocabulary/effect.ts';
import { effectKey, parseTree, planTree, repoTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { AskedStack } from '../../machines/vocabulary/plan-pull.ts';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import type { AnySignal, Origin, Signal, SignalType } from '../../machines/vocabulary/signal.ts';
import { trees } from './trees.ts';

export const sha = (n: number) => n.toString(16).padStart(40, '0');

export const quietPolicy: Policy = {
  ...defaultPolicy,
  blueprint_skip_threshold: 0,
  roles: {
    ...defaultPolicy.roles,
    planner: { ...defaultPolicy.roles.planner, on: false },
    reviewer: { ...defaultPolicy.roles.reviewer, on: false },
  },
};

export function planText(waves: number[], extra = ''): string {
  const parts = waves.map(
    (tasks, w) =>
      `## Wave ${w + 1}\n${Array.from({ length: tasks }, (_, t) => `### Task ${t + 1}: task ${w + 1}.${t + 1}\n${extra}\n`).join('')}`,
  );
  return `# A plan\n\n**Goal:** something\n\n${parts.join('\n')}`;
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

interface Pending {
  order: number;
  dueAt: number;
  tree: TreeAddress;
  signal: Omit<Signal, 'at'>;
}

/** How a run ends: an exit code, or nothing at all (it goes on). */
export type RunScript = (run: AgentRun, count: number) => { code: number; detail?: string } | 'lost' | 'runs on';

export function createSimulation(
  options: {
    policy?: Policy;
    script?: RunScript;
    merge?: (n: number) => 'merged' | 'conflict';
    changes?: boolean;
  } = {},
) {
  const live = new Map<TreeAddress, Tree>();
  const queue: Pending[] = [];
  const journal = new Map<TreeAddress, AnySignal[]>();
  const effects = new Map<string, { effect: Effect; tree: TreeAddress; status: 'open' | 'done' | 'stopped' }>();
  const steps: { tree: TreeAddress; signal: Signal; step: Step }[] = [];
  const held: Pending[] = [];
  let clock = 1_000_000;
  let order = 0;
  let shas = 0;
  let merges = 0;
  const policy = options.policy ?? quietPolicy;

  function post(
    tree: TreeAddress,
    type: SignalType,
    payload: object = {},
    how: { origin?: Origin; run?: string | null; dueAt?: number } = {},
  ) {
    order += 1;
    const signal = { type, payload, origin: how.origin ?? 'engine', actor: '', run: how.run ?? null } as Omit<
      Signal,
      'at'
    >;
    queue.push({ order, dueAt: how.dueAt ?? clock, tree, signal });
  }

  function absorb(address: TreeAddress, signal: Signal, step: Step): void {
    steps.push({ tree: address, signal, step });
    const lines = journal.get(address) ?? [];
    lines.push(...step.inputs.map((input) => input.signal));
    journal.set(address, lines);
    for (const effect of step.requests.effects)
      effects.set(effectKey(address, effect.id), { effect, tree: address, status: 'open' });
    for (const timer of step.requests.timers) post(address, 'timer_due', {}, { run: timer.id, dueAt: timer.dueAt });
    for (const tell of step.requests.signals) post(tell.tree, tell.type as SignalType, tell.payload);
    for (const stop of step.requests.stops) {
      const row = effects.get(effectKey(address, stop.run));
      if (row?.status === 'open') {
        row.status = 'stopped';
        post(
          address,
          'run_exited',
          { code: null, cause: 'withdrawn', detail: '' },
          { run: stop.run, dueAt: stop.stopAt },
        );
      }
    }
    if (step.released) queue.push(...held.splice(0).filter((entry) => entry.tree === address || held.push(entry) < 0));
    answer();
  }

  const counts = new Map<string, number>();
  function answer(): void {
    for (const row of effects.values()) {
      if (row.status !== 'open') continue;
      const { effect, tree } = row;
      switch (effect.kind) {
        case 'agent.run': {
          const count = (counts.get(effect.title) ?? 0) + 1;
          const end: ReturnType<RunScript> = options.script?.(effect, count) ?? { code: 0 };
          if (end === 'runs on') continue;
          counts.set(effect.title, count);
          row.status = 'done';
          begin(tree, effect.id);
          if (end === 'lost') post(tree, 'run_lost', { detail: '' }, { run: effect.id });
          else
            post(tree, 'run_exited', { code: end.code, cause: 'exit', detail: end.detail ?? '' }, { run: effect.id });
          break;
        }
        case 'work.commit':
          row.status = 'done';
          shas += 1;
          if (!effect.aside)
            post(
              tree,
              'work_committed',
              { head: sha(shas), base: sha(0), changed: options.changes ?? true },
              { run: effect.id },
            );
          break;
        case 'work.check':
          row.status = 'done';
          post(tree, 'check_passed', {}, { run: effect.id });
          break;
        case 'work.merge':
          row.status = 'done';
          merges += 1;
          shas += 1;
          if (options.merge?.(merges) === 'conflict')
            post(tree, 'work_conflicted', { files: ['a.txt'] }, { run: effect.id });
          else post(tree, 'work_merged', { head: sha(shas) }, { run: effect.id });
          break;
        case 'branch.archive':
          row.status = 'done';
          shas += 1;
          post(tree, 'branch_archived', { head: sha(shas) }, { run: effect.id });
          break;
        case 'branch.base':
          row.status = 'done';
          shas += 1;
          post(tree, 'branch_based', { head: sha(shas) }, { run: effect.id });
          break;
        case 'plan.merge':
          row.status = 'done';
          shas += 1;
          post(tree, 'plan_merged', { head: sha(shas), into: 'main', tip: sha(shas - 1) }, { run: effect.id });
          break;
        case 'landing.find':
          row.status = 'done';
          post(tree, 'line_found', { into: effect.into ?? 'main' }, { run: effect.id });
          break;
        case 'landing.prepare':
          row.status = 'done';
          shas += 1;
          post(
            tree,
            'landing_prepared',
            { commit: sha(shas), base: sha(0), tip: sha(shas), check: 'true', batch: 1 },
            { run: effect.id },
          );
          break;
        case 'landing.check':
          row.status = 'done';
          post(tree, 'check_passed', {}, { run: effect.id });
          break;
        case 'landing.merge': {
          row.status = 'done';
          const { commit: head, into, tip } = effect;
          post(tree, 'plan_merged', { head, into, tip }, { run: effect.id });
          break;
        }
        case 'plan.pull':
          row.status = 'done';
          post(
            tree,
            'pr_opened',
            {
              ...{ number: 1, url: 'https://forge.test/1', server: 'forge.test', head: sha(shas) },
              ...stackShown(effect.stack),
            },
            { run: effect.id },
          );
          break;
        case 'pull.merge':
          row.status = 'done';
          if (effect.act === 'schedule') post(tree, 'pr_merge_scheduled', { by: 'stator' }, { run: effect.id });
          if (effect.act === 'merge') post(tree, 'pr_merged', { head: sha(shas), into: 'main' }, { run: effect.id });
          break;
        case 'work.undo':
        case 'hook.deliver':
        case 'refs.push':
        case 'worktree.remove':
        case 'agent.freeze':
        case 'agent.thaw':
        case 'agent.answer':
        case 'agent.type':
        case 'machine.effect':
          row.status = 'done';
          break;
        default:
          effect satisfies never;
      }
    }
  }

  function begin(tree: TreeAddress, run: string): void {
    post(tree, 'run_starting', {}, { run });
    post(tree, 'run_started', { base: live.get(tree)?.root.getSnapshot().context.head ?? sha(0) }, { run });
  }

  function deliver({ tree: address, signal: waiting, order: mine }: Pending): Step | null {
    const signal = { ...waiting, at: clock } as Signal;
    const tree = live.get(address);
    if (tree === undefined) {
      if (!trees.isBirth(address, signal)) return null;
      const born = trees.create(address, signal);
      live.set(address, born.tree);
      absorb(address, signal, born.step);
      return born.step;
    }
    const facts = parseTree(address).kind === 'supervisor' ? {} : { policy };
    const step = trees.step(tree, signal, facts);
    if (step.verdict.status === 'held') held.push({ order: mine, dueAt: clock, tree: address, signal: waiting });
    absorb(address, signal, step);
    return step;
  }

  /** Delivers what is due within `horizonMs` from now, moving the clock on; stops when nothing is left or 10,000 signals were handled. */
  function run(horizonMs = Number.MAX_SAFE_INTEGER): number {
    const end = clock + horizonMs;
    let handled = 0;
    while (handled < 10_000) {
      queue.sort((a, b) => Math.max(a.dueAt, clock) - Math.max(b.dueAt, clock) || a.order - b.order);
      const [next] = queue;
      if (next === undefined || next.dueAt > end) break;
      queue.shift();
      clock = Math.max(clock, next.dueAt);
      deliver(next);
      handled += 1;
    }
    return handled;
  }

  return {
    trees,
    live,
    queue,
    journal,
    effects,
    steps,
    post,
    run,
    begin,
    deliver,
    now: () => clock,
    open(project: string, plan: string, content: string) {
      post('supervisor', 'supervisor_opened');
      post('supervisor', 'repo_registered', { project, policy });
      post(planTree(project, plan), 'plan_opened', {
        content,
        branch: `plan/${plan}`,
        topic: null,
        generation: 0,
        policy,
      });
      run();
      return planTree(project, plan);
    },
    /** One signal of a person, its step, and nothing else. */
    send(
      tree: TreeAddress,
      type: SignalType,
      payload: object = {},
      how: { origin?: Origin; run?: string | null } = {},
    ): Step {
      order += 1;
      const signal = { type, payload, origin: how.origin ?? 'person', actor: '', run: how.run ?? null } as Omit<
        Signal,
        'at'
      >;
      const step = deliver({ order, dueAt: clock, tree, signal });
      if (step === null) throw new Error(`no tree ${tree}`);
      return step;
    },
    tree(address: TreeAddress): Tree {
      const tree = live.get(address);
      if (tree === undefined) throw new Error(`no tree ${address}`);
      return tree;
    },
    repo: (project: string) => repoTree(project),
    value: (address: TreeAddress) => live.get(address)?.root.getSnapshot().value,
    context: (address: TreeAddress) => live.get(address)?.root.getSnapshot().context,
    /** Throws every live tree away and restores it from what its row would hold. */
    restart(): void {
      for (const [address, tree] of live) {
        const row = JSON.parse(JSON.stringify(trees.persist(tree))) as PersistedTree;
        live.set(address, trees.restore(address, row));
      }
    },
  };
}

/** What a person or an agent says next, by the state of the plan's lifecycle; `content`: the document that a draft becomes. */
export function wordsOn(content: string): Readonly<Record<string, readonly [SignalType, object]>> {
  return {
    'ready.draft': ['plan_updated', { content }],
    'ready.planned': ['implement_start', {}],
    'planning.working': ['planner_finished', {}],
    'cancelled.ended': ['reopen', {}],
    'underway.implementing.architecting.working': ['elaborator_finished', {}],
    'underway.reviewing.working': ['review_approved', {}],
    'underway.verifying.working': ['verify_approved', {}],
  };
}
