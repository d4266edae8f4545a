/**
 * Decides who may have written a signal file. In the repo's main folder: a person. In a worktree: its run, if its role may send that signal to that plan. No
 * one, if git tracks the file, if it belongs to another user, or if it has a second name elsewhere.
 *
 * A signal file may be found after its run's end: it counts if it was written between the time at which the run's worktree was ready and the run's end. The
 * times are the kernel's times of a file's last change, which no program can set.
 */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AgentRun, folderOf, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import type { Role } from '../../../machines/vocabulary/ids.ts';
import { draftNumber, instanceTitle, planTree } from '../../../machines/vocabulary/ids.ts';
import type { Store } from '../../core/store/port.ts';
import { isVerdict, judgesByMessage } from '../agents/reports/verdict.ts';
import { baseOf, readLaunch } from '../effects/workplace.ts';
import { type PlaceOfSignals, type TrackedNames, trackedSignals } from '../git/signal-paths.ts';
import { worktreesFolder } from '../git/worktree-folder.ts';
import { adminDirOf } from '../git/worktree-list.ts';
import type { Projects } from '../repos/registry.ts';
import type { NamedSignal } from './file-name.ts';
import type { ByteName, Seen } from './files.ts';
import { hasOtherName, noSenderText, ofOtherUser, tracked } from './reason-text.ts';

export interface SourceParts {
  readonly home: string;
  readonly project: string;
  readonly store: Pick<Store, 'effects' | 'launch' | 'plan' | 'run' | 'runs'>;
  readonly projects: Pick<Projects, 'repository'>;
  /** The presently configured folder of the repo's worktrees, relative to the repo. */
  worktreeDir(): string;
}

/** A signal folder, by real paths. */
export interface SourcePlace {
  readonly main: string;
  /** The main folder, or one of its worktrees. */
  readonly root: string;
  readonly place: PlaceOfSignals;
}

export interface DroppedFile {
  readonly name: ByteName;
  readonly named: NamedSignal;
  readonly plan: string;
  readonly seen: Seen;
  /** Other names of the same file that a writer has not removed yet. */
  readonly drafts: number;
}

/** The run that sends the signal, with the fields that matter. */
export interface Saying {
  /** The run's start commit; null: a person sends the signal, or the start commit is not known. */
  readonly base: string | null;
  /** The run, while it lives and alone could have written the file: its question is answered to it, and what it says after that is stale. */
  readonly run?: string;
  /** true: the run is one of several planners, and sends signals about its own draft. */
  readonly draftRun?: string;
}

export type Judgement = ({ readonly kind: 'counts' } & Saying) | { readonly kind: 'refused'; readonly reason: string };

export interface Source {
  /** Drops the remembered tracked files and runs, so that they are read again. */
  forget(): void;
  /** Throws git's and the store's errors: then the author is not known, and the file waits. */
  judge(file: DroppedFile): Promise<Judgement>;
}

/** The roles that may send signals from a worktree; `implement_wave` is only for people. */
const speakers: Partial<Record<NamedSignal['type'], readonly Role[]>> = {
  planner_finished: ['planner'],
  elaborator_finished: ['architect'],
  implement_finished: ['coder', 'fixer', 'session'],
  implement_task_finished: ['coder', 'session'],
  review_approved: ['reviewer'],
  review_changes_requested: ['reviewer'],
  needs_decision: ['planner', 'architect', 'coder', 'reviewer', 'fixer', 'verifier', 'session'],
};

/** The most runs of one plan that are checked for the signal of an ended run. */
const runLimit = 200;

/** A run and the time in which its signals were written, by the system's clock; `untilMs` null: it still runs. */
interface Life {
  readonly run: string;
  readonly role: string;
  readonly preset: string | null;
  readonly title: string;
  readonly fromMs: number;
  readonly untilMs: number | null;
}

