/**
 * The exchange between a plan and the issue that it came from: the plan's state is written there, once per transition; edits and comments of people who may
 * start work become messages for its agents. A transition is a row with a key before it is written to the tracker, and the tracker is searched for the key
 * before writing: so an engine that is killed in between writes nothing twice.
 */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { newDeliveryId } from '../../base/platform/delivery-id.ts';
import { CommitLost } from '../../core/store/port.ts';
import type { IntakeState, IntakeThreadRow, PlanRow } from '../../core/store/rows.ts';
import { excerpt, fenced, oneLine } from '../agents/prompts/quotation.ts';
import type { Follow, MessageToAgents, SourceParts } from './source.ts';
import {
  type Author,
  digestOf,
  isSame,
  statePrefix,
  type TrackedComment,
  type TrackedIssue,
  type Tracker,
  type TrackerConfig,
  whoIs,
} from './tracker.ts';

const textLimitBytes = 16 * 1024;
const commentLimitBytes = 4 * 1024;
/** A part of every comment that stator writes. */
const ownMark = /stator:msg_[0-9a-z]{26}/;

interface ThreadParts {
  readonly config: TrackerConfig;
  readonly parts: SourceParts;
  readonly everyMs: number;
  asking<Answer>(act: (tracker: Tracker) => Promise<Answer>, item: string): Promise<Answer>;
  mayStart(tracker: Tracker, author: Author): Promise<boolean>;
  /** Why the issue's text may not start work; null: it may. */
  textRefusal(tracker: Tracker, issue: TrackedIssue): Promise<string | null>;
  /** The number of requests to read the tracker at once. */
  nudges(): number;
}

/** null: there is no such plan. */
export function stateOf(plan: Pick<PlanRow, 'status' | 'blocked' | 'paused'> | null): IntakeState {
  if (plan === null || plan.status === 'cancelled') return 'cancelled';
  if (plan.status === 'done') return 'done';
  if (plan.blocked !== null || plan.paused) return 'waiting';
  return plan.status === 'ready' ? 'taken' : 'running';
}

const sentences: Readonly<Record<IntakeState, (plan: string) => string>> = {
  taken: (plan) => `This became the plan \`${plan}\`.`,
  running: (plan) => `Work on it has begun (plan \`${plan}\`).`,
  waiting: (plan) => `The work waits for a person (plan \`${plan}\`).`,
  done: (plan) => `The work is done (plan \`${plan}\`).`,
  cancelled: (plan) => `The work was cancelled (plan \`${plan}\`).`,
};

/** A comment; forges hide its last line. The reason why a plan waits is left out, because an issue may be public. */
export function stateComment({ state, plan, key }: Pick<IntakeThreadRow, 'state' | 'plan' | 'key'>): string {
  return `${sentences[state](plan)}\n\n<!-- stator:${key} -->`;
}

/**
 * Changes that the plan's agents have not received yet, the oldest first. `isEdited`: the issue's text was edited by an author who may start work.
 */
export function newsOf(
  row: Pick<IntakeThreadRow, 'intake' | 'item' | 'commentsAt' | 'comment'>,
  { issue, isEdited, comments }: { issue: TrackedIssue; isEdited: boolean; comments: readonly TrackedComment[] },
): MessageToAgents[] {
  const key = `intake:${row.intake}:${row.item}`;
  const name = issue.shown ?? issue.ref;
  const edit: MessageToAgents = {
    body: `The issue ${name} was changed. It is now: ${oneLine(issue.title)}\n\n${fenced(
      excerpt(issue.body, { limitBytes: textLimitBytes, keep: 'start', rest: oneLine(issue.url) }),
    )}`,
    dedupeKey: `${key}:edit:${issue.updatedMs}`,
  };
  const said = comments
    .filter(({ atMs, id }) => atMs > row.commentsAt || (atMs === row.commentsAt && id !== row.comment))
    .map(({ id, author, body, atMs }) => ({
      body: `${oneLine(whoIs(author))} wrote on the issue ${name}:\n\n${fenced(
        excerpt(body, { limitBytes: commentLimitBytes, keep: 'start', rest: oneLine(issue.url) }),
      )}`,
      dedupeKey: `${key}:comment:${id}:${atMs}`,
    }));
  return [...(isEdited ? [edit] : []), ...said];
}

