/** What a plan's root remembers, and the questions that guards and views ask of it. Pure functions over JSON. */
import type { Reason } from './effect.ts';
import type { TaskResult, WaveOutline } from './family.ts';
import { parsePlan } from './plan-document.ts';
import type { Policy, Role } from './policy.ts';

export const blockSources = ['agent', 'failed', 'cycle_limit', 'review', 'override', 'fault', 'no_verdict'] as const;
export type BlockSource = (typeof blockSources)[number];

export interface Block {
  reason: string;
  source: BlockSource;
  at: number;
}

export const timestampNames = ['planning_at', 'implementing_at', 'reviewing_at', 'verifying_at', 'done_at'] as const;
export type TimestampName = (typeof timestampNames)[number];

/** What machines keep of the document; the text itself stays in the plan's row. */
export interface DocumentFacts {
  title: string | null;
  topic: string | null;
  after: string[];
  waves: WaveOutline[];
  isParsed: boolean;
  /** The first problem of a document that does not parse, with its line. */
  problem: string | null;
}

export interface PlanContext extends DocumentFacts {
  path: '';
  project: string;
  plan: string;
  branch: string;
  policy: Policy;
  /** Generations of children over the plan's whole life, past incarnations included. */
  count: number;
  living: Record<string, Role | 'wave'>;
  /** The child that has the say now. */
  now: string | null;
  granted: boolean;
  elaborated: boolean;
  /** The wave that runs, waits, or ran last; 0 before the first. */
  wave: number;
  /** The wave that a person asked for. */
  wantedWave: number | null;
  results: Record<number, Record<number, TaskResult>>;
  reviewCycle: number;
  feedback: string | null;
  rounds: { reviewer: number; fixer: number; verifier: number };
  drafts: string[];
  /** Why the status stands still; set just before `standing` is entered. */
  standing: { source: BlockSource; reason: string } | null;
  blocked: Block | null;
  head: string | null;
  verifiedSha: string | null;
  /** Times that the plan was begun anew; the earlier branches are archived under these numbers. */
  pass: number;
  archivePending: boolean;
  /** The wish of this root that is under way. */
  work: string | null;
  pullRequestUrl: string | null;
  timestamps: Partial<Record<TimestampName, number>>;
  at: number;
}

/** The facts of a document, as often as one comes in. */
export function documentFacts(content: string): DocumentFacts {
  const { ok, document, problems } = parsePlan(content);
  const [first] = problems;
  return {
    title: document.title,
    topic: document.topic,
    after: document.after,
    waves: ok
      ? document.waves.map(({ number, tasks }) => ({
          number,
          tasks: tasks.map((task) => ({
            number: task.number,
            title: task.title,
            hasCheck: task.check !== null,
            after: task.after,
            files: task.files,
          })),
        }))
      : [],
    isParsed: ok,
    problem: first === undefined ? null : `line ${first.line}: ${first.message}`,
  };
}

export function waveOf(context: PlanContext, number: number): WaveOutline | undefined {
  return context.waves.find((wave) => wave.number === number);
}

/** The first wave with a task that is not done, or that lies after the wave that ran last; null: nothing is left. */
export function nextWave(context: PlanContext): number | null {
  if (context.wantedWave !== null) return context.wantedWave;
  const open = context.waves.find((wave) => wave.number > context.wave);
  return open?.number ?? null;
}

export function taskCount(context: DocumentFacts): number {
  return context.waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
}

export function isSmall(context: PlanContext): boolean {
  return (
    context.wave === 0 && context.wantedWave === null && taskCount(context) <= context.policy.blueprint_skip_threshold
  );
}

/**
 * Why an edited document cannot replace the one that is being implemented; null: it can. Finished waves are fixed, a wave that
 * was begun takes added tasks, later ones may change freely.
 */
export function editObstacle(context: PlanContext, content: string): string | null {
  const facts = documentFacts(content);
  if (!facts.isParsed) return `the document does not parse: ${facts.problem}`;
  for (const wave of context.waves.filter((old) => old.number <= context.wave)) {
    const edited = facts.waves.find((candidate) => candidate.number === wave.number);
    const isSame = wave.tasks.every((task, index) => sameTask(task, edited?.tasks[index]));
    if (edited === undefined || !isSame) return `wave ${wave.number} was begun: its tasks cannot change`;
    if (wave.number < context.wave && edited.tasks.length !== wave.tasks.length)
      return `wave ${wave.number} is finished: it is fixed`;
  }
  return null;
}

function sameTask(
  task: { number: number; title: string },
  other: { number: number; title: string } | undefined,
): boolean {
  return other !== undefined && other.number === task.number && other.title === task.title;
}

/** Results that survive an edit: those of tasks with the same wave, number and title. */
export function keptResults(context: PlanContext, waves: WaveOutline[]): PlanContext['results'] {
  const kept: PlanContext['results'] = {};
  for (const [wave, tasks] of Object.entries(context.results)) {
    const number = Number(wave);
    for (const [task, result] of Object.entries(tasks)) {
      const before = waveOf(context, number)?.tasks.find((candidate) => candidate.number === Number(task));
      const after = waves
        .find((w) => w.number === number)
        ?.tasks.find((candidate) => candidate.number === Number(task));
      if (before === undefined || !sameTask(before, after)) continue;
      kept[number] = { ...kept[number], [Number(task)]: result };
    }
  }
  return kept;
}

/** Every task of the given waves as done: by one coder for the whole plan, or because a person went past them. */
export function allDone(
  waves: WaveOutline[],
  how: { runs: number; run: string | null; detail: string; reason: Reason | null },
) {
  return Object.fromEntries(
    waves.map((wave) => [
      wave.number,
      Object.fromEntries(wave.tasks.map((task) => [task.number, { status: 'done', ...how } satisfies TaskResult])),
    ]),
  );
}
