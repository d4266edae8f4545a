/** The handlers of effects in a simulation: agents follow a script and take virtual time, and all other effects succeed at once. Nothing real is changed. */
import type { AgentRun, Effect } from '../../machines/vocabulary/effect.ts';
import type { Role } from '../../machines/vocabulary/ids.ts';
import type { Policy } from '../../machines/vocabulary/policy.ts';
import type { SignalPayload, SignalType } from '../../machines/vocabulary/signal.ts';
import type { EffectContext, Handler, Handlers, Outcome } from '../core/outbox/handler.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How a run goes. `failed`: its program ends with an error; a reviewer or a verifier asks for changes. */
export interface ScriptedRun {
  readonly durationMs: number;
  readonly outcome: 'done' | 'failed';
  /** It has been under way since then. */
  readonly sinceMs?: number;
  /** Its course in the recorded past. Absent: it begins at once, and reports the usual signal of its role at its end. */
  readonly known?: KnownRun;
}

/** The recorded course of a run. */
export interface KnownRun {
  /** Its start, and its signals, in their order; `isByAgent`: the agent sent it, and not the relay that runs it. */
  readonly words: readonly (PlayedSignal & { readonly afterMs: number; readonly isByAgent: boolean })[];
  /** null: that is not known. */
  readonly exit: SignalPayload<'run_exited'> | null;
  /** When its permission questions were answered in the past, by their ids: it goes on after the answer. */
  readonly answeredMs: ReadonlyMap<string, number>;
  /** Its open questions when the simulation begins. */
  readonly asking: readonly string[];
}

interface PlayedSignal {
  readonly type: SignalType;
  readonly payload: object;
}

/**
 * How any other effect ends, and after which time; null: nothing is recorded, so it succeeds at once. Its recorded commits are replaced by those of the script.
 */
export type KnownEnd = (effect: Exclude<Effect, AgentRun>) => (PlayedSignal & { readonly afterMs: number }) | null;

/** Returns how each run goes; `count`: the number of the run among those of that task, or of that role, from 1 on. */
export type Script = (run: AgentRun, count: number) => ScriptedRun;

/** A run that has begun. */
export interface PlayedRun {
  readonly id: string;
  readonly title: string;
  readonly role: Role;
  readonly wave: number | null;
  readonly task: number | null;
  readonly startMs: number;
  /** null: it has not ended. */
  endMs: number | null;
  outcome: 'done' | 'failed' | 'changes_requested' | 'stopped' | null;
}

/** How plans land in the line of their branch. */
export interface ScriptedLanding {
  /** How many plans are tried together. */
  readonly batch: number;
  /** How long the check takes. */
  readonly checkMs: number;
}

export interface ScriptedWork {
  readonly handlers: Handlers;
  /** In the order in which they began. */
  readonly runs: readonly PlayedRun[];
}

/** The signal of each role when it has done its work, and when it asks for changes. Coders, fixers and sessions only end. */
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
  ends = () => null,
  begun = {},
  landing = { batch: 1, checkMs: 0 },
}: {
  clock: VirtualClock;
  policy: () => Policy;
  script: Script;
  ends?: KnownEnd | undefined;
  /** The heads of branches at the beginning. */
  begun?: Readonly<Record<string, string>> | undefined;
  landing?: ScriptedLanding | undefined;
}): ScriptedWork {
  const stage: Stage = {
    ...{ clock, policy, script, runs: [], counts: new Map() },
    ...{ commits: createCommits(begun), answers: createAnswers() },
  };
  const other = { ...stage, ends, succeeding: succeedingEffects(stage, landing) };
  const handlers = {
    ...Object.fromEntries(
      Object.keys(other.succeeding).map((kind) => [
        kind,
        (effect: Exclude<Effect, AgentRun>, context: EffectContext) => end(other, effect, context),
      ]),
    ),
    'agent.run': (effect: AgentRun, context: EffectContext) => play(stage, effect, context),
  } as unknown as Handlers; // each kind of the table, and runs
  return { handlers, runs: stage.runs };
}

