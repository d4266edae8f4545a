/** The course of a plan over time, read from its journal: spans of work and of waiting on one axis. */
import { taskName, taskNamed } from '../machines/vocabulary/ids.ts';
import { reasonText } from '../machines/vocabulary/reason-text.ts';
import type { HistoryEntry, PlanShow } from '../runtime/api/contract/plans.ts';
import { shortTitle } from './needs.ts';

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly kind: 'work' | 'wait' | 'ask' | 'failed' | 'done';
  /** The kind of work, or the reason for the wait. */
  readonly text: string;
  /** The line of the journal with which it began. */
  readonly seq: number;
}

export interface Lane {
  /** The plan itself, `wave 1`, `w1-t2`, or the name of an agent for the whole plan. */
  readonly name: string;
  readonly spans: readonly Span[];
}

export interface Timeline {
  readonly fromMs: number;
  readonly toMs: number;
  readonly lanes: readonly Lane[];
}

type Look = readonly [kind: Span['kind'], text: string];

/** The kind of span that a state's tag begins. A tag that is not listed begins none. */
const ofAgent: Readonly<Record<string, Look>> = {
  'run:queued': ['wait', 'waits for a slot'],
  'run:starting': ['work', 'starting'],
  'run:running': ['work', 'at work'],
  'waits:permission': ['ask', 'asks for a permission'],
  'waits:needs_decision': ['ask', 'asks a person'],
  'waits:rate-limited': ['wait', 'waits for its account'],
  'run:paused': ['wait', 'paused by a person'],
  'run:stopping': ['work', 'ending'],
  'run:backing_off': ['wait', 'waits for its next attempt'],
};
const ofTask: Readonly<Record<string, Look>> = {
  'task:committing': ['work', 'being committed'],
  'task:asking': ['ask', 'asks a person'],
  'task:checking': ['work', 'being checked'],
  'task:merging': ['work', 'being merged'],
};
/** The tags of an agent that works for the whole plan, and of a task with its agent: the first that matches counts. */
const ofWorker = { ...ofAgent, ...ofTask };
const ofTaskLane = { ...ofTask, ...ofAgent };
const ofWave: Readonly<Record<string, Look>> = {
  'wave:running': ['work', 'at work'],
  'wave:failed': ['ask', 'failed: a person says what follows'],
};
const ofPlan: Readonly<Record<string, Look>> = {
  'needs:person': ['ask', 'needs a person'],
  'needs:answers': ['ask', 'needs answers'],
  'needs:word': ['ask', 'needs a person'],
  paused: ['wait', 'paused by a person'],
  'waits:turn': ['wait', 'waits for its turn to implement'],
  'status:planning': ['work', 'being planned'],
  'status:implementing': ['work', 'at work'],
  'status:reviewing': ['work', 'in review'],
  'status:verifying': ['work', 'being verified'],
};

/**
 * The names of the agents that work for the whole plan, by the path of their actor, which is part of their runs' ids: `reviewer.4` of
 * `plan:demo/mail/reviewer.4#1@5f2c`.
 */
