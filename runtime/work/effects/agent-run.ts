/**
 * One run of an agent, from its worktree to its last process. After a crash, the next engine first reads from the store whether a start was tried, and then
 * from the run's folder how far it came. A claim means that the run was started and must be adopted; no claim means that a wrapper may still be starting. If
 * a start was tried and the folder is gone, the run is lost.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type AgentRun, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError, reasonOf, withHint } from '../../../machines/vocabulary/errors.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { openToOwner } from '../../base/platform/open-to-owner.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import { formatIdentity } from '../../base/platform/process-table.ts';
import { spawner } from '../../base/platform/spawner.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { newToken, tokenHash } from '../../base/platform/token.ts';
import type { EffectContext, Handler, Outcome } from '../../core/outbox/handler.ts';
import { StoreTrouble } from '../../core/store/port.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { profileOf } from '../agents/accounts.ts';
import { watchRun } from '../agents/liveness.ts';
import { cancelTurn, takesMessages } from '../agents/message-input.ts';
import {
  createRunFolder,
  noteInLog,
  type RunFolder,
  readAgent,
  readClaim,
  readExit,
  runIdOf,
  voidOrAdopt,
} from '../agents/run-folder.ts';
import { stopTree, sweepLeftovers, thawTree } from '../agents/stopping.ts';
import { hasInput } from '../agents/terminal-input.ts';
import { type Launched, launch } from '../agents/wrapper.ts';
import { mendBare } from '../git/bare-again.ts';
import { type PrepareParts, prepareRun } from './agent-start.ts';
import { type Leftovers, tidyCoordinator } from './coordinator-end.ts';
import { endForgotten } from './cut-off.ts';
import { reportLostWork } from './lost-work.ts';
import { noteRefs, reportMovedRefs } from './moved-refs-report.ts';
import { keepLinked } from './nested-report.ts';
import { presenceAtEnd } from './place-away.ts';
import { notedMessages } from './prompt-messages.ts';
import { takeOver } from './restored-run.ts';
import { markStopped, noteEnd, outcomeOf } from './run-outcome.ts';
import { modelRefusedBefore } from './run-report.ts';
import { collectRun } from './run-repository.ts';
import { type RunSockets, withSocket } from './run-socket.ts';
import { startWatches } from './run-watches.ts';
import type { SecretSearch } from './secrets/search.ts';
import { reportTakenBack } from './taken-back-report.ts';
import {
  isGone,
  type Launch,
  ownLaunch,
  readBase,
  readLaunch,
  readReady,
  runSiteOf,
  worktreePath,
} from './workplace.ts';
import { awaitSetup, withSetup } from './worktree-setup.ts';

export interface AgentRunParts extends PrepareParts {
  readonly secrets: SecretSearch;
  readonly sockets: RunSockets;
  readonly timeline: Timeline;
  /** Milliseconds between the request to end and the kill. */
  readonly graceMs: number;
  /** Collects the signal files of a worktree after its agent has ended: the agent's last signals count before its end. */
  lastWords?(project: string, worktree: string): Promise<void>;
  /** Checks whether the repo is unusable now. Default: it is usable. */
  isRepoDown?(project: string): Promise<boolean>;
}

/** The time for a turn to end, before the program is ended like any other. */
const cancelMs = 5_000;

export function createAgentRun(parts: AgentRunParts): Handler<AgentRun> {
  return async (effect, context) => {
    const { row } = context;
    // The run starts git, a wrapper, and more programs in later steps.
    spawner.expectMany();
    const run = await ownLaunch(parts, row.key, runName(row.project, row.plan, effect.id));
    const { project, plan, key } = row;
    const owner = { launch: basename(run.folder.path), project, plan, run: key };
    try {
      return await withSocket(parts.sockets, owner, (socketPath) =>
        carryOut(parts, effect, context, { run, socketPath }),
      );
    } catch (thrown) {
      // After any error here: a working agent keeps its slot and its worktree.
      if (!context.abort.aborted && (await wasStarted(parts, key))) context.began();
      throw thrown;
    }
  };
}

/** Whether its agent may be running: it has a wrapper, or its folder is unreadable. */
async function wasStarted({ home, store }: Pick<AgentRunParts, 'home' | 'store'>, key: string): Promise<boolean> {
  const launched = await readLaunch({ home, store }, key);
  if (launched?.mayHaveStarted !== true) return false;
  try {
    return launched.wrapper !== null || readClaim(launched.folder)?.kind === 'wrapper';
  } catch {
    return true;
  }
}

