/** A line of the journal for people and programs, with the reason, which comes from its signal and its run. */

import type { Kinds } from '../../../actors/kind.ts';
import type { PublicMove } from '../../../actors/recorder.ts';
import type { Refusal } from '../../../actors/refusal.ts';
import type { Reason } from '../../../machines/vocabulary/effect.ts';
import { onOneLine } from '../../../machines/vocabulary/errors.ts';
import { type PlanTree, parseTree } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { Store } from '../../core/store/port.ts';
import type { JournalLine, RunRow } from '../../core/store/rows.ts';
import { firstInformative, whyFailed } from '../../work/agents/reports/informative-lines.ts';
import {
  type JsonObject,
  numberAt,
  numbersAt,
  objectAt,
  objectOf,
  textAt,
  textsAt,
} from '../../work/agents/reports/json-line.ts';
import type { FactEntry, HistoryEntry } from '../contract/plans.ts';
import { timeOrNull, timeText } from './time-text.ts';

/** The most lines of a review in its notification. */
const reviewLines = 3;
/** Questions and answers: they are news even if no state changes. `answered` is the answer in the form that the agent gets. */
const aboutQuestions: ReadonlySet<string> = new Set(['needs_decision', 'child_asked', 'answer', 'answered', 'resolve']);
/** Findings at the end of a run, one line each: they are news even if no state changes, and are not cut. */
const isNote = (event: string): boolean => event === 'run_noted';
/** The most characters of a question or an answer in its notification. */
const wordLimit = 1_000;
/** The most files of a conflict that are named. */
const filesNamed = 3;

export function createFactView({ store, kinds }: { readonly store: Store; readonly kinds: Kinds }) {
  async function historyEntry(line: JournalLine): Promise<HistoryEntry> {
    const { signal, from, to } = line;
    const move = kinds.moveOf(line);
    const entry = bareEntry(line, move);
    const begins = move.after.has('at-work');
    const isMove = from !== to && entry.refused === null;
    const isNews = isMove || (entry.refused === null && (aboutQuestions.has(line.event) || isNote(line.event)));
    const payload = isNews && signal !== null ? await payloadOf(store, signal) : null;
    const run = isMove && (begins || hasFailed(move)) ? await runAt(store, line) : null;
    const reason = (run?.reason ?? null) as Reason | null; // written from the machine's reasons
    return {
      ...entry,
      attempt: run?.attempt ?? null,
      reason: hasFailed(move) ? reason : null,
      why: payload === null || hasAsked(line, move) ? null : whyOf(payload, line, reason),
      questions: payload === null || line.event !== 'answer' ? [] : numbersAt(payload, 'questions'),
      until: payload === null ? null : timeOrNull(numberAt(payload, 'until')),
      stands_in: begins ? (run?.profile ?? null) : null,
      resumed: run !== null && begins && (await store.countRuns(run, run)) > 0,
    };
  }

  /** Entries by their line object, which all listeners share: an entry for ten watchers is looked up once. */
  const made = new WeakMap<JournalLine, Promise<FactEntry>>();

  const bare = new WeakMap<JournalLine, FactEntry>();

  function bareFactOf(line: JournalLine, names: Names): FactEntry {
    const fact = bare.get(line) ?? { ...bareEntry(line, kinds.moveOf(line)), ...names };
    bare.set(line, fact);
    return fact;
  }

  function factOf(line: JournalLine, names: Names): Promise<FactEntry> {
    const known = made.get(line);
    if (known !== undefined) return known;
    const making = historyEntry(line).then((entry) => ({ ...entry, ...names }));
    made.set(line, making);
    making.catch(() => made.delete(line)); // the caller gets the error
    return making;
  }

  return {
    historyEntry,
    /** Facts with the project and plan from their tree's address, only those of the given repo or plan. The same line gives the same fact. */
    facts(lines: readonly JournalLine[], { project, plan, tree, isBare = false }: Wanted = {}): Promise<FactEntry[]> {
      const wanted = lines.flatMap((line) => {
        const names = namesIn(line.tree);
        const isMeant =
          (project ?? names.project) === names.project &&
          (plan ?? names.plan) === names.plan &&
          (tree ?? line.tree) === line.tree;
        return isMeant ? [{ line, names }] : [];
      });
      if (isBare) return Promise.resolve(wanted.map(({ line, names }) => bareFactOf(line, names)));
      return Promise.all(wanted.map(({ line, names }) => factOf(line, names)));
    },
  };
}