export function createSource(parts: SourceParts, { main, root, place }: SourcePlace): Source {
  const { home, project, store, projects } = parts;
  /** Read once for all files of a check. */
  let names: Promise<TrackedNames> | null = null;
  const livesOf = new Map<string, Promise<Life[]>>();

  async function readNames(): Promise<TrackedNames> {
    const repository = await projects.repository(project);
    const { commonDir } = repository;
    const adminDir = root === main ? commonDir : await adminDirOf(repository, root);
    // It is no worktree of this repository, so it has no tracked files and no run.
    return adminDir === null ? new Set() : (await trackedSignals({ path: root, adminDir, commonDir }))[place];
  }

  /** Live runs first, then ended ones, the youngest first. */
  function lives(plan: string): Promise<Life[]> {
    const known = livesOf.get(plan);
    if (known !== undefined) return known;
    const found = Promise.all([livingAt(plan), endedAt(plan)]).then((both) => both.flat());
    livesOf.set(plan, found);
    return found;
  }

  function mayHaveSaid(life: Life, { named, plan }: DroppedFile): boolean {
    if (!(speakers[named.type] ?? []).some((role) => role === life.role)) return false;
    // Every process of the run could write such a file.
    if (isVerdict(named.type) && judgesByMessage(life.role, life.preset)) return false;
    if (named.type !== 'implement_task_finished' || life.role === 'session') return true;
    const { wave_number: wave = 0, task_number: task = 0 } = named.payload;
    return life.title === instanceTitle({ plan, role: 'coder', wave, task, round: 1 });
  }

  async function speakersOf(file: DroppedFile): Promise<Life[]> {
    const all = await lives(file.plan);
    return all.filter((life) => mayHaveSaid(life, file) && isWithinLife(file.seen, life));
  }

  async function endedAt(plan: string): Promise<Life[]> {
    const runs = await store.runs({ by: 'plan', project, plan, sinceMs: 0, limit: runLimit });
    const ended: Life[] = [];
    for (const { run, role, preset, title, worktree, folder, started_at, ended_at } of runs.toReversed()) {
      if (worktree !== root || ended_at === null) continue;
      const fromMs = (folder === null ? null : await readyAtMs(folder)) ?? started_at ?? 0;
      ended.push({ run, role, preset, title, fromMs, untilMs: ended_at });
    }
    return ended;
  }

  /** Runs whose effect is running in this worktree, and whose worktree was ready: earlier they send nothing. */
  async function livingAt(plan: string): Promise<Life[]> {
    const lives: Life[] = [];
    for (const row of await store.effects({ by: 'running' })) {
      if (row.kind !== 'agent.run' || row.project !== project || row.plan !== plan) continue;
      const effect = JSON.parse(row.payload) as AgentRun; // the row's kind decides the payload's type
      const worktree = join(worktreesFolder({ path: main }, parts.worktreeDir()), folderOf(placeOfRun(effect)));
      if (worktree !== root) continue;
      const launch = await readLaunch({ home, store }, row.key);
      const fromMs = launch === null ? null : await readyAtMs(launch.folder.path);
      if (fromMs === null) continue;
      const { role, title } = effect;
      const preset = (await store.run(row.key))?.preset ?? null;
      lives.push({ run: row.name, role, preset, title, fromMs, untilMs: null });
    }
    return lives;
  }

  return {
    forget() {
      names = null;
      livesOf.clear();
    },
    async judge(file) {
      const { name, seen, drafts } = file;
      const others = reasonAgainstOwner(seen.uid);
      if (others !== null) return refused(others);
      if (seen.links - drafts > 1) return refused(hasOtherName());
      names ??= readNames();
      const known = await names;
      if (known === 'all' || known.has(name)) return refused(tracked(join(place, name), root));
      if (root === main) return { kind: 'counts', base: null };
      const [speaker, other] = await speakersOf(file);
      if (speaker === undefined)
        return refused(noSenderText({ ...file, main, root, roles: speakers[file.named.type] ?? [] }));
      return {
        kind: 'counts',
        base: await baseOf({ home, store }, { tree: planTree(project, file.plan) }, speaker.run),
        ...(speaker.untilMs === null && other === undefined ? { run: speaker.run } : {}),
        ...(draftNumber(speaker.run) === null ? {} : { draftRun: speaker.run }),
      };
    },
  };
}

/** null: the file belongs to this user. */
export function reasonAgainstOwner(uid: number): string | null {
  const own = process.geteuid?.() ?? uid;
  return uid === own ? null : ofOtherUser(uid, own);
}

function refused(reason: string): Judgement {
  return { kind: 'refused', reason };
}

function isWithinLife({ sinceMs }: Seen, { fromMs, untilMs }: Life): boolean {
  return sinceMs >= fromMs && (untilMs === null || sinceMs <= untilMs);
}

/** When a run's worktree was ready for its agent; null: never, or its folder is gone. */
function readyAtMs(folder: string): Promise<number | null> {
  return changedAtMs(join(folder, 'ready'));
}

/** null: there is no such file. */
async function changedAtMs(path: string): Promise<number | null> {
  return lstat(path).then(
    ({ ctimeMs }) => ctimeMs,
    () => null,
  );
}