interface Stage {
  readonly clock: VirtualClock;
  readonly policy: () => Policy;
  readonly script: Script;
  readonly runs: PlayedRun[];
  /** How many runs each task, or each role, has had. */
  readonly counts: Map<string, number>;
  readonly commits: ReturnType<typeof createCommits>;
  readonly answers: ReturnType<typeof createAnswers>;
}

/** A run of an agent, as the script has it. */
async function play(stage: Stage, effect: AgentRun, context: EffectContext): Promise<Outcome> {
  const { clock, policy, script, runs, counts, commits, answers } = stage;
  const { role, title, wave, task, place } = effect;
  // Each review has an agent of its own, and the script counts the second agent as the second run.
  const counted = wave === null ? `${place.from} ${role}` : title;
  const count = (counts.get(counted) ?? 0) + 1;
  counts.set(counted, count);
  const { durationMs, outcome, known, sinceMs = clock.nowMs() } = script(effect, count);
  const run: PlayedRun = { id: effect.id, title, role, wave, task, startMs: sinceMs, endMs: null, outcome: null };
  runs.push(run);
  context.began();
  const begins = { base: commits.headOf(place.from) };
  if (known === undefined) context.report('started', 'run_started', begins);
  const asking = new Set(known?.asking);
  /** How much later events are than in the past, because answers took longer. */
  let shiftMs = 0;
  const until = async (afterMs: number) => {
    for (const id of asking) {
      const then = known?.answeredMs.get(id);
      if (then === undefined || then > afterMs) continue;
      asking.delete(id);
      if (!(await answers.given(`${effect.id} ${id}`, context.stop))) return false;
      shiftMs = clock.nowMs() - sinceMs - then;
    }
    return clock.pause(Math.max(0, sinceMs + shiftMs + afterMs - clock.nowMs()), context.stop);
  };
  let isWhole = true;
  for (const [index, { afterMs, isByAgent, type, payload }] of (known?.words ?? []).entries()) {
    isWhole &&= await until(afterMs);
    if (!isWhole) break;
    const word = `word-${index}`;
    if (type === 'run_waiting') asking.add((payload as SignalPayload<'run_waiting'>).permission); // the row has that type
    // As it was recorded; only its commits are those of the script.
    if (type === 'run_started') context.report('started', type, begins);
    else if (isByAgent) context.sendAs(title, word, type, payload as never);
    else context.report(word, type, payload as never);
  }
  isWhole &&= await until(durationMs);
  run.endMs = clock.nowMs();
  if (!isWhole) {
    run.outcome = 'stopped';
    return { type: 'run_exited', payload: { code: null, cause: 'stopped', detail: '' } };
  }
  if (known?.exit != null) {
    run.outcome = known.exit.cause === 'exit' && known.exit.code === 0 ? 'done' : 'failed';
    return { type: 'run_exited', payload: known.exit };
  }
  const asksForChanges = outcome === 'failed' && words[role]?.failed !== undefined;
  run.outcome = asksForChanges ? 'changes_requested' : outcome;
  const speaks = outcome === 'done' || asksForChanges;
  const word = speaks && !policy().roles[role].speaksByExit ? words[role]?.[outcome] : undefined;
  if (word !== undefined) context.sendAs(title, 'said', word, {});
  const code = outcome === 'done' || word !== undefined ? 0 : 1;
  return { type: 'run_exited', payload: { code, cause: 'exit', detail: '' } };
}

type Succeeding = Omit<Handlers, 'agent.run'>;

