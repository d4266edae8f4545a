/**
 * Sessions of issues: each is a plan of one task, worked on by one agent over all its rounds. What begins a session, goes on with it and takes it away
 * again are ordinary signals of that plan; what belongs to the issue alone (its reference, its pull request, what was said) stands in a row beside it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parsePlan } from '../../machines/document/plan-document.ts';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { refuseUnplayable } from '../agents/playable.ts';
import type {
  IssueCommented,
  IssueContext,
  IssueDestroyed,
  IssueEntry,
  IssueStarted,
  IssuesPruned,
} from '../contract/issues.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import { worktreePath } from '../effects/workplace.ts';
import { createForge } from '../forges/create-forge.ts';
import type { Forge } from '../forges/forge.ts';
import { findReference, parseReference } from '../forges/reference.ts';
import { readServers, type Servers } from '../forges/servers.ts';
import { findToken } from '../forges/tokens.ts';
import { refuseBranch } from '../git/branch.ts';
import { identity } from '../git/identity.ts';
import type { PlanKey } from '../store/port.ts';
import type { IssueRow, PlanRow, RunRow } from '../store/rows.ts';
import { continuation, type IssueMaterial, issueDocument, type Said } from './issue-document.ts';
import { type Danger, dangersOf, type PullRequestLook, removeSession } from './issue-end.ts';
import { type IssuePlace, placeOfIssue, placeOfWork } from './issue-place.ts';
import { createSessionSlots, sessionTitle } from './issue-slots.ts';
import { type CommandParts, type SendCommand, verdictWaitMs } from './parts.ts';
import type { PlanCommand } from './plans.ts';

/** What the commands of plans and signals do for these. */
export interface IssueParts extends CommandParts {
  send(command: SendCommand): Promise<SignalAnswer>;
  registerPlan(command: PlanCommand): Promise<unknown>;
  forgetPlan(project: string, plan: string): Promise<void>;
}

export interface IssueAsk {
  /** A reference, or the name of a session. */
  readonly reference: string;
  /** null: the repo is found by the reference. */
  readonly project: string | null;
}

export interface StartIssue extends IssueAsk {
  readonly message: string;
  readonly pullRequest: string | null;
  /** For a slot; not: `limit_reached` where there is none. */
  readonly waits: boolean;
}

/** A forge gets this long to say what an issue is about. */
const materialTimeoutMs = 5_000;
/** Making a worktree, with its setup, may take as long; then the session has at least been begun. */
const startLimitMs = 120_000;
const startPollMs = 50;
const contextLimit = 20;
/** A message that finds its session between two states is brought again, so often and after so long. */
const continueTries = 60;
const continuePollMs = 250;
const goOn = 'Go on with this issue.';

/** The session took no message just now. */
class BetweenStates extends EngineError {}