export function createThreads({ config, parts, everyMs, asking, mayStart, textRefusal, nudges }: ThreadParts): Follow {
  const { name: intake, tell } = config;
  const move: Partial<Record<IntakeState, string>> = 'move' in config ? config.move : {};
  const { store, nowMs } = parts;
  let nextMs = 0;
  let nudged = 0;
  /** By item: the time of its last change that all agents know. */
  const passedOn = new Map<string, number>();

  return async function follow(acts) {
    const isDue = performance.now() >= nextMs || nudged !== nudges();
    nudged = nudges();
    const failures: unknown[] = [];
    for (const row of await store.intakeThreads(intake)) {
      try {
        await settleState(row, acts);
        if (isDue && stateOf(await store.plan(row.project, row.plan)) !== 'cancelled') await passNewsOn(row, acts);
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown;
        failures.push(thrown);
      }
    }
    if (isDue) nextMs = performance.now() + everyMs;
    if (failures.length > 0) throw failures[0];
  };

  async function settleState(row: IntakeThreadRow, acts: Parameters<Follow>[0]): Promise<void> {
    if (row.toldAt === null) return reportState(row, acts);
    const plan = await store.plan(row.project, row.plan);
    if (plan === null && (await store.births(row.project)).some((birth) => birth.plan === row.plan)) return;
    const state = stateOf(plan);
    if (state === row.state) return;
    const at = nowMs();
    const { item, number: before } = row;
    try {
      await store.commit([{ do: 'intake.turn', intake, item, before, state, key: newDeliveryId(at), at }]);
    } catch (thrown) {
      if (!(thrown instanceof CommitLost)) throw thrown; // another engine did it
    }
  }

  async function reportState(row: IntakeThreadRow, { faults }: Parameters<Follow>[0]): Promise<void> {
    const { item, number, ref, state, key } = row;
    const status = move[state];
    let refusal: EngineError | null = null;
    if (tell.length > 0 || status !== undefined)
      await asking(async (tracker) => {
        // A deleted issue gets no comment.
        const issue = await orGone(tracker.issue(ref));
        if (issue === null) return;
        if (tell.includes('comment')) {
          // The comments since the issue was created, by the tracker's clock: the local clock may be ahead.
          const there = await tracker.comments(ref, issue.createdMs);
          if (!there.some(({ body }) => body.includes(key))) await tracker.comment(ref, stateComment(row));
        }
        if (tell.includes('label')) await tracker.setStateLabel(issue, `${statePrefix}${state}`);
        if (status !== undefined && !isSame(issue.status ?? '', status))
          refusal = await refusalOr(tracker.setStatus?.(issue, status));
      }, item);
    faults?.('intake.after-report');
    await store.commit([{ do: 'intake.reported', intake, item, number, at: nowMs() }]);
    // If the workflow does not allow the status, later states are still reported. The fault is reported once.
    if (refusal !== null) throw refusal;
  }

  async function passNewsOn(row: IntakeThreadRow, { send }: Parameters<Follow>[0]): Promise<void> {
    await asking(async (tracker) => {
      const issue = await orGone(tracker.issue(row.ref));
      if (issue === null || passedOn.get(row.item) === issue.updatedMs) return;
      const comments: TrackedComment[] = [];
      for (const each of await tracker.comments(row.ref, row.commentsAt))
        if (!ownMark.test(each.body) && (await mayStart(tracker, each.author))) comments.push(each);
      const isEdited = digestOf(issue) !== row.digest && (await textRefusal(tracker, issue)) === null;
      // Messages that no agent accepted are sent again at the next poll.
      for (const message of newsOf(row, { issue, isEdited, comments })) if (!(await send(row, message))) return;
      const newest = comments.toSorted((a, b) => b.atMs - a.atMs)[0];
      const has = {
        digest: isEdited ? digestOf(issue) : row.digest,
        ...(newest === undefined
          ? { commentsAt: row.commentsAt, comment: row.comment }
          : { commentsAt: newest.atMs, comment: newest.id }),
      };
      const { item } = row;
      if (has.digest !== row.digest || has.commentsAt !== row.commentsAt || has.comment !== row.comment)
        await store.commit([{ do: 'intake.passed-on', intake, item, ...has }]);
      passedOn.set(item, issue.updatedMs);
    }, row.item);
  }
}

async function refusalOr(asked: Promise<void> | undefined): Promise<EngineError | null> {
  try {
    await asked;
    return null;
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'forge_refused') return thrown;
    throw thrown;
  }
}

async function orGone<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof EngineError && thrown.code === 'not_found') return null;
    throw thrown;
  });
}