/** Every effect that is no run of an agent, as it ends where nothing is recorded. */
function succeedingEffects({ clock, commits, answers }: Stage, landing: ScriptedLanding): Succeeding {
  const nothing = async (): Promise<Outcome> => ({ type: null });
  return {
    'work.commit': async ({ aside, place }) => {
      if (aside) return { type: null };
      const base = commits.headOf(place.branch);
      return { type: 'work_committed', payload: { head: commits.commitOn(place.branch), base, changed: true } };
    },
    'work.check': async () => ({ type: 'check_passed', payload: {} }),
    'work.merge': async ({ place }) => ({ type: 'work_merged', payload: { head: commits.commitOn(place.from) } }),
    'branch.archive': async ({ branch }) => ({ type: 'branch_archived', payload: { head: commits.commitOn(branch) } }),
    'branch.base': async ({ branch }) => ({ type: 'branch_based', payload: { head: commits.commitOn(branch) } }),
    'plan.merge': async ({ branch, into }) => {
      const merged = into ?? 'main';
      return {
        type: 'plan_merged',
        payload: { head: commits.commitOn(merged), into: merged, tip: commits.headOf(branch) },
      };
    },
    'landing.find': async ({ into }) => ({ type: 'line_found', payload: { into: into ?? 'main' } }),
    'landing.prepare': async ({ branch, into, on }) => {
      const base = on ?? commits.headOf(into);
      const commit = commits.next();
      return {
        type: 'landing_prepared',
        payload: { commit, base, tip: commits.headOf(branch), check: 'true', batch: landing.batch },
      };
    },
    'landing.check': async (_, { stop }) => {
      await clock.pause(landing.checkMs, stop);
      return { type: 'check_passed', payload: {} };
    },
    'landing.merge': async ({ into, commit, tip }) => {
      commits.move(into, commit);
      return { type: 'plan_merged', payload: { head: commit, into, tip } };
    },
    'agent.freeze': nothing,
    'agent.thaw': nothing,
    'agent.answer': async ({ run, permission }) => {
      answers.give(`${run} ${permission}`);
      return { type: null };
    },
    'agent.type': nothing,
    'work.undo': nothing,
    'worktree.remove': nothing,
    'hook.deliver': nothing,
    'plan.pull': nothing,
    'pull.merge': nothing,
    'refs.push': nothing,
    'machine.effect': nothing,
  };
}

/** Its recorded end; commits in it are those of the script. */
async function end(
  { clock, commits, ends, succeeding }: Stage & { readonly ends: KnownEnd; readonly succeeding: Succeeding },
  effect: Exclude<Effect, AgentRun>,
  context: EffectContext,
): Promise<Outcome> {
  const known = ends(effect);
  const handler = succeeding[effect.kind] as Handler<typeof effect>; // the table has each kind's own
  if (known === null) return handler(effect, context);
  await clock.pause(known.afterMs, context.stop);
  if (!madeCommits.has(known.type)) return { type: known.type, payload: known.payload } as Outcome; // as it was recorded
  if (effect.kind === 'work.commit' && 'changed' in known.payload && known.payload.changed === false) {
    const head = commits.headOf(effect.place.branch);
    return { type: 'work_committed', payload: { ...known.payload, changed: false, head, base: head } };
  }
  const made = await handler(effect, context);
  return 'payload' in made ? ({ ...made, payload: { ...known.payload, ...made.payload } } as Outcome) : made;
}

/** The answered questions of runs, and the callers that wait for an answer. */
function createAnswers() {
  const answers = new Set<string>();
  const waiting = new Map<string, () => void>();
  return {
    give(question: string): void {
      answers.add(question);
      waiting.get(question)?.();
    },
    /** false: it must stop first. */
    given(question: string, stop: AbortSignal): Promise<boolean> {
      return new Promise((resolve) => {
        if (answers.has(question) || stop.aborted) resolve(!stop.aborted);
        waiting.set(question, () => resolve(true));
        stop.addEventListener('abort', () => resolve(false), { once: true });
      });
    },
  };
}

/** Commits that do not exist, and the head of each branch. */
function createCommits(begun: Readonly<Record<string, string>>) {
  let count = 0;
  const heads = new Map<string, string>(Object.entries(begun));
  const next = () => {
    count += 1;
    return nameOf(count);
  };
  return {
    next,
    headOf: (branch: string) => heads.get(branch) ?? nameOf(0),
    move: (branch: string, commit: string) => void heads.set(branch, commit),
    commitOn(branch: string): string {
      const commit = next();
      heads.set(branch, commit);
      return commit;
    },
  };
}

/** The recorded end with the script's own commits. */
const madeCommits: ReadonlySet<SignalType> = new Set([
  'work_committed',
  'work_merged',
  'branch_archived',
  'branch_based',
  'plan_merged',
]);

/** The name of a commit that does not exist. */
function nameOf(commit: number): string {
  return commit.toString(16).padStart(40, '0');
}
