/** Which engine owns a home, and which agents it starts: derived from the owner of the home, and the same text wherever people read it. Pure. */
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';

/** The engine that owns a home. */
export type HomeEngine =
  | { readonly kind: 'none' }
  /** `run`: a `stator run`, which starts the plans that were run there. `program`: one that embeds an engine. `answers`: its socket takes requests. */
  | { readonly kind: 'daemon' | 'run' | 'program'; readonly pid: number; readonly answers: boolean };

/** Why the engine at hand starts no agents of a plan. */
export type NotStarting = HomeEngine | { readonly kind: 'drained'; readonly host: string };

/** A plan as a `run` gets it. `folder`: of its repo. `file` null: it came without one. */
export interface RunnablePlan {
  readonly folder: string;
  readonly file: string | null;
}

/** The engine's name, for the middle of a sentence. */
export function engineName(engine: Exclude<HomeEngine, { kind: 'none' }>): string {
  const names = { daemon: 'the daemon', run: 'a `stator run`', program: 'the engine of a program' };
  return `${names[engine.kind]} (pid ${engine.pid})`;
}

/** Which engine has the home, where none answers there. */
export function absentText(engine: HomeEngine): string {
  return engine.kind === 'none' ? 'no engine runs' : `${engineName(engine)} has this home and does not answer`;
}

/** What to do so that an engine answers and starts the agents of all plans, with the command: the rest of a sentence. */
export function absentStep(engine: HomeEngine): string {
  switch (engine.kind) {
    case 'none':
      return 'start one: stator daemon start';
    case 'daemon':
      return 'restart it: stator daemon restart; its agents live on';
    case 'run':
    case 'program':
      return `end it where it runs (Ctrl-C, or kill ${engine.pid}), then: stator daemon start`;
    default:
      return engine satisfies never;
  }
}

/** Why no agents of a plan start, and the command that changes that. */
export function unstartedText(why: NotStarting, plan: RunnablePlan | null): string {
  const run = plan === null || plan.file === null ? null : runText({ folder: plan.folder, file: plan.file });
  switch (why.kind) {
    case 'none':
      return `no engine starts its agents now; start one with: stator daemon start${run === null ? '' : `, or for this plan alone: ${run}`}`;
    case 'drained':
      return `host ${why.host} starts no agents; let it start them again: stator host drain ${shellWord(why.host)} --undo`;
    case 'run':
      if (!why.answers) return `${absentText(why)}; ${absentStep(why)}`;
      return run === null
        ? `${engineName(why)} has this home, and starts only the plans that were run there; when it has ended: stator daemon start`
        : `${engineName(why)} has this home, and starts only the plans that were run there; add this one with: ${run}`;
    case 'daemon':
    case 'program':
      return `${absentText({ ...why, answers: false })}; ${absentStep(why)}`;
    default:
      return why satisfies never;
  }
}

/** From any folder. */
function runText({ folder, file }: { readonly folder: string; readonly file: string }): string {
  return `cd ${shellWord(folder)} && stator run ${shellWord(file)}`;
}

/** What happens to a watched plan when the person stops watching. */
export function goesOnText(plan: string, engine: HomeEngine | null): string {
  switch (engine?.kind) {
    case 'daemon':
      return `the daemon goes on with ${plan}`;
    case 'run':
      return `${engineName(engine)} goes on with ${plan} until it ends or needs you, unless that run is ended`;
    case 'program':
      return `${engineName(engine)} goes on with ${plan}`;
    default:
      return `its engine goes on with ${plan}`;
  }
}
