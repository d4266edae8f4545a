/** Begins a session. It is refused before anything is made, or gets a slot and begins, or fails and leaves no trace. */
import { setTimeout as delay } from 'node:timers/promises';
import { parsePlan } from '../../../machines/document/plan-document.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import { whyFailed } from '../../work/agents/reports/informative-lines.ts';
import type { IssueStarted } from '../contract/issues.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { issueDocument } from './issue-document.ts';
import type { IssueForges } from './issue-forges.ts';
import { notesOf, type SessionSignal } from './issue-next-step.ts';
import type { IssuePlace } from './issue-place.ts';
import type { IssueSessions } from './issue-sessions.ts';
import type { SessionSlots } from './issue-slots.ts';
import { type PlanCommand, untilBorn } from './plans.ts';
import { refuseAgents, refuseRepo } from './refuse-start.ts';
import { repeatedRequest } from './signal-sender.ts';

export interface Beginning {
  readonly message: string;
  readonly pullRequest: string | null;
  /** true: wait for a slot; false: throw `limit_reached` if none is free. */
  readonly waits: boolean;
}

/** A session that has begun since `sinceMs`; `notes`: what its person should know. */
interface Start {
  readonly sinceMs: number;
  readonly waits: boolean;
  readonly isNew: boolean;
  readonly notes: readonly string[];
}

/** Making a worktree, with its setup, may take this long. After that the session counts as begun. */
export const startLimitMs = 120_000;
export const startPollMs = 50;

interface BeginParts extends CommandDependencies {
  readonly forges: Pick<IssueForges, 'materialOf'>;
  readonly sessions: IssueSessions;
  readonly slots: SessionSlots;
  mustSend(place: IssuePlace, signal: SessionSignal): Promise<void>;
  registerPlan(command: PlanCommand): Promise<unknown>;
  forgetPlan(project: string, plan: string): Promise<void>;
  /** Removes the session with everything that was made for it. */
  end(place: IssuePlace, isBegun?: boolean): Promise<unknown>;
}

export function createBeginning(parts: BeginParts) {
  const { store, clock, forges, sessions, slots, mustSend } = parts;

  /**
   * Throws `conflict` if the session exists, `limit_reached` with nothing made, `not_found` if its forge has no such issue, and the errors of the first
   * signal.
   */
  async function begin(place: IssuePlace, { message, pullRequest, waits }: Beginning): Promise<IssueStarted> {
    const { project, plan, branch, folder, reference } = place;
    const name = reference ?? plan;
    const begunBefore = await goOnAfterCut(parts, place, { message, pullRequest, waits });
    if (begunBefore !== null) return begunBefore;
    if ((await store.plan(project, plan)) !== null) throw isThere(name);
    if (!waits) await slots.mustBeFree(place);
    const material = await forges.materialOf(place);
    if (material.isMissing) throw isMissing(name, material.trouble, place);
    const said = await sessions.saidTo(place);
    // An earlier start was cut off, or refused, after the message was stored.
    const isSaid = said.at(-1)?.by === 'person' && said.at(-1)?.content === message;
    const content = issueDocument({ name, message, material, said: isSaid ? said.slice(0, -1) : said });
    await refuseHopeless(parts, place, content);
    const sinceMs = clock.nowMs();
    const title = material.issue?.title.slice(0, 300) ?? null;
    const isNew = await slots.begin(place, { waits, sinceMs }, async () => {
      if ((await store.plan(project, plan)) !== null) throw isThere(name);
      const known = await sessions.rowOf(place);
      if (known !== null && known.reference !== reference)
        throw new EngineError(
          'conflict',
          `the session ${plan} is that of ${known.reference}`,
          'destroy that one first',
        );
      try {
        // The session comes first: `continue` repairs a session without a plan, but a plan without its session would be an ordinary plan.
        const say = { do: 'issue.say', key: { project, plan }, by: 'person', content: message, at: sinceMs } as const;
        await store.commit([
          { do: 'issue.insert', project, plan, reference, title, pullRequest, createdAt: sinceMs },
          ...(isSaid ? [] : [say]),
        ]);
        await parts.registerPlan({ project, plan, content, branch, topic: null, file: null, session: { folder } });
        await mustSend(place, { type: 'implement_start' });
      } catch (thrown) {
        await forget(parts, place, known === null);
        throw thrown;
      }
      return known === null;
    });
    return untilStarted(parts, place, { sinceMs, waits, isNew, notes: notesOf(material) });
  }

  return {
    begin,
    untilStarted: (place: IssuePlace, asked: Start) => untilStarted(parts, place, asked),
  };
}

/** Checks before anything is made. Throws as `send` of the first signal does. */
async function refuseHopeless(parts: BeginParts, place: IssuePlace, content: string): Promise<void> {
  const { project, plan, branch } = place;
  parts.projects.mustBeTrusted(project);
  await parts.lockRepo(project);
  await refuseRepo(parts, project, branch);
  const { document } = parsePlan(content);
  await refuseAgents(parts, project, { document, plan, file: null, isSession: true, isDone: () => false });
}

