/**
 * A plan as a trace of OpenTelemetry. It is made from the journal, the runs and the effects of the store, and every id is a digest of stored names: so each
 * request gives the same spans, whichever engine answers, and a collector gets one trace for a plan over all restarts.
 */

import { pathOfRequest, planTree } from '../../../machines/vocabulary/ids.ts';
import { isOver } from '../../../machines/vocabulary/plan-status.ts';
import { statorVersion } from '../../base/platform/version.ts';
import type { EffectRow, JournalLine, PlanRow, RunRow } from '../../core/store/rows.ts';
import { spanIdOf, traceIdOf } from '../../core/store/trace-ids.ts';
import type { PlanTrace, TraceAttribute, TraceSpan } from '../contract/traces.ts';
import type { ViewDependencies } from './view-dependencies.ts';

/** The most lines of one reading of the journal. */
const linesOfPage = 1_000;
/** More runs than any plan has had; the newest are kept. */
const mostRuns = 10_000;

type Parts = Pick<ViewDependencies, 'store' | 'kinds' | 'clock'>;

interface ActorTimes {
  readonly path: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Whether its last state is a failure. */
  readonly hasFailed: boolean;
}

/** What a span needs beside the ids of its trace. */
interface Part {
  readonly id: string;
  /** null: the plan's own span. */
  readonly parent: string | null;
  readonly name: string;
  readonly startMs: number;
  /** null: it has not ended. */
  readonly endMs: number | null;
  readonly attributes: Readonly<Record<string, string | number | null>>;
  readonly failure?: string | null;
  readonly link?: string | undefined;
}

export async function planTrace(parts: Parts, row: PlanRow): Promise<PlanTrace> {
  const { store, clock } = parts;
  const tree = planTree(row.project, row.plan);
  const { project, plan, createdAt } = row;
  const [actors, runs, effects] = await Promise.all([
    readActors(parts, row),
    store.runs({ by: 'plan', project, plan, sinceMs: createdAt, limit: mostRuns }),
    store.effects({ by: 'begun', tree }),
  ]);
  const known = new Set(actors.map(({ path }) => path));
  const spanParts = [
    planPart(row),
    ...actors.filter(({ path }) => path !== '').map((actor) => actorPart(actor, known)),
    ...runs.map((run, index) => runPart(run, { known, before: runs.slice(0, index) })),
    // An earlier plan of that name may have had some, and a run has a span of its own.
    ...effects
      .filter(({ kind, created_at: at }) => kind !== 'agent.run' && at >= createdAt)
      .map((effect) => effectPart(effect, known)),
  ];
  const traceId = traceIdOf(row);
  const spans = spanParts.map((part) => spanOf(part, { traceId, nowMs: clock.nowMs() }));
  const scope = { name: 'stator', version: statorVersion() };
  const attributes = attributesOf({ 'service.name': 'stator', 'service.version': statorVersion() });
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope, spans }] }] };
}

/** Each actor of the plan from its first line in the journal to its last one, including the lines of its children. */
async function readActors({ store, kinds }: Parts, { project, plan }: PlanRow): Promise<ActorTimes[]> {
  const tree = planTree(project, plan);
  const actors = new Map<string, ActorTimes>();
  const note = (line: JournalLine) => {
    const { actor, at, from, to } = line;
    const { after } = kinds.moveOf(line);
    const failed = [...after].some((tag) => tag.endsWith(':failed'));
    for (const path of withParents(actor)) {
      const before = actors.get(path) ?? { path, startMs: at, hasFailed: false };
      const hasFailed = path === actor && from !== to ? failed : before.hasFailed;
      actors.set(path, { ...before, endMs: at, hasFailed });
    }
  };
  for (let after = Math.max(0, (await store.firstLine(tree)) - 1); ; ) {
    const lines = await store.journal({ tree, after, limit: linesOfPage });
    for (const line of lines) note(line);
    const last = lines.at(-1);
    if (last === undefined) return [...actors.values()];
    after = last.seq;
  }
}