async function carryOut(
  parts: AgentRunParts,
  effect: AgentRun,
  context: EffectContext,
  { run, socketPath }: { run: Launch; socketPath: string },
): Promise<Outcome> {
  const { row } = context;
  if (isGone(run)) return endGone(parts, context, run);
  const { folder } = run;
  const unfit = await takeOver(parts, effect, context, folder);
  if (unfit !== null) return { type: 'run_exited', payload: { code: null, cause: 'unusable', detail: unfit } };
  const begun = readClaim(folder) === null ? await begin(parts, effect, context, { run, socketPath }) : adopted(folder);
  if (begun.kind === 'over') return begun.outcome;
  context.began();
  await noteClaim(parts, row.key, folder);
  const unprepared = await awaitSetup(parts, effect, context, folder);
  if (unprepared !== null) return unprepared;
  await noteStart(parts, effect, context, folder);
  return waitForEnd(parts, effect, context, folder);
}

/** Ends a run whose folder is gone. No process of it may continue, because the next attempt works in the same place. */
async function endGone(parts: AgentRunParts, context: EffectContext, run: Launch): Promise<Outcome> {
  const { row, stop, abort, report } = context;
  const { folder, wrapper } = run;
  context.began();
  // It may be gone before its begin was stored. It costs an attempt, so it counts as one; a repeated signal counts once.
  await parts.store.commit([{ do: 'run.note', key: row.key, once: { started_at: parts.nowMs() } }]);
  report('started', 'run_started', { base: null, words: [] });
  await stopTree(folder, runIdOf(parts.home, row.key), { graceMs: parts.graceMs, abort, known: wrapper });
  abort.throwIfAborted();
  await noteEnd(parts, row.key, null);
  const detail = `the folder of this run was taken away while it was under way: ${folder.path}\nits processes were ended; folders under runs are yours to delete once their run has ended`;
  if (stop.aborted) return { type: 'run_exited', payload: { code: null, cause: 'stopped', detail } };
  return { type: 'run_lost', payload: { detail } };
}

/** From here on the run counts as started, even if its folder is lost. */
async function noteClaim({ store }: AgentRunParts, key: string, folder: RunFolder): Promise<void> {
  const claim = readClaim(folder);
  if (claim?.kind !== 'wrapper') return;
  await store.commit([{ do: 'launch.note', key, wrapper: formatIdentity(claim.wrapper), base: readBase(folder) }]);
}

type Begun = { kind: 'runs' } | { kind: 'over'; outcome: Outcome };

function over(cause: 'stopped' | 'start-failed' | 'unusable', detail: string): Begun {
  return {
    kind: 'over',
    outcome: { type: 'run_exited', payload: { code: null, cause, detail: safeText(detail).slice(-8_192) } },
  };
}

/** A void claim means that an earlier owner gave the run up before anything was started. */
function adopted(folder: RunFolder): Begun {
  return readClaim(folder)?.kind === 'void' ? over('stopped', 'it was given up before it began') : { kind: 'runs' };
}

async function begin(
  parts: AgentRunParts,
  effect: AgentRun,
  context: EffectContext,
  { run, socketPath }: { run: Launch; socketPath: string },
): Promise<Begun> {
  const { row, stop, abort } = context;
  const { folder } = run;
  createRunFolder(folder, { isBegun: run.mayHaveStarted });
  await parts.store.commit([{ do: 'run.note', key: row.key, set: { folder: folder.path } }]);
  if (stop.aborted) return giveUp(folder);
  const refused = await modelRefusedBefore(parts, row);
  if (refused !== null) return notStarted(folder, refused, true);
  try {
    if (!run.mayHaveStarted) await endForgotten(parts, row);
    if (readReady(folder) === null) await mustBeWhole(parts, effect, context);
    const token = await giveToken(parts, row.key);
    const { profiles } = parts.projects.get(row.project).config;
    const { preset } = profileOf(profiles, { role: effect.role, run: await parts.store.run(row.key) });
    const request = await withSetup(
      parts,
      { row, stop, preset },
      await prepareRun(parts, { effect, row, folder, token, socketPath }),
    );
    await noteRefs(await parts.projects.repository(row.project), folder, parts.nowMs());
    // Stored before there is a wrapper, so that nothing is started twice.
    await parts.store.commit([{ do: 'launch.note', key: row.key, launchedAt: parts.timeline.nowMs() }]);
    if (stop.aborted) return giveUp(folder);
    abort.throwIfAborted();
    parts.faults?.('agent-run.before-spawn');
    const launched: Launched = await launch(request);
    parts.faults?.('agent-run.after-spawn');
    if (launched.kind === 'failed') return notStarted(folder, withHint(launched), launched.isFinal);
    return launched.kind === 'void' ? over('stopped', 'it was given up before it began') : { kind: 'runs' };
  } catch (thrown) {
    abort.throwIfAborted();
    if (thrown instanceof StoreTrouble) throw thrown;
    if (stop.aborted) return giveUp(folder);
    // This is no fault of the run: it waits in its row until it can begin.
    if (environmentFault(thrown) !== null || (await parts.isRepoDown?.(row.project)) === true) throw thrown;
    const message = reasonOf(thrown);
    return notStarted(folder, message, isFinal(thrown));
  }
}

