/**
 * Sessions of issues: each is a plan of one task, worked on by one agent over all its rounds. Ordinary signals of that plan begin, continue and remove a
 * session. A separate row holds what belongs to the issue alone: its reference, its pull request, its messages.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isAwaited } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { isOver as isEnded, isUnderWay } from '../../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { Change, PlanKey } from '../../core/store/port.ts';
import type { IssueRow, NewNotification } from '../../core/store/rows.ts';
import { worktreePath } from '../../work/effects/workplace.ts';
import type { Issue } from '../../work/forges/forge.ts';
import { findReference } from '../../work/forges/reference.ts';
import { adoptBranch } from '../../work/git/branch.ts';
import { branchRef, readRef } from '../../work/git/refs.ts';
import type {
  IssueCommented,
  IssueContext,
  IssueDestroyed,
  IssueEntry,
  IssueImported,
  IssueStarted,
  IssuesPruned,
} from '../contract/issues.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import { timeText } from '../queries/time-text.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { createContinuation, notASession } from './issue-continue.ts';
import { type IssueMaterial, issueDocument, type Said, sessionDocument } from './issue-document.ts';
import { type Danger, dangersOf, mergedHeads, type PullRequestLook, removeSession } from './issue-end.ts';
import { createIssueForges, type IssueForges, named } from './issue-forges.ts';
import { goOn, type SessionSignal } from './issue-next-step.ts';
import { type IssuePlace, placeNamed, placeOfIssue, placeOfWork } from './issue-place.ts';
import { createIssueSessions, type IssueAsk, type IssueSessions } from './issue-sessions.ts';
import { createSessionSlots, sessionTitle } from './issue-slots.ts';
import { type Beginning, createBeginning, startLimitMs, startPollMs } from './issue-start.ts';
import type { PlanCommand } from './plans.ts';
import { repeatedRequest, type SendCommand, verdictWaitMs } from './signal-sender.ts';

/** The commands of plans and signals that the issue commands use. */
export interface IssueParts extends CommandDependencies {
  send(command: SendCommand): Promise<SignalAnswer>;
  registerPlan(command: PlanCommand): Promise<unknown>;
  forgetPlan(project: string, plan: string): Promise<void>;
}

/** A session of another program, with its messages and its unread notifications. */
export interface ImportIssue extends IssueAsk {
  readonly pullRequest: string | null;
  readonly createdAt: number;
  /** Its work is done. */
  readonly isDone: boolean;
  readonly messages: readonly Said[];
  readonly notifications: readonly Pick<NewNotification, 'type' | 'message' | 'at'>[];
}

export interface NewSession extends PlanKey {
  readonly message: string;
  /** What it is about, as others wrote it. */
  readonly issue?: Issue | null;
  /** As `PlanRow.author`. */
  readonly author: string;
  readonly before: readonly Change[];
}

const noMaterial: IssueMaterial = { issue: null, trouble: null, isMissing: false };

interface SessionParts extends IssueParts {
  readonly forges: IssueForges;
  readonly sessions: IssueSessions;
}