/** `a/b` gives `a/b`, `a` and the plan itself. */
function withParents(path: string): string[] {
  const names = path === '' ? [] : path.split('/');
  return [...names.map((_, index) => names.slice(0, names.length - index).join('/')), ''];
}

function planPart({ project, plan, status, createdAt, updatedAt, faultSignal, blocked }: PlanRow): Part {
  return {
    id: '',
    parent: null,
    name: `plan ${plan}`,
    startMs: createdAt,
    endMs: isOver(status) ? updatedAt : null,
    attributes: { 'stator.project': project, 'stator.plan': plan, 'stator.status': status },
    failure: blocked === null && faultSignal === null ? null : 'it needs a person',
  };
}

function actorPart({ path, startMs, endMs, hasFailed }: ActorTimes, known: ReadonlySet<string>): Part {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    id: path,
    parent: parentOf(path.slice(0, Math.max(0, path.lastIndexOf('/'))), known),
    name,
    startMs,
    endMs,
    attributes: { 'stator.actor': path },
    failure: hasFailed ? 'failed' : null,
  };
}

function runPart(run: RunRow, { known, before }: { known: ReadonlySet<string>; before: readonly RunRow[] }): Part {
  const {
    title,
    attempt,
    role,
    preset,
    state,
    reason,
    started_at: startedAt,
    ended_at: endedAt,
    final_at: finalAt,
  } = run;
  const previous = before.findLast((earlier) => earlier.title === title);
  return {
    id: run.key,
    parent: parentOf(pathOfRequest(run.run), known),
    name: `run ${title} attempt ${attempt}`,
    startMs: startedAt ?? run.queued_at,
    endMs: endedAt ?? finalAt,
    attributes: {
      'stator.title': title,
      'stator.role': role,
      'stator.attempt': attempt,
      'stator.state': state,
      'stator.reason': reason,
      'stator.preset': preset,
      'stator.exit_code': run.exit_code,
      'stator.input_tokens': run.input_tokens,
      'stator.output_tokens': run.output_tokens,
      'stator.cost_usd': run.cost_usd,
    },
    failure: reason,
    link: previous?.key,
  };
}

/** The text of an error is left out: it may contain text of an agent. */
function effectPart(effect: EffectRow, known: ReadonlySet<string>): Part {
  const {
    key,
    name,
    kind,
    lane,
    status,
    attempts,
    created_at: at,
    started_at: startedAt,
    finished_at: endedAt,
  } = effect;
  return {
    id: key,
    parent: parentOf(pathOfRequest(name), known),
    name: kind,
    startMs: startedAt ?? at,
    endMs: endedAt,
    attributes: { 'stator.lane': lane, 'stator.status': status, 'stator.tries': attempts },
    failure: status === 'failed' ? 'failed' : null,
  };
}

/** The nearest actor that is in the journal; it may have been shortened. */
function parentOf(path: string, known: ReadonlySet<string>): string {
  return withParents(path).find((each) => known.has(each)) ?? '';
}

function spanOf(part: Part, { traceId, nowMs }: { traceId: string; nowMs: number }): TraceSpan {
  const { id, parent, name, startMs, endMs, attributes, failure = null, link } = part;
  const idOf = (of: string) => spanIdOf(traceId, of);
  return {
    traceId,
    spanId: idOf(id),
    ...(parent === null ? {} : { parentSpanId: idOf(parent) }),
    name,
    kind: 1,
    startTimeUnixNano: nanosOf(startMs),
    // The clock may have been set back meanwhile.
    endTimeUnixNano: nanosOf(Math.max(startMs, endMs ?? nowMs)),
    attributes: attributesOf(attributes),
    links: link === undefined ? [] : [{ traceId, spanId: idOf(link) }],
    status: failure === null ? { code: 0 } : { code: 2, message: failure },
  };
}

function nanosOf(ms: number): string {
  return `${ms}000000`;
}

/** Unknown values are left out. */
function attributesOf(values: Readonly<Record<string, string | number | null>>): TraceAttribute[] {
  return Object.entries(values).flatMap(([key, value]): TraceAttribute[] => {
    if (value === null) return [];
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }];
    return [{ key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }];
  });
}