/** Waits for the session that this request began before its engine was cut off; null: it began none. */
async function goOnAfterCut(
  parts: BeginParts,
  place: IssuePlace,
  { message, waits }: Beginning,
): Promise<IssueStarted | null> {
  const request = repeatedRequest();
  if (request === null) return null;
  const { project, plan } = place;
  await untilBorn(parts.store, project, plan);
  const known = await parts.store.plan(project, plan);
  const last = (await parts.store.issueMessages({ project, plan })).at(-1);
  const isOwn = known !== null && known.createdAt >= request.firstAtMs && last?.content === message;
  if (!isOwn || (await parts.sessions.rowOf(place)) === null) return null;
  // If the signal was already sent, its key shows that.
  if (known.status === 'ready') await parts.mustSend(place, { type: 'implement_start' });
  return untilStarted(parts, place, { sinceMs: request.firstAtMs, waits, isNew: true, notes: [] });
}

/** Undoes a failed start: the earlier state stays, and nothing of a new session. */
async function forget(parts: BeginParts, place: IssuePlace, isNew: boolean): Promise<void> {
  const { project, plan } = place;
  const row = await parts.store.plan(project, plan);
  if (row !== null && row.generation === 0 && row.status === 'ready') await parts.forgetPlan(project, plan);
  if (isNew) await parts.store.commit([{ do: 'issue.remove', key: { project, plan } }]);
}

/** Throws `unavailable` if the session did not start; a new one is then removed. */
async function untilStarted(
  parts: BeginParts,
  place: IssuePlace,
  { sinceMs, waits, isNew, notes }: Start,
): Promise<IssueStarted> {
  const answer = async (status: IssueStarted['status'], more: readonly string[] = []): Promise<IssueStarted> => ({
    status,
    session: await parts.sessions.entryOf(await parts.sessions.mustRow(place)),
    notes: [...notes, ...more],
  });
  const unstarted = await parts.views.unstarted(place);
  if (unstarted !== null) return answer('queued', [unstarted]);
  if (waits) return answer('queued');
  for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += startPollMs) {
    const run = await parts.sessions.runSince(place, sinceMs);
    if (run !== null && run.reason === 'start-failed') throw await notStarted(parts, place, isNew);
    if (run !== null && !['queued', 'starting', 'cancelled'].includes(run.state)) return answer('started');
    const known = await parts.store.plan(place.project, place.plan);
    if (run === null && known?.blocked != null) throw await notStarted(parts, place, isNew);
    // All work is already done.
    if (run === null && known !== null && !['ready', 'implementing'].includes(known.status))
      return answer('told', [`it is ${known.status}`]);
    await delay(startPollMs);
  }
  return answer('queued', [`it has not started yet: stator plan explain ${shellWord(place.plan)}`]);
}

async function notStarted(parts: BeginParts, place: IssuePlace, isNew: boolean): Promise<EngineError> {
  const shown = await parts.views.plan(place.project, place.plan);
  const [task] = shown.tasks_by_wave[0]?.tasks ?? [];
  const why =
    (await whyOf(parts, place)) ?? task?.why ?? shown.blocked?.reason ?? task?.reason ?? 'its agent did not come up';
  if (isNew) await parts.end(place, false).catch((thrown: unknown) => parts.log.warn(messageOf(thrown)));
  return new EngineError(
    'unavailable',
    `the session of ${place.reference ?? place.plan} did not start: ${why}`,
    isNew
      ? 'it left nothing behind; correct the cause and start it again'
      : `look at it with: stator plan explain ${place.plan}`,
  );
}

/** How its last run ended. While attempts are left, neither a task nor a block shows it. */
async function whyOf({ store }: BeginParts, { project, plan }: IssuePlace): Promise<string | null> {
  const exit = (await store.signals({ project, plan })).find(({ type }) => type === 'run_exited');
  if (exit === undefined) return null;
  const { detail } = JSON.parse(exit.payload) as SignalPayload<'run_exited'>; // the signal's type decides it
  return whyFailed(detail, 'start-failed');
}

function isMissing(name: string, why: string | null, { forge }: IssuePlace): EngineError {
  const server = forge === null ? '' : ` ${shellWord(forge.server.name)}`;
  return new EngineError(
    'not_found',
    `there is no issue ${name}: ${why}`,
    `look at its number; of a private repository a forge says the same where the token may not see it: stator server get${server}`,
  );
}

function isThere(name: string): EngineError {
  return new EngineError(
    'conflict',
    `there is a session of ${name} already`,
    `go on with it: stator issue continue ${shellWord(name)} "<what to do>"`,
  );
}