export function namesOf(shown: Pick<PlanShow, 'project' | 'plan' | 'run_list'>): Map<string, string> {
  const tree = `plan:${shown.project}/${shown.plan}/`;
  const actorOf = (run: string) => run.slice(tree.length).split(/[/#]/)[0] ?? '';
  return new Map(shown.run_list.map(({ run, title }) => [actorOf(run), shortTitle(title, shown.plan)]));
}

/** The lanes of a plan up to the last of these lines. Open spans end at `nowMs`. `names`: agents that work for the whole plan, by path. */
export function timelineOf(
  journal: readonly HistoryEntry[],
  nowMs: number,
  names: ReadonlyMap<string, string> = new Map(),
): Timeline {
  const lanes = new Map<string, Open>();
  for (const line of journal) {
    // While a task's agent runs, the agent's own lines give the spans.
    if (line.refused !== null || line.to_tags.includes('task:working')) continue;
    const [name, looks] = laneOf(line.actor, names);
    const atMs = Date.parse(line.at);
    const lane = lanes.get(name) ?? { tags: new Map(), spans: [], open: null };
    lanes.set(name, lane);
    lane.tags.set(line.actor, line.to_tags);
    // A line of the plan is about one of its regions: the tags of the other regions stay.
    const tags = line.actor === '' ? withRegion(lane, line) : line.to_tags;
    const found = Object.entries(looks).find(([tag]) => tags.includes(tag));
    turn(lane, { atMs, look: found?.[1] ?? null, line });
  }
  const fromMs = Date.parse(journal[0]?.at ?? '') || nowMs;
  const shown = [...lanes].map(([name, { spans, open }]): Lane => {
    const last = open === null ? [] : [{ ...open, toMs: nowMs }];
    return { name, spans: [...spans, ...last] };
  });
  return {
    fromMs,
    toMs: Math.max(nowMs, fromMs + 1_000),
    lanes: inOrder(shown.filter(({ spans }) => spans.length > 0)),
  };
}

/** The plan, then each wave with its tasks, then the agents that work for all of it. */
function inOrder(lanes: readonly Lane[]): Lane[] {
  const rank = (name: string) => {
    const [, alone] = /^wave (\d+)$/.exec(name) ?? [];
    const at = alone === undefined ? taskNamed(name) : { wave: Number(alone), task: 0 };
    if (at !== null) return 1 + at.wave * 10_000 + at.task;
    return name === 'plan' ? 0 : Number.MAX_SAFE_INTEGER;
  };
  return lanes.toSorted((a, b) => rank(a.name) - rank(b.name));
}

interface Open {
  readonly tags: Map<string, readonly string[]>;
  readonly spans: Span[];
  open: Omit<Span, 'toMs'> | null;
}

function turn(lane: Open, { atMs, look, line }: { atMs: number; look: Look | null; line: HistoryEntry }): void {
  const { open } = lane;
  const text = look === null ? '' : textOf(look, line);
  if (open !== null && look !== null && open.kind === look[0] && open.text === text) return;
  if (open !== null) lane.spans.push({ ...open, toMs: atMs });
  lane.open = look === null ? null : { fromMs: atMs, kind: look[0], text, seq: line.seq };
  const failed = line.to_tags.includes('run:failed') || line.to_tags.includes('task:failed');
  if (failed) lane.spans.push({ fromMs: atMs, toMs: atMs, kind: 'failed', text: whyOf(line), seq: line.seq });
  if (line.to_tags.includes('task:done'))
    lane.spans.push({ fromMs: atMs, toMs: atMs, kind: 'done', text: 'done', seq: line.seq });
}

/** The text of a wait comes from its line of the journal. */
function textOf([kind, text]: Look, { why, reason, attempt }: HistoryEntry): string {
  const cause = kind === 'work' ? '' : (why ?? (reason === null ? '' : reasonText(reason)));
  const counted = attempt !== null && attempt > 1 ? `, attempt ${attempt}` : '';
  return `${text}${counted}${cause === '' ? '' : `: ${cause}`}`;
}

function whyOf({ why, reason }: HistoryEntry): string {
  return `failed${why === null ? (reason === null ? '' : `: ${reasonText(reason)}`) : `: ${why}`}`;
}

function withRegion(lane: Open, { from_tags: from, to_tags: to }: HistoryEntry): readonly string[] {
  const kept = (lane.tags.get('all') ?? []).filter((tag) => !from.includes(tag) && !to.includes(tag));
  const all = [...kept, ...to];
  lane.tags.set('all', all);
  return all;
}

/** The lane of an actor, by its path in the plan's tree. An agent is in the lane of its task. */
function laneOf(
  actor: string,
  names: ReadonlyMap<string, string>,
): [name: string, looks: Readonly<Record<string, Look>>] {
  if (actor === '') return ['plan', ofPlan];
  const [, wave, task] = /^wave-(\d+)[^/]*(?:\/task-(\d+))?/.exec(actor) ?? [];
  const [first = actor] = actor.split('/');
  if (wave === undefined) return [names.get(first) ?? first.replace('.', ' '), ofWorker];
  if (task === undefined) return [`wave ${wave}`, ofWave];
  return [taskName(Number(wave), Number(task)), ofTaskLane];
}