/** No agent may build on a branch that has lost work. Throws `lost_work`, which is waited for: the plan needs a person. */
async function mustBeWhole(parts: AgentRunParts, { place }: AgentRun, context: EffectContext): Promise<void> {
  const lost = await reportLostWork(parts, context, place.from);
  if (lost === null) return;
  const hint = `say what is to become of it: stator plan explain ${shellWord(context.row.plan)}`;
  throw new EngineError('lost_work', lost.detail, hint);
}

/** Faults of the configuration or the document, which do not go away by themselves. */
function isFinal(thrown: unknown): boolean {
  return thrown instanceof EngineError && (thrown.code === 'agent_unusable' || thrown.code === 'bad_config');
}

/** A failed preparation is a failed start. An earlier owner's wrapper may still claim the run: the first claim decides. */
function notStarted(folder: RunFolder, message: string, isFinal: boolean): Begun {
  if (voidOrAdopt(folder).kind !== 'void') return { kind: 'runs' };
  writeToLog(folder, message);
  return over(isFinal ? 'unusable' : 'start-failed', message);
}

/** People look for the reason in the log. If the disk is full, the reason is not written there. */
function writeToLog({ log }: RunFolder, message: string): void {
  try {
    writeFileSync(log, `${message}\n`, { flag: 'a', mode: 0o600 });
  } catch {
    // The run's end also has the reason.
  }
}

function giveUp(folder: RunFolder): Begun {
  return voidOrAdopt(folder).kind === 'void' ? over('stopped', 'it was stopped before it began') : { kind: 'runs' };
}

/** A killed owner's wrapper may still start the agent, with its own token: that token then stays valid for the run. */
async function giveToken({ store }: AgentRunParts, key: string): Promise<string> {
  const token = newToken();
  await store.commit([{ do: 'run.add-token', key, hash: tokenHash(token) }]);
  return token;
}

async function noteStart(
  parts: AgentRunParts,
  effect: AgentRun,
  { row, report, sendSignal }: EffectContext,
  folder: RunFolder,
): Promise<void> {
  const { place } = effect;
  const { store, nowMs, projects } = parts;
  const base = readBase(folder);
  const worktree = worktreePath(projects.get(row.project), placeOfRun(effect));
  const pid = readAgent(folder)?.pid ?? null;
  const set = { pid, worktree, folder: folder.path };
  await store.commit([{ do: 'run.note', key: row.key, set, once: { started_at: nowMs() } }]);
  // On the plan's own branch it begins from the commits of people and earlier agents, and the plan must know them first.
  if (base !== null && place.branch === place.from) sendSignal('head', 'head_moved', { head: base, begins: true });
  report('started', 'run_started', { base, words: notedMessages(folder), ...inputOf(folder) });
}

/** The input that a person may send to it. */
function inputOf(folder: RunFolder): { takes_input?: true | 'messages' } {
  if (!hasInput(folder)) return {};
  return { takes_input: takesMessages(folder) ? 'messages' : true };
}

/** Waits for the end of a started run, whether we or an earlier owner started it, and for the end of all its processes. */
async function waitForEnd(
  parts: AgentRunParts,
  effect: AgentRun,
  context: EffectContext,
  folder: RunFolder,
): Promise<Outcome> {
  const { row, stop, abort } = context;
  const over = new AbortController();
  const watches = await startWatches(parts, effect, context, {
    folder,
    onOver: () => over.abort(),
    giveToken: () => giveToken(parts, row.key),
    mendCheckout: () => mendCheckout(parts, effect, { row, folder }),
  });
  const asked = AbortSignal.any([abort, stop, over.signal]);
  try {
    const end = await watchRun(folder, { abort: asked }).catch((thrown: unknown) => {
      if (asked.aborted) return null;
      throw thrown;
    });
    await watches.stopActing();
    abort.throwIfAborted();
    // This comes before the first TERM: after a crash, the following end must not be mistaken for the agent's own.
    const run = await ownLaunch(parts, row.key, basename(folder.path));
    if (isGone(run)) return await endGone(parts, context, run);
    await endProcesses(parts, context, folder, end);
    const left = await collect(parts, effect, context, { folder, others: watches.others });
    await watches.stopReading();
    return await outcomeOf(parts, effect, context, { folder, left });
  } finally {
    await watches.stop();
  }
}

