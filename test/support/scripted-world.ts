/** A world in which each effect ends at once, a run ends as its script says, and time passes when a test decides. */
import type { Step } from '../../actors/tree.ts';
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { Origin, SignalType } from '../../machines/vocabulary/signal.ts';
import { createWorld, plan, type Row } from './chaos.ts';
import { answer } from './chaos-moves.ts';
import { quietPolicy, sha } from './simulation.ts';

/** The end of a run: an exit code, or none (it continues). */
export type RunScript = (run: AgentRun) => { code: number; detail?: string } | 'runs on';

interface Options {
  readonly content: string;
  readonly policy?: Policy;
  readonly script?: RunScript;
  /** Whether a commit has a change. */
  readonly changes?: boolean;
}

export type ScriptedWorld = ReturnType<typeof scriptedWorld>;

export function scriptedWorld({
  content,
  policy = quietPolicy,
  script = () => ({ code: 0 }),
  changes = true,
}: Options) {
  /** The requests of each step of a tree. */
  const steps: { readonly tree: TreeAddress; readonly step: Step }[] = [];
  const reopening = ['merge_refused', 'pr_changes_requested', 'pr_opened'] as const;
  const world = createWorld({ policy, content, reopening, onStep: (tree, step) => void steps.push({ tree, step }) });

  /** false: the run continues. */
  function end(row: Row): boolean {
    const { effect, tree } = row;
    if (effect.kind === 'agent.run') {
      const ended = script(effect);
      if (ended === 'runs on') return false;
      world.post(tree, 'run_starting', {}, { run: effect.id });
      world.post(tree, 'run_started', { base: world.context().head ?? sha(0) }, { run: effect.id });
      world.report(row, 'run_exited', { cause: 'exit', detail: '', ...ended });
    } else if (effect.kind === 'work.commit' && !effect.aside)
      world.report(row, 'work_committed', { head: world.nextSha(), base: sha(0), changed: changes });
    else answer(world, row, 0);
    return true;
  }

  return {
    ...world,
    steps,
    effects: () => [...world.rows.values()].map(({ effect }) => effect),
    /** Sends one signal to the plan, by default from a person: only its step, without its consequences. */
    send(type: SignalType, payload: object = {}, how: { origin?: Origin; run?: string | null } = {}): Step {
      const step = world.handle({ tree: plan, type, payload, origin: 'person', run: null, ...how });
      if (step === null) throw new Error('no plan');
      return step;
    },
    /** Handles the consequences within that many ms. */
    run(horizonMs = Number.MAX_SAFE_INTEGER): void {
      const untilMs = world.now() + horizonMs;
      for (;;) {
        world.drain();
        if (world.open().filter(end).length > 0) continue;
        const [timer] = [...world.timers].sort((one, other) => one.dueAt - other.dueAt);
        if (timer === undefined || timer.dueAt > untilMs) return;
        world.fire(timer);
      }
    },
  };
}
