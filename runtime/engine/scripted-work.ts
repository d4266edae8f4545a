/** What carries out effects in a simulation: agents act by a script and take virtual time, and everything else succeeds at once. Nothing is touched. */
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { Role } from '../../machines/vocabulary/role.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { EffectContext, Handlers, Outcome } from '../core/outbox/handler.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How a run goes. `failed`: its program ends with an error; of a reviewer or a verifier: it asks for changes. */
export interface ScriptedRun {
  readonly durationMs: number;
  readonly outcome: 'done' | 'failed';
}

/** Says how each run goes; `count`: which run of that task it is, or of that role, from 1 on. */
export type Script = (run: AgentRun, count: number) => ScriptedRun;

/** A run that has begun. */
export interface PlayedRun {
  readonly title: string;
  readonly role: Role;
  readonly wave: number | null;
  readonly task: number | null;
  readonly startMs: number;
  /** null: it has not ended. */
  endMs: number | null;
  outcome: 'done' | 'failed' | 'changes_requested' | 'stopped' | null;
}

export interface ScriptedWork {
  readonly handlers: Handlers;
  /** In the order in which they began. */
  readonly runs: readonly PlayedRun[];
}

/** What each role says when it has done its work, and when it asks for changes. Coders, fixers and sessions only end. */
const words: { readonly [role in Role]?: { readonly done: SignalType; readonly failed?: SignalType } } = {
  planner: { done: 'planner_finished' },
  architect: { done: 'elaborator_finished' },
  reviewer: { done: 'review_approved', failed: 'review_changes_requested' },
  verifier: { done: 'verify_approved', failed: 'verify_failed' },
};

export function scriptedWork({
  clock,
  policy,
  script,
}: {
  clock: VirtualClock;
  policy: Policy;
  script: Script;
}): ScriptedWork {
  const runs: PlayedRun[] = [];
  const counts = new Map<string, number>();
  let commits = 0;
  /** Where each branch stands. */
  const heads = new Map<string, string>();
  const headOf = (branch: string) => heads.get(branch) ?? nameOf(0);

  function commitOn(branch: string): string {
    commits += 1;
    heads.set(branch, nameOf(commits));
    return nameOf(commits);
  }

  async function play(effect: AgentRun, context: EffectContext): Promise<Outcome> {
    const { role, title, wave, task, place } = effect;
    // Each review has an agent of its own, and the second one is the second for the script.
    const counted = wave === null ? role : title;
    const count = (counts.get(counted) ?? 0) + 1;
    counts.set(counted, count);
    const { durationMs, outcome } = script(effect, count);
    const run: PlayedRun = { title, role, wave, task, startMs: clock.nowMs(), endMs: null, outcome: null };
    runs.push(run);
    context.began();
    context.report('started', 'run_started', { base: headOf(place.from) });
    const isWhole = await clock.pause(durationMs, context.stop);
    run.endMs = clock.nowMs();
    if (!isWhole) {
      run.outcome = 'stopped';
      return { type: 'run_exited', payload: { code: null, cause: 'stopped', detail: '' } };
    }
    const asksForChanges = outcome === 'failed' && words[role]?.failed !== undefined;
    run.outcome = asksForChanges ? 'changes_requested' : outcome;
    const speaks = outcome === 'done' || asksForChanges;
    const word = speaks && !policy.roles[role].speaksByExit ? words[role]?.[outcome] : undefined;
    if (word !== undefined) context.sendAs(title, 'said', word, {});
    const code = outcome === 'done' || word !== undefined ? 0 : 1;
    return { type: 'run_exited', payload: { code, cause: 'exit', detail: '' } };
  }

  const nothing = async (): Promise<Outcome> => ({ type: null });
  const handlers: Handlers = {
    'agent.run': play,
    'work.commit': async ({ aside, place }) => {
      if (aside) return { type: null };
      const base = headOf(place.branch);
      return { type: 'work_committed', payload: { head: commitOn(place.branch), base, changed: true } };
    },
    'work.check': async () => ({ type: 'check_passed', payload: {} }),
    'work.merge': async ({ place }) => ({ type: 'work_merged', payload: { head: commitOn(place.from) } }),
    'branch.archive': async ({ branch }) => ({ type: 'branch_archived', payload: { head: commitOn(branch) } }),
    'branch.base': async ({ branch }) => ({ type: 'branch_based', payload: { head: commitOn(branch) } }),
    'plan.merge': async ({ branch, into }) => {
      const merged = into ?? 'main';
      return { type: 'plan_merged', payload: { head: commitOn(merged), into: merged, tip: headOf(branch) } };
    },
    'agent.freeze': nothing,
    'agent.thaw': nothing,
    'agent.answer': nothing,
    'work.undo': nothing,
    'worktree.remove': nothing,
    'hook.deliver': nothing,
    'plan.pull': nothing,
    'pull.merge': nothing,
    'machine.effect': nothing,
  };
  return { handlers, runs };
}

/** The name of a commit that is not there. */
function nameOf(commit: number): string {
  return commit.toString(16).padStart(40, '0');
}