/** `end` null: it was asked to end, or took too much, and its processes may still live. */
async function endProcesses(
  parts: AgentRunParts,
  { row, abort }: EffectContext,
  folder: RunFolder,
  end: Awaited<ReturnType<typeof watchRun>> | null,
): Promise<void> {
  const runId = runIdOf(parts.home, row.key);
  if (end === null && readExit(folder) === null) {
    markStopped(folder);
    await endTurn(parts, folder, { runId, abort });
  }
  if (end === null || end.kind === 'lost') await stopTree(folder, runId, { graceMs: parts.graceMs, abort });
  else await sweepLeftovers(folder, runId, { abort });
  abort.throwIfAborted();
  parts.faults?.('agent-run.after-exit');
}

/** Takes what its processes have left: commits, files, moved refs and signal files. `others`: the agents that worked in the repo at the same time. */
async function collect(
  parts: AgentRunParts,
  effect: AgentRun,
  context: EffectContext,
  { folder, others }: { readonly folder: RunFolder; readonly others: Parameters<typeof reportMovedRefs>[2]['others'] },
): Promise<Leftovers> {
  const { row, stop } = context;
  if (existsSync(folder.outputLost))
    parts.log.warn(`some output of ${effect.title} is lost: the disk took no more into ${folder.log}`);
  await mendCheckout(parts, effect, { row, folder });
  const place = placeOfRun(effect);
  const site = await runSiteOf(parts, row, place);
  reopen(parts, effect, { worktree: site.worktree, folder });
  await reportMovedRefs(effect, context, { folder, repository: site.repository, others, nowMs: parts.nowMs() });
  if (!stop.aborted) await presenceAtEnd({ ...site, branch: place.branch }, { folder, nowMs: parts.nowMs() });
  await collectRun(parts, effect, { row, folder });
  await keepLinked(effect, context, { folder, site });
  await reportTakenBack(effect, { row, folder, site });
  const { worktree = null } = (await parts.store.run(row.key)) ?? {};
  if (worktree !== null) await parts.lastWords?.(row.project, worktree);
  return tidy(parts, effect, context, folder);
}

/**
 * If the protocol can end a turn, it does so first: the agent saves its state, and ends its own processes. After a crash, the next engine only waits again.
 */
async function endTurn(
  { graceMs }: AgentRunParts,
  folder: RunFolder,
  { runId, abort }: { readonly runId: string; readonly abort: AbortSignal },
): Promise<void> {
  if (!cancelTurn(folder)) return;
  thawTree(folder, runId);
  const limit = timeLimit(Math.min(cancelMs, graceMs));
  await watchRun(folder, { abort: AbortSignal.any([abort, limit]) }).catch((thrown: unknown) => {
    abort.throwIfAborted();
    if (!limit.aborted) throw thrown;
  });
}

/** The run began in a checkout; if that is a bare repository now, a process of the run has changed it. */
async function mendCheckout(
  { projects, log }: AgentRunParts,
  { title }: AgentRun,
  { row, folder }: { readonly row: EffectContext['row']; readonly folder: RunFolder },
): Promise<void> {
  const file = await mendBare(projects.get(row.project).path);
  if (file === null) return;
  const text = `core.bare = true was written into ${file} while ${title} ran, so git saw no checkout there any more; it is false again`;
  log.warn(text);
  noteInLog(folder, text);
}

/** Restores permissions that the agent removed: otherwise its work could not be read, and no person would restore them. */
function reopen(
  { log }: AgentRunParts,
  { title }: AgentRun,
  { worktree, folder }: { readonly worktree: string; readonly folder: RunFolder },
): void {
  if (!openToOwner(worktree)) return;
  const text = `${title} closed ${worktree} to its own user; it is open again (chmod u+rwx)`;
  log.warn(text);
  noteInLog(folder, text);
}

/** Anything that cannot be cleaned up now is saved by the next run in this worktree: nothing waits for it. */
async function tidy(
  parts: AgentRunParts,
  effect: AgentRun,
  context: EffectContext,
  folder: RunFolder,
): Promise<Leftovers> {
  try {
    const left = await tidyCoordinator(parts, effect, { context, folder });
    if (left.kind === 'fixed') {
      const { head, since, lines } = left;
      context.sendSignal('fixed', 'head_moved', { head, since, lines });
    } else if (left.kind === 'kept') {
      const what = left.commits
        ? `its commits are not on ${effect.place.branch}`
        : 'what it left uncommitted was set aside';
      parts.log.warn(`${effect.title}: ${what}, since a ${effect.role} is there to judge; kept as ${left.ref}`);
    }
    return left;
  } catch (thrown) {
    parts.log.warn(`what ${effect.title} left in its worktree was not looked at: ${reasonOf(thrown)}`);
    return { kind: 'none' };
  }
}