export function createIssueCommands(given: IssueParts) {
  const forges = createIssueForges(given);
  const sessions = createIssueSessions(given, forges);
  const parts: SessionParts = { ...given, forges, sessions };
  const { store, projects } = parts;
  const making = {
    ...parts,
    slots: createSessionSlots(given),
    mustSend: (place: PlanKey, signal: SessionSignal) => mustSend(parts, place, signal),
  };
  const beginning = createBeginning({ ...making, end: (place, isBegun) => end(parts, place, isBegun) });
  const { begin } = beginning;
  const continueSession = createContinuation({ ...making, ...beginning });

  return {
    /** Throws `limit_reached` with nothing made, `conflict`, and the errors of references, places and starts. */
    async startIssue({ pullRequest, ...ask }: IssueAsk & Beginning): Promise<IssueStarted> {
      const url = pullRequest === null ? null : forges.mustBePullRequest(pullRequest);
      return begin(await sessions.placeOf(ask), { ...ask, pullRequest: url });
    },
    continueIssue: continueSession,
    async issues(project: string | null): Promise<IssueEntry[]> {
      const known = new Set(projects.list().map((repo) => repo.project));
      const rows = (await store.issues()).filter(
        (row) => known.has(row.project) && (project === null || row.project === project),
      );
      return Promise.all(rows.map(sessions.entryOf));
    },
    async issueContext(ask: IssueAsk): Promise<IssueContext> {
      const place = await sessions.placeOf(ask);
      const { project, plan, reference } = place;
      const messages = (await sessions.saidTo(place)).map(({ by, content, at }) => ({
        by,
        content,
        at: timeText(at),
      }));
      return { reference, project, plan, messages };
    },
    async setPullRequest({ url, ...ask }: IssueAsk & { readonly url: string }): Promise<IssueEntry> {
      const { row } = await sessions.mustBeSession(ask);
      const key = { project: row.project, plan: row.plan };
      await store.commit([{ do: 'issue.set-pull-request', key, url: forges.mustBePullRequest(url) }]);
      return sessions.entryOf(await sessions.mustRow(key));
    },
    /**
     * Takes over another program's session and its branch; nothing starts. An existing session stays unchanged. Throws `branch_taken`, and the errors of
     * references and places.
     */
    importIssue: (asked: ImportIssue) => importIssue(parts, asked),
    async commentOnIssue({ text, ...ask }: IssueAsk & { readonly text: string }): Promise<IssueCommented> {
      const place = await sessions.placeOf(ask);
      return { status: 'commented', url: await forges.comment(place, text) };
    },
    /** Throws `refused` with every reason that was not overridden. */
    destroyIssue: (
      asked: IssueAsk & { readonly overrides: readonly Danger['kind'][] | 'all' },
    ): Promise<IssueDestroyed> => destroyIssue(parts, asked),
    /** Removes sessions that are over, or whose worktree and branch or issue are gone, if nothing would be lost. `dry`: only names them. */
    pruneIssues: (asked: { project: string | null; dry: boolean }) => pruneIssues(parts, asked),
    /** Begins or continues the session of the reference in the message; without a reference, begins one for the message itself. Never waits for a slot. */
    async delegate({ message, project }: { message: string; project: string | null }): Promise<IssueStarted> {
      const servers = forges.serversNow();
      const found = findReference(message, named(servers));
      if (found === null) {
        if (project === null)
          throw new EngineError(
            'usage',
            'the message names no issue, and no registered repo is here',
            'name one in it: owner/repo#12, host/owner/repo#12 or the address of an issue; or work in the folder of a repo, or say --project',
          );
        return begin(placeOfWork(project, message), { message, pullRequest: null, waits: true });
      }
      // Where two repos have that remote, it is of the one that was named.
      const place = await placeOfIssue({ projects, servers }, found, null).catch((thrown: unknown) => {
        if (project === null || !(thrown instanceof EngineError) || thrown.code !== 'conflict') throw thrown;
        return placeOfIssue({ projects, servers }, found, project);
      });
      return continueSession({
        reference: place.reference ?? place.plan,
        project: place.project,
        message,
        waits: true,
      });
    },
    /** A session of that name for a message; it waits for its slot. Returns its agent's title. Throws `conflict` if there is a plan of that name. */
    async startWork({ project, name, message }: { project: string; name: string; message: string }): Promise<string> {
      await begin(placeNamed(project, name), { message, pullRequest: null, waits: true });
      return sessionTitle(name);
    },
    /** A session for a message, which does not start. `before` is written in its commit. Throws as `registerPlan`. */
    registerSession: (asked: NewSession) => registerSession(parts, asked),
    /** `start`, or `continue` if there is a session; it waits for its slot. */
    enqueueIssue: (ask: IssueAsk & { readonly message: string }): Promise<IssueStarted> =>
      continueSession({ ...ask, waits: true }),
  };
}