export function createIssueCommands(parts: IssueParts) {
  const { store, projects, clock, views } = parts;
  const slots = createSessionSlots(parts);

  function serversNow(): Servers {
    return readServers(parts.home);
  }

  async function forgeOf({ forge }: Pick<IssuePlace, 'forge'>): Promise<Forge | null> {
    if (forge === null) return null;
    const found = await findToken(forge.server, parts.env);
    return createForge({ ...forge, token: found?.token ?? null, signal: AbortSignal.timeout(materialTimeoutMs) });
  }

  /** Never throws: a session goes on without what a forge does not say. */
  async function materialOf(place: IssuePlace): Promise<IssueMaterial> {
    if (place.number === null) return { issue: null, trouble: null };
    try {
      const forge = await forgeOf(place);
      if (forge === null) return { issue: null, trouble: 'no known forge stands behind its remote: stator server add' };
      return { issue: await forge.issue(place.number), trouble: null };
    } catch (thrown) {
      return { issue: null, trouble: messageOf(thrown).slice(0, 500) };
    }
  }

  function notesOf({ trouble }: IssueMaterial): string[] {
    return trouble === null ? [] : [`went on without the issue's text: ${trouble}`];
  }

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

  /** A session's own place, also where its repo has another remote by now. */
  async function placeOfRow(row: IssueRow): Promise<IssuePlace> {
    const bare = { ...placeOfWork(row.project, ''), plan: row.plan, branch: `fix/${row.plan}`, folder: row.plan };
    if (row.reference === null) return bare;
    const servers = serversNow();
    return placeOfIssue({ projects, servers }, parseReference(row.reference, named(servers)), row.project);
  }

  async function rowOf({ project, plan }: PlanKey): Promise<IssueRow | null> {
    return (await store.issues()).find((row) => row.project === project && row.plan === plan) ?? null;
  }

  /** Throws `not_found`. */
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

  async function mustSend(place: PlanKey, type: SignalType, payload: unknown = {}): Promise<void> {
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

  /** Said before anything is made. Throws as `send` of the first word does. */
  async function refuseHopeless(place: IssuePlace, content: string): Promise<void> {
    const repo = projects.get(place.project);
    projects.mustBeTrusted(place.project);
    await identity(repo);
    await refuseBranch(repo, place.branch);
    const { document } = parsePlan(content);
    const isWalled = Object.values(repo.config.profiles).some(({ sandbox }) => sandbox === 'bwrap');
    const sandbox = isWalled ? await parts.walls.state() : null;
    const { config, path } = repo;
    refuseUnplayable({ config, repo: path, env: parts.env, sandbox, document, isSession: true, isDone: () => false });
  }

  /** Throws `usage` for what is no pull request, and `not_found` for one of a forge that is not known. */
  function mustBePullRequest(url: string): string {
    const servers = serversNow();
    const isAddress = /^https?:\/\//.test(url) && URL.canParse(url);
    const found = isAddress ? findReference(url, named(servers)) : null;
    if (found === null || found.kind !== 'pull')
      throw new EngineError(
        'usage',
        `"${url.slice(0, 200)}" is no address of a pull request`,
        'such as https://github.com/owner/repo/pull/7',
      );
    if (servers.list.some((server) => new URL(server.url).host === found.host)) return url;
    const names = servers.list.map(({ name }) => name).join(', ');
    throw new EngineError(
      'not_found',
      `the pull request is of an unknown forge: ${found.host}`,
      `known are ${names}; add it with: stator server add <name> https://${found.host}`,
    );
  }

  async function start({ pullRequest, message, waits, ...ask }: StartIssue): Promise<IssueStarted> {
    const url = pullRequest === null ? null : mustBePullRequest(pullRequest);
    return begin(await placeOf(ask), { message, pullRequest: url, waits });
  }

  async function begin(
    place: IssuePlace,
    { message, pullRequest, waits }: Pick<StartIssue, 'message' | 'pullRequest' | 'waits'>,
  ): Promise<IssueStarted> {
    const { project, plan, branch, folder, reference } = place;
    const name = reference ?? plan;
    if ((await store.plan(project, plan)) !== null) throw isThere(name);
    if (!waits) await slots.mustBeFree(place);
    const material = await materialOf(place);
    const content = issueDocument({ name, message, material, said: await saidTo(place) });
    await refuseHopeless(place, content);
    const sinceMs = clock.nowMs();
    const title = material.issue?.title.slice(0, 300) ?? null;
    await slots.begin(place, { waits, sinceMs }, async () => {
      if ((await store.plan(project, plan)) !== null) throw isThere(name);
      const known = await rowOf(place);
      if (known !== null && known.reference !== reference)
        throw new EngineError(
          'conflict',
          `the session ${plan} is that of ${known.reference}`,
          'destroy that one first',
        );
      try {
        // First: a session without its plan is made whole by `continue`, a plan without its session would be any plan.
        await store.commit([
          { do: 'issue.insert', project, plan, reference, title, pullRequest, createdAt: sinceMs },
          { do: 'issue.say', key: { project, plan }, content: message, at: sinceMs },
        ]);
        await parts.registerPlan({ project, plan, content, branch, topic: null, file: null, session: { folder } });
        await mustSend(place, 'implement_start');
      } catch (thrown) {
        await forget(place);
        throw thrown;
      }
    });
    return untilStarted(place, { sinceMs, waits, isNew: true, notes: notesOf(material) });
  }

  /** A start that failed leaves nothing. */
  async function forget(place: IssuePlace): Promise<void> {
    const { project, plan } = place;
    const row = await store.plan(project, plan);
    if (row !== null && row.generation === 0 && row.status === 'ready') await parts.forgetPlan(project, plan);
    await store.commit([{ do: 'issue.remove', key: { project, plan } }]);
  }

  async function sessionRun({ project, plan }: PlanKey, sinceMs: number): Promise<RunRow | null> {
    const runs = await store.runs({ by: 'title', project, title: sessionTitle(plan) });
    return runs.find((run) => run.plan === plan && run.queued_at >= sinceMs) ?? null;
  }

  /** Throws `unavailable` where it did not start; a new one is gone then. */
  async function untilStarted(
    place: IssuePlace,
    { sinceMs, waits, isNew, notes }: { sinceMs: number; waits: boolean; isNew: boolean; notes: string[] },
  ): Promise<IssueStarted> {
    const answer = async (status: IssueStarted['status'], more: string[] = []): Promise<IssueStarted> => ({
      status,
      session: await entryOf(await mustRow(place)),
      notes: [...notes, ...more],
    });
    if (!parts.stays) return answer('queued', ['no engine runs; its agent starts with: stator daemon start']);
    if (waits) return answer('queued');
    for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += startPollMs) {
      const run = await sessionRun(place, sinceMs);
      if (run !== null && run.reason === 'start-failed') throw await notStarted(place, isNew);
      if (run !== null && !['queued', 'starting', 'cancelled'].includes(run.state)) return answer('started');
      const blocked = (await store.plan(place.project, place.plan))?.blocked ?? null;
      if (run === null && blocked !== null) throw await notStarted(place, isNew);
      await delay(startPollMs);
    }
    return answer('queued', [`it has not started yet: stator plan explain ${shellWord(place.plan)}`]);
  }

  async function notStarted(place: IssuePlace, isNew: boolean): Promise<EngineError> {
    const shown = await views.plan(place.project, place.plan);
    const [task] = shown.tasks_by_wave[0]?.tasks ?? [];
    const why = shown.blocked?.reason ?? task?.reason ?? 'its agent did not come up';
    if (isNew) await end(place, await mustRow(place)).catch((thrown: unknown) => parts.log.warn(messageOf(thrown)));
    return new EngineError(
      'unavailable',
      `the session of ${place.reference ?? place.plan} did not start: ${why}`,
      isNew
        ? 'nothing of it is left; mend that and start it again'
        : `look at it with: stator plan explain ${place.plan}`,
    );
  }

  async function mustRow(place: PlanKey): Promise<IssueRow> {
    const row = await rowOf(place);
    if (row !== null) return row;
    throw new EngineError('not_found', `the session ${place.plan} is gone`, 'see them with: stator issue list');
  }

  async function continueSession(
    asked: IssueAsk & { readonly message: string | null; readonly waits: boolean },
  ): Promise<IssueStarted> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await continueOnce(asked);
      } catch (thrown) {
        // Its agent has just ended, and its work is being committed: a moment later it takes the message in another way.
        if (!(thrown instanceof BetweenStates) || tries === continueTries) throw thrown;
        await delay(continuePollMs);
      }
    }
  }

  async function continueOnce({
    message,
    waits,
    ...ask
  }: IssueAsk & { readonly message: string | null; readonly waits: boolean }): Promise<IssueStarted> {
    const place = await placeOf(ask);
    const { project, plan } = place;
    const row = await rowOf(place);
    const known = await store.plan(project, plan);
    if (row === null && known !== null) throw notASession(place);
    if (known === null) return begin(place, { message: message ?? goOn, pullRequest: row?.pullRequest ?? null, waits });
    const sinceMs = clock.nowMs();
    const step = await stepFor(place, known, message);
    const say = async () => {
      for (const { type, payload } of step.words) await mustSend(place, type, payload);
      const key = { project, plan };
      if (message !== null) await store.commit([{ do: 'issue.say', key, content: message, at: sinceMs }]);
    };
    if (!step.starts) {
      await say().catch((thrown: unknown) => {
        const isRefused = thrown instanceof EngineError && thrown.code === 'refused';
        throw isRefused ? new BetweenStates('refused', thrown.message, thrown.hint) : thrown;
      });
      return { status: 'told', session: await entryOf(await mustRow(place)), notes: step.notes };
    }
    await slots.begin(place, { waits, sinceMs }, say);
    return untilStarted(place, { sinceMs, waits, isNew: false, notes: step.notes });
  }

  interface NextStep {
    /** An agent that is not at work begins with it. */
    readonly starts: boolean;
    readonly words: readonly { readonly type: SignalType; readonly payload?: unknown }[];
    readonly notes: string[];
  }

  /** What brings a session on from where it is. Throws `refused` where it asks, and no answer is given. */
  async function stepFor(place: IssuePlace, known: PlanRow, message: string | null): Promise<NextStep> {
    const { plan } = place;
    const none: string[] = [];
    const open = (await store.effects({ by: 'tree', tree: planTree(place.project, plan) })).filter(
      ({ kind }) => kind === 'agent.run',
    );
    if (known.blocked !== null) {
      if (known.blocked.source === 'agent' && message === null)
        throw new EngineError(
          'refused',
          `it asks: ${known.blocked.reason}`,
          `answer with: stator issue continue ${shellWord(place.reference ?? plan)} "<answer>"`,
        );
      const resolve = { type: 'resolve', payload: { body: message ?? '' } } as const;
      return { starts: true, words: known.paused ? [resolve, { type: 'resume' }] : [resolve], notes: none };
    }
    const told = { type: 'agent_send', payload: { title: sessionTitle(plan), body: message ?? '' } } as const;
    if (known.paused) {
      const words = message === null || open.length === 0 ? [] : [told];
      return { starts: true, words: [...words, { type: 'resume' }], notes: none };
    }
    switch (known.status) {
      case 'implementing':
        return message === null
          ? { starts: false, words: [], notes: ['it is at work already'] }
          : { starts: false, words: [told], notes: none };
      case 'reviewing':
      case 'verifying':
        if (message === null) return { starts: false, words: [], notes: [`it is ${known.status}`] };
        return { starts: true, ...(await changes(place, message)) };
      case 'done':
        return { starts: true, ...(await changes(place, message ?? goOn)) };
      case 'cancelled':
        return { starts: true, words: [{ type: 'reopen' }, { type: 'implement_start' }], notes: none };
      default:
        return { starts: true, words: [{ type: 'implement_start' }], notes: none };
    }
  }

  /** The words, and what was written on the issue since the session heard last. */
  async function changes(place: IssuePlace, message: string): Promise<Pick<NextStep, 'words' | 'notes'>> {
    const material = await materialOf(place);
    const last = (await saidTo(place)).at(-1)?.at ?? 0;
    const body = continuation(message, material, last);
    return { words: [{ type: 'review_changes_requested', payload: { body } }], notes: notesOf(material) };
  }

  /** What people and agents said, the newest 20, the oldest of them first. */
  async function saidTo({ project, plan }: PlanKey): Promise<Said[]> {
    const people = (await store.issueMessages({ project, plan })).map((said): Said => ({ by: 'person', ...said }));
    const runs = await store.runs({ by: 'title', project, title: sessionTitle(plan) });
    const agents = runs.flatMap(({ plan: of, last_message: content, ended_at: at }): Said[] =>
      of !== plan || content === null || content.trim() === '' || at === null ? [] : [{ by: 'agent', content, at }],
    );
    return [...people, ...agents].sort((a, b) => a.at - b.at).slice(-contextLimit);
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
      pull_request: row.pullRequest ?? (await pullRequestOf({ project, plan })),
      created_at: new Date(createdAt).toISOString(),
      updated_at: new Date(at).toISOString(),
    };
  }

  async function pullRequestOf({ project, plan }: PlanKey): Promise<string | null> {
    if ((await store.plan(project, plan)) === null) return null;
    return (await views.plan(project, plan)).pull_request?.url ?? null;
  }

  /** A forge that cannot be asked counts as one that says `open`. */
  async function lookAtPullRequest(url: string | null): Promise<PullRequestLook | null> {
    if (url === null) return null;
    const servers = serversNow();
    const found = findReference(url, named(servers));
    const server = servers.list.find((each) => new URL(each.url).host === found?.host);
    if (found === null || server === undefined) return { url, state: 'unknown', why: 'its forge is not known' };
    try {
      const forge = await forgeOf({ forge: { server, repo: { owner: found.owner, name: found.name } } });
      const answer = (await forge?.pullRequest(found.number)) ?? 'unchanged';
      if (answer === 'unchanged') return { url, state: 'unknown', why: 'its forge did not say' };
      return { url, state: answer.state, why: '' };
    } catch (thrown) {
      return { url, state: 'unknown', why: messageOf(thrown).slice(0, 300) };
    }
  }

  async function dangers(place: IssuePlace, row: IssueRow): Promise<readonly Danger[]> {
    const url = row.pullRequest ?? (await pullRequestOf(place));
    return dangersOf(parts, place, await lookAtPullRequest(url));
  }

  async function end(place: IssuePlace, row: IssueRow): Promise<string[]> {
    const { project, plan } = place;
    const known = await store.plan(project, plan);
    if (known !== null && !['ready', 'done', 'cancelled'].includes(known.status)) await mustSend(place, 'cancel');
    if (known !== null) {
      await untilNobodyRuns(place);
      await parts.forgetPlan(project, plan);
    }
    const notes = await removeSession(parts, place, known?.branch ?? place.branch);
    await store.commit([{ do: 'issue.remove', key: row }]);
    return notes;
  }

  /** Throws `unavailable` where an agent does not end. */
  async function untilNobodyRuns({ project, plan }: PlanKey): Promise<void> {
    for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += startPollMs) {
      const effects = await store.effects({ by: 'tree', tree: planTree(project, plan) });
      if (effects.length === 0 || !parts.stays) return;
      await delay(startPollMs);
    }
    throw new EngineError('unavailable', `agents of ${plan} have not ended`, 'try it again: stator instance list');
  }

  return {
    /** Throws `limit_reached` with nothing made, `conflict`, and what references, places and starts throw. */
    startIssue: start,
    continueIssue: continueSession,
    async issues(project: string | null): Promise<IssueEntry[]> {
      const known = new Set(projects.list().map((repo) => repo.project));
      const rows = (await store.issues()).filter(
        (row) => known.has(row.project) && (project === null || row.project === project),
      );
      return Promise.all(rows.map(entryOf));
    },
    async issueContext(ask: IssueAsk): Promise<IssueContext> {
      const place = await placeOf(ask);
      const { project, plan, reference } = place;
      const messages = (await saidTo(place)).map(({ by, content, at }) => ({
        by,
        content,
        at: new Date(at).toISOString(),
      }));
      return { reference, project, plan, messages };
    },
    async setPullRequest({ url, ...ask }: IssueAsk & { readonly url: string }): Promise<IssueEntry> {
      const { row } = await mustBeSession(ask);
      const key = { project: row.project, plan: row.plan };
      await store.commit([{ do: 'issue.set-pull-request', key, url: mustBePullRequest(url) }]);
      return entryOf(await mustRow(key));
    },
    async commentOnIssue({ text, ...ask }: IssueAsk & { readonly text: string }): Promise<IssueCommented> {
      const place = await placeOf(ask);
      const forge = await forgeOf(place);
      if (forge === null || place.number === null)
        throw new EngineError('not_found', `${ask.reference}: no known forge stands behind it`, 'stator server list');
      return { status: 'commented', url: await forge.comment(place.number, text) };
    },
    /** Throws `refused` with each reason that is not overridden. */
    async destroyIssue({
      overrides,
      ...ask
    }: IssueAsk & { readonly overrides: readonly Danger['kind'][] | 'all' }): Promise<IssueDestroyed> {
      const { place, row } = await mustBeSession(ask);
      const found = overrides === 'all' ? [] : await dangers(place, row);
      const left = found.filter(({ kind }) => overrides !== 'all' && !overrides.includes(kind));
      if (left.length > 0)
        throw new EngineError(
          'refused',
          left.map(({ what }) => what).join('\n'),
          `go over it with ${left.map(({ kind }) => overrideFlags[kind]).join(' ')}, or over everything with --force`,
        );
      return { status: 'destroyed', project: place.project, plan: place.plan, notes: await end(place, row) };
    },
    /** Sessions that are over and have nothing to lose. `dry`: they are only named. */
    async pruneIssues({ project, dry }: { project: string | null; dry: boolean }): Promise<IssuesPruned> {
      const pruned: IssuesPruned = { destroyed: [], kept: [] };
      for (const row of await store.issues()) {
        if (projects.find(row.project) === null || (project !== null && row.project !== project)) continue;
        const key = { project: row.project, plan: row.plan };
        const status = (await store.plan(row.project, row.plan))?.status ?? 'cancelled';
        const place = await placeOfRow(row).catch(() => null);
        const isOver = status === 'done' || status === 'cancelled';
        const why =
          place === null
            ? ['its repo has no such remote any more']
            : isOver
              ? (await dangers(place, row)).map(({ what }) => what)
              : [`it is ${status}`];
        if (why.length > 0 || place === null) {
          pruned.kept.push({ ...key, why: why.join('; ') });
          continue;
        }
        if (!dry) await end(place, row);
        pruned.destroyed.push(key);
      }
      return pruned;
    },
    /** Begins, or goes on with, the session of the reference in the message; of none, one for the message itself. Never waits for a slot. */
    async delegate({ message, project }: { message: string; project: string | null }): Promise<IssueStarted> {
      const servers = serversNow();
      const found = findReference(message, named(servers));
      if (found === null) {
        if (project === null)
          throw new EngineError(
            'usage',
            'the message names no issue, and no registered repo is here',
            'name one in it: owner/repo#12, host/owner/repo#12 or the address of an issue; or stand in a repo, or say --project',
          );
        return begin(placeOfWork(project, message), { message, pullRequest: null, waits: true });
      }
      const place = await placeOfIssue({ projects, servers }, found, null);
      return continueSession({
        reference: place.reference ?? place.plan,
        project: place.project,
        message,
        waits: true,
      });
    },
    /** `start`, or `continue` where there is a session; it waits for its slot. */
    enqueueIssue: (ask: IssueAsk & { readonly message: string }): Promise<IssueStarted> =>
      continueSession({ ...ask, waits: true }),
  };
}

const overrideFlags: Readonly<Record<Danger['kind'], string>> = {
  pull_request: '--even-if-pr-open',
  uncommitted: '--even-if-uncommitted',
  unpushed: '--even-if-unpushed',
  running: '--even-if-running',
};

function named({ list, main }: Servers) {
  return { servers: list, main };
}

function isThere(name: string): EngineError {
  return new EngineError(
    'conflict',
    `there is a session of ${name} already`,
    `go on with it: stator issue continue ${shellWord(name)} "<what to do>"`,
  );
}

function notASession({ project, plan }: PlanKey): EngineError {
  return new EngineError(
    'conflict',
    `${project}/${plan} is a plan, and no session of an issue`,
    `see it with: stator plan show ${shellWord(plan)}`,
  );
}
