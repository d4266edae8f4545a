/** Sessions in the store: finds them by the name that a person gives, reads their messages, and builds the shown entry. */

import { z } from 'zod';
import { storedPlan } from '../../../actors/stored-tree.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { type Origin, originKind } from '../../../machines/vocabulary/signal.ts';
import type { PlanKey } from '../../core/store/port.ts';
import type { IssueRow, RunRow, SignalRow } from '../../core/store/rows.ts';
import { worktreePath } from '../../work/effects/workplace.ts';
import { parseReference } from '../../work/forges/reference.ts';
import type { IssueEntry } from '../contract/issues.ts';
import type { PlanShow } from '../contract/plans.ts';
import { timeText } from '../queries/time-text.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { continuedWith, type Said } from './issue-document.ts';
import { type IssueForges, named } from './issue-forges.ts';
import { type IssuePlace, placeOfIssue, placeOfWork } from './issue-place.ts';
import { sessionTitle } from './issue-slots.ts';

export interface IssueAsk {
  /** A reference, or the name of a session. */
  readonly reference: string;
  /** null: the reference determines the repo. */
  readonly project: string | null;
}

const contextLimit = 20;

/** Signals of its plan that carry messages of people to a session. */
const speakers = {
  resolve: 'person',
  agent_send: 'person',
  review_changes_requested: 'person',
  verify_failed: 'person',
} as const;
const words = z.looseObject({
  reason: z.string().optional(),
  body: z.string().optional(),
  title: z.string().optional(),
});

/** The text that a signal of one of these types carries, and its author. */
function wordsOf(row: SignalRow, by: Readonly<Record<string, Said['by']>>): Said[] {
  const speaker = by[row.type];
  // Only `namedOrigin` writes an origin.
  if (speaker === undefined || (speaker === 'person' && originKind(row.origin as Origin) !== 'person')) return [];
  const { reason, body, title } = words.parse(JSON.parse(row.payload));
  const content = continuedWith(reason ?? body ?? '').trim();
  const isToAnother = title !== undefined && title !== sessionTitle(row.plan);
  return content === '' || isToAnother ? [] : [{ by: speaker, content, at: row.created_at }];
}

export type IssueSessions = ReturnType<typeof createIssueSessions>;

export function createIssueSessions(
  { store, projects, views }: Pick<CommandDependencies, 'store' | 'projects' | 'views'>,
  { serversNow }: Pick<IssueForges, 'serversNow'>,
) {
  /** Throws `usage`, `not_found` and `conflict` as the reference and its place do. */
  async function placeOf({ reference, project }: IssueAsk): Promise<IssuePlace> {
    const own = (await store.issues()).filter(
      (row) => row.plan === reference && (project === null || row.project === project),
    );
    const [row] = own;
    if (row !== undefined && own.length === 1) return placeOfRow(row);
    const servers = serversNow();
    return placeOfIssue({ projects, servers }, parseReference(reference, named(servers)), project);
  }

  /** The session's stored place, even if its repo has another remote by now. */
  async function placeOfRow(row: IssueRow): Promise<IssuePlace> {
    const bare = { ...placeOfWork(row.project, ''), plan: row.plan, branch: `fix/${row.plan}`, folder: row.plan };
    if (row.reference === null) return bare;
    const servers = serversNow();
    return placeOfIssue({ projects, servers }, parseReference(row.reference, named(servers)), row.project);
  }

  async function rowOf({ project, plan }: PlanKey): Promise<IssueRow | null> {
    return (await store.issues()).find((row) => row.project === project && row.plan === plan) ?? null;
  }

  async function mustBeSession(ask: IssueAsk): Promise<{ place: IssuePlace; row: IssueRow }> {
    const place = await placeOf(ask);
    const row = await rowOf(place);
    if (row !== null) return { place, row };
    throw new EngineError(
      'not_found',
      `there is no session of ${place.reference ?? place.plan}`,
      `begin one with: stator issue start ${shellWord(ask.reference)} "<what to do>"; see them with: stator issue list`,
    );
  }

  async function requiredRow(place: PlanKey): Promise<IssueRow> {
    const row = await rowOf(place);
    if (row !== null) return row;
    throw new EngineError('not_found', `the session ${place.plan} is gone`, 'see them with: stator issue list');
  }

  /** Its latest run that was requested since then. */
  async function runSince({ project, plan }: PlanKey, sinceMs: number): Promise<RunRow | null> {
    const runs = await store.runs({ by: 'title', project, title: sessionTitle(plan) });
    return runs.find((run) => run.plan === plan && run.queued_at >= sinceMs) ?? null;
  }

  /** The 20 newest messages of people and agents, including the agents' questions, the oldest first. */
  async function conversation({ project, plan }: PlanKey): Promise<Said[]> {
    const kept = await store.issueMessages({ project, plan });
    const signals = (await store.signals({ project, plan })).filter(({ status }) => status !== 'failed');
    // A killed command may have sent a message before it was stored.
    const sent = signals
      .flatMap((row) => wordsOf(row, speakers))
      .filter(({ content }) => !kept.some((said) => said.content.trim() === content));
    const asked = signals.flatMap((row) => wordsOf(row, { needs_decision: 'agent' }));
    const runs = await store.runs({ by: 'title', project, title: sessionTitle(plan) });
    const agents = runs.flatMap(({ plan: of, last_message: content, ended_at: at }): Said[] =>
      of !== plan || content === null || content.trim() === '' || at === null ? [] : [{ by: 'agent', content, at }],
    );
    return [...kept, ...sent, ...asked, ...agents].sort((a, b) => a.at - b.at).slice(-contextLimit);
  }

  async function entryOf(row: IssueRow): Promise<IssueEntry> {
    const { project, plan, reference, title, createdAt } = row;
    const known = await store.plan(project, plan);
    const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
    const place = await placeOfRow(row).catch(() => null);
    const branch = known?.branch ?? place?.branch ?? '';
    const at = known?.updatedAt ?? createdAt;
    return {
      reference,
      project,
      plan,
      title,
      status: known?.status ?? 'ready',
      phase: known?.phase ?? null,
      blocked: known?.blocked?.reason ?? null,
      running: effects.some(({ kind, status }) => kind === 'agent.run' && status === 'running'),
      branch,
      worktree: place === null ? '' : worktreePath(projects.get(project), { ...place, from: branch, branch }),
      pull_request: row.pullRequest ?? (await ownPullRequest({ project, plan }))?.url ?? null,
      created_at: timeText(createdAt),
      updated_at: timeText(at),
    };
  }

  async function pushedHead({ project, plan }: PlanKey): Promise<string | null> {
    const address = planTree(project, plan);
    const row = await store.tree(address);
    return row === null ? null : (storedPlan(address, row.stored).context.pull?.request?.head ?? null);
  }

  /** The pull request that was made for its plan, with the commit that was pushed last. */
  async function ownPullRequest({
    project,
    plan,
  }: PlanKey): Promise<(NonNullable<PlanShow['pull_request']> & { readonly pushed: string | null }) | null> {
    if ((await store.plan(project, plan)) === null) return null;
    const { pull_request: request } = await views.plan(project, plan);
    if (request === null) return null;
    const pushed = await pushedHead({ project, plan }).catch(() => null); // the plan itself reports that its row cannot be read
    return { ...request, pushed };
  }

  return {
    placeOf,
    placeOfRow,
    rowOf,
    mustRow: requiredRow,
    mustBeSession,
    runSince,
    saidTo: conversation,
    entryOf,
    ownPullRequest,
  };
}