async function importIssue(
  parts: SessionParts,
  { pullRequest, createdAt, isDone, messages, notifications, ...ask }: ImportIssue,
): Promise<IssueImported> {
  const url = pullRequest === null ? null : parts.forges.mustBePullRequest(pullRequest);
  const place = await parts.sessions.placeOf(ask);
  const { project, plan, reference, branch, folder } = place;
  const key = { project, plan };
  const isNew = (await parts.sessions.rowOf(place)) === null;
  if (isNew && (await parts.store.plan(project, plan)) !== null) throw notASession(place);
  // This comes first: after a kill in between, the same import adds the session.
  await parts.lockRepo(project);
  await adoptBranch(await parts.projects.repository(project), branch);
  if (isNew)
    await parts.store.commit([
      { do: 'issue.insert', ...key, reference, title: null, pullRequest: url, createdAt },
      ...messages.map((said) => ({ do: 'issue.say', key, ...said }) as const),
      ...notifications.map((notice) => ({ do: 'notification.insert', ...key, ...notice }) as const),
    ]);
  if (isDone && (await parts.store.plan(project, plan)) === null) {
    const content = issueDocument({
      name: reference ?? plan,
      message: goOn,
      material: noMaterial,
      said: await parts.sessions.saidTo(place),
    });
    await parts.registerPlan({
      ...key,
      content,
      branch,
      topic: null,
      file: null,
      session: { folder },
      adopts: true,
    });
  }
  const isCutOff = isDone && (await isUntouched(parts, place));
  if (isCutOff) await mustSend(parts, place, { type: 'mark_done' });
  parts.onChange();
  const session = await parts.sessions.entryOf(await parts.sessions.mustRow(place));
  return { status: isNew || isCutOff ? 'imported' : 'known', session };
}

/** Its plan was neither started nor ended since it was registered. */
async function isUntouched({ store }: SessionParts, { project, plan }: PlanKey): Promise<boolean> {
  const known = await store.plan(project, plan);
  if (known?.status !== 'ready') return false;
  const signals = await store.signals({ project, plan });
  return !signals.some(
    ({ type, created_at: at }) => at >= known.createdAt && (type === 'implement_start' || type === 'mark_done'),
  );
}

async function destroyIssue(
  parts: SessionParts,
  { overrides, ...ask }: IssueAsk & { readonly overrides: readonly Danger['kind'][] | 'all' },
): Promise<IssueDestroyed> {
  if (repeatedRequest() !== null) {
    const { project, plan } = await parts.sessions.placeOf(ask);
    const notes = ['an engine was cut off while it destroyed the session, and had destroyed all of it'];
    if ((await parts.sessions.rowOf({ project, plan })) === null) return { status: 'destroyed', project, plan, notes };
  }
  const { place, row } = await parts.sessions.mustBeSession(ask);
  // Overriding all reasons means that no forge needs to be asked.
  const looks = overrides === 'all' ? [] : await looksOf(parts, place, row);
  const found = overrides === 'all' ? [] : await dangersOf(parts, place, looks);
  const left = found.filter(({ kind }) => overrides !== 'all' && !overrides.includes(kind));
  if (left.length > 0)
    throw new EngineError(
      'refused',
      left.map(({ what }) => what).join('\n'),
      `go over it with ${left.map(({ kind }) => overrideFlags[kind]).join(' ')}, or over everything with --force`,
    );
  return {
    status: 'destroyed',
    project: place.project,
    plan: place.plan,
    notes: await end(parts, place, true, mergedHeads(looks)),
  };
}

async function pruneIssues(
  parts: SessionParts,
  { project, dry }: { project: string | null; dry: boolean },
): Promise<IssuesPruned> {
  const pruned: IssuesPruned = { destroyed: [], kept: [] };
  for (const row of await parts.store.issues()) {
    if (parts.projects.find(row.project) === null || (project !== null && row.project !== project)) continue;
    const key = { project: row.project, plan: row.plan };
    const status = (await parts.store.plan(row.project, row.plan))?.status ?? 'cancelled';
    const place = await parts.sessions.placeOfRow(row).catch(() => null);
    const gone = place === null ? null : await goneOf(parts, place, row, status);
    const isOver = isEnded(status) || gone !== null;
    const looks = place === null || !isOver ? [] : await looksOf(parts, place, row);
    const why =
      place === null
        ? ['its repo has no such remote any more']
        : isOver
          ? (await dangersOf(parts, place, looks)).map(({ what }) => what)
          : [`it is ${status}`];
    if (why.length > 0 || place === null) {
      pruned.kept.push({ ...key, why: why.join('; ') });
      continue;
    }
    if (!dry) await end(parts, place, true, mergedHeads(looks));
    pruned.destroyed.push({ ...key, why: gone ?? `it is ${status}` });
  }
  return pruned;
}