export interface Wanted {
  readonly project?: string | undefined;
  readonly plan?: string | undefined;
  readonly tree?: string | undefined;
  /** The entry without the fields that need the store. */
  readonly isBare?: boolean;
}

/** Only the content of the line itself: no attempt and no reasons. */
function bareEntry(line: JournalLine, { before, after }: PublicMove): HistoryEntry {
  const { seq, at, signal, origin, actor, event, from, to, effects, emitted } = line;
  const refused = line.refused as Refusal | null; // the stored text is a refusal
  const looked = {
    attempt: null,
    reason: null,
    why: null,
    questions: [],
    until: null,
    stands_in: null,
    resumed: false,
  };
  const tags = { from_tags: [...before], to_tags: [...after] };
  return {
    seq,
    at: timeText(at),
    signal,
    origin,
    actor,
    event,
    from,
    to,
    ...tags,
    effects,
    refused,
    ...(emitted === undefined ? {} : { emitted }),
    ...looked,
  };
}

interface Names {
  readonly project: string | null;
  readonly plan: string | null;
}

/** The names in a tree's address; none for an invalid address: one odd line must not end the streams that read it. */
function namesIn(address: string): Names {
  try {
    const parsed = parseTree(address);
    return { project: 'project' in parsed ? parsed.project : null, plan: 'plan' in parsed ? parsed.plan : null };
  } catch {
    return { project: null, plan: null }; // it throws only for an invalid address
  }
}

/** Whether a run ended with its question asked: what it printed last is no cause of the wait. */
function hasAsked({ event }: JournalLine, { after }: PublicMove): boolean {
  return event === 'run_exited' && after.has('waits:needs_decision');
}

/** Whether an agent or a task ended without its work. */
function hasFailed({ after }: PublicMove): boolean {
  return failures.some((tag) => after.has(tag));
}
const failures = ['run:backing_off', 'run:failed', 'waits:rate-limited', 'task:failed'] as const;

async function payloadOf(store: Store, signal: number): Promise<JsonObject | null> {
  const row = await store.signal(signal);
  return row === null ? null : objectOf(row.payload);
}

/** The run of an agent's line, or of a task that failed with it; null for any other line. */
async function runAt(store: Store, { tree, actor, at }: JournalLine): Promise<RunRow | null> {
  if (!isPlanTree(tree)) return null;
  const paths = actor.endsWith('/agent') ? [actor] : [`${actor}/agent`, actor];
  const found = await Promise.all(paths.map((path) => store.runs({ by: 'agent', tree, path, atMs: at })));
  return found.flat()[0] ?? null;
}

function isPlanTree(tree: string): tree is PlanTree {
  return tree.startsWith('plan:');
}

/** A judge's text begins with the important part; a failed agent's text ends with it. */
function whyOf(payload: JsonObject, { event }: JournalLine, reason: Reason | null): string | null {
  const files = textsAt(payload, 'files');
  if (files.length > 0) return safeText(shortList(files, filesNamed));
  // For committed work: why it does not count, and the question to the person.
  const added = textAt(objectAt(payload, 'additions') ?? {}, 'question');
  const fault = textAt(payload, 'aside') ?? textAt(payload, 'deletions') ?? added;
  if (fault !== null) return onOneLine(safeText(fault)).slice(0, wordLimit);
  const said = textAt(payload, 'detail') ?? textAt(payload, 'body') ?? textAt(payload, 'reason');
  if (said === null) return null;
  const text = safeText(said);
  if (isNote(event)) return text;
  if (aboutQuestions.has(event)) return onOneLine(text).slice(0, wordLimit) || null;
  const isVerdict = event.startsWith('review_') || event.startsWith('verify_');
  if (isVerdict) return firstInformative(text, reviewLines).join('\n') || null;
  const cause = textAt(payload, 'cause');
  const isOurs = cause === 'start-failed' || cause === 'unusable' || event === 'effect_failed';
  if (isOurs) return whyFailed(text, 'start-failed');
  return whyFailed(text, event === 'check_failed' ? 'check-failed' : reason);
}