/** What an idle session has lost; null: it may go on. */
async function goneOf(
  { store, projects, forges }: SessionParts,
  place: IssuePlace,
  row: IssueRow,
  status: string,
): Promise<string | null> {
  const { project, plan } = place;
  const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
  // A session that waits for its slot has no worktree yet.
  if (status === 'ready' || effects.length > 0) return null;
  const branch = (await store.plan(project, plan))?.branch ?? place.branch;
  const path = worktreePath(projects.get(project), { branch, from: branch, folder: place.folder });
  const head = await readRef(await projects.repository(project), branchRef(branch));
  if (head === null && !existsSync(path)) return 'its worktree and its branch are gone';
  // A forge gives the same answer for an issue that the token may not see: only an issue that was seen before counts as gone.
  return row.title !== null && (await forges.isGone(place)) ? 'its issue is gone' : null;
}

/** Its pull requests, with their present state on the forge, or the stored state if they have ended. */
async function looksOf(
  { forges, sessions }: SessionParts,
  place: IssuePlace,
  row: IssueRow,
): Promise<PullRequestLook[]> {
  const own = await sessions.ownPullRequest(place);
  const urls = [...new Set([row.pullRequest, own?.url ?? null])].filter((url) => url !== null);
  const looks = await Promise.all(urls.map(forges.lookAtPullRequest));
  // A pull request that was seen merged stays merged, even if its forge does not answer now.
  const isMerged = ({ url, state }: PullRequestLook) =>
    state === 'unknown' && own?.state === 'merged' && url === own.url;
  return looks.map((look) => {
    const heads = [...look.heads, ...(look.url === own?.url && own.pushed !== null ? [own.pushed] : [])];
    return { ...look, heads, ...(isMerged(look) ? { state: 'merged' } : {}) };
  });
}

async function end(
  parts: SessionParts,
  place: IssuePlace,
  isBegun = true,
  merged: readonly string[] = [],
): Promise<string[]> {
  const { project, plan } = place;
  await parts.lockRepo(project);
  const known = await parts.store.plan(project, plan);
  if (known !== null && isUnderWay(known.status)) await mustSend(parts, place, { type: 'cancel' });
  if (known !== null) {
    await untilNobodyRuns(parts, place);
    await parts.forgetPlan(project, plan);
  }
  const notes = await removeSession(parts, place, {
    branch: known?.branch ?? place.branch,
    isBegun,
    merged,
  });
  await parts.store.commit([{ do: 'issue.remove', key: { project, plan } }]);
  return notes;
}

/** Throws `unavailable` if an agent does not end. */
async function untilNobodyRuns(parts: SessionParts, { project, plan }: PlanKey): Promise<void> {
  for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += startPollMs) {
    const effects = await parts.store.effects({ by: 'tree', tree: planTree(project, plan) });
    // A hook whose receiver is away is tried for hours.
    if (!effects.some(({ kind }) => isAwaited(kind)) || !parts.stays) return;
    await delay(startPollMs);
  }
  throw new EngineError('unavailable', `agents of ${plan} have not ended`, 'try it again: stator agent list');
}

async function registerSession(
  parts: SessionParts,
  { project, plan, message, issue = null, author, before }: NewSession,
): Promise<void> {
  const { branch, folder } = placeNamed(project, plan);
  const key = { project, plan };
  const at = parts.clock.nowMs();
  const content = sessionDocument({ name: plan, message, issue });
  const title = issue?.title.slice(0, 300) ?? null;
  const rows = [
    { do: 'issue.insert', ...key, reference: null, title, pullRequest: null, createdAt: at },
    { do: 'issue.say', key, by: 'person', content: message, at },
  ] as const;
  const session = { session: { folder }, before: [...before, ...rows] };
  await parts.registerPlan({ ...key, content, branch, topic: null, file: null, author, ...session });
}

async function mustSend(parts: SessionParts, place: PlanKey, { type, payload = {} }: SessionSignal): Promise<void> {
  const { project, plan } = place;
  const words = { origin: 'person', run: null, dedupeKey: null, waitMs: verdictWaitMs } as const;
  const { signal } = await parts.send({ project, plan, type, payload, ...words });
  if (signal.status !== 'failed') return;
  const by =
    signal.refused === null ? JSON.stringify(signal.result) : `${signal.refused.by} in ${signal.refused.state}`;
  throw new EngineError(
    'refused',
    `${type} was refused: ${by}`,
    `see what it waits for: stator plan explain ${shellWord(plan)}`,
  );
}

const overrideFlags: Readonly<Record<Danger['kind'], string>> = {
  pull_request: '--even-if-pr-open',
  uncommitted: '--even-if-uncommitted',
  unpushed: '--even-if-unpushed',
  running: '--even-if-running',
};
