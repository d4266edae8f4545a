/**
 * One run of an agent, from its worktree to its last process. After a crash, the next engine first reads from the store whether a start was tried, and then
 * from the run's folder how far it came. A claim means that the run was started and must be adopted; no claim means that a wrapper may still be starting. If
 * a start was tried and the folder is gone, the run is lost.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type AgentRun, placeOfRun } from '../../../machines/vocabulary/effect.ts';
import { EngineError, reasonOf, withHint } from '../../../machines/vocabulary/errors.ts';
import { isJudge, isWorker, runName } from '../../../machines/vocabulary/ids.ts';
import { logCommand } from '../../../machines/vocabulary/reason-text.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalPayload } from '../../../machines/vocabulary/signal.ts';
import { isAcpPreset } from '../../base/config/acp/agents.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { openToOwner } from '../../base/platform/open-to-owner.ts';
import { createPollLoop, type PollLoop } from '../../base/platform/poll-loop.ts';
import { formatIdentity } from '../../base/platform/process-table.ts';
import { spawner } from '../../base/platform/spawner.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { newToken, tokenHash } from '../../base/platform/token.ts';
import { lookAtBudget, nearWords } from '../../core/outbox/budget.ts';
import type { EffectContext, Handler, Outcome } from '../../core/outbox/handler.ts';
import { StoreTrouble } from '../../core/store/port.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { accountLimited, heldUntil, lookAtAccounts, profileOf, quotaChanges } from '../agents/accounts.ts';
import { quotasOf } from '../agents/conversation-quotas.ts';
import { watchRun } from '../agents/liveness.ts';
import { syncLogins } from '../agents/logins.ts';
import { cancelTurn, takesMessages } from '../agents/message-input.ts';
import { outputEnd } from '../agents/output-end.ts';
import { tailOf } from '../agents/output-log.ts';
import { noteInLog } from '../agents/own-lines.ts';
import { idleCode } from '../agents/relay/acp-settings.ts';
import type { RunReport } from '../agents/reports/report.ts';
import { verdictIn, verdictSignals } from '../agents/reports/verdict.ts';
import { limitReached, watchResources } from '../agents/resource-watch.ts';
import {
  createRunFolder,
  type RunFolder,
  readAgent,
  readClaim,
  readExit,
  voidOrAdopt,
  writeRunFile,
} from '../agents/run-folder.ts';
import { runIdOf } from '../agents/run-id.ts';
import { stopTree, sweepLeftovers, thawTree } from '../agents/stopping.ts';
import { hasInput } from '../agents/terminal-input.ts';
import { type Launched, launch } from '../agents/wrapper.ts';
import { mendBare } from '../git/bare-again.ts';
import { branchRef, readRef } from '../git/refs.ts';
import { limitsEnd } from '../sandbox/resources.ts';
import { wallsFailure } from '../sandbox/walls.ts';
import { callFunction } from './agent-function.ts';
import { type PrepareParts, prepareRun } from './agent-start.ts';
import { isDirty, type Leftovers, tidyCoordinator, withheldText } from './coordinator-end.ts';
import { createSilence, wasEndedAsOver, watchFinalResult } from './final-result.ts';
import { tellLostWork } from './lost-work.ts';
import { noteRefs, tellMovedRefs } from './moved-refs-report.ts';
import { keepLinked } from './nested-report.ts';
import { presenceAtEnd, wasAway } from './place-away.ts';
import { notedWords } from './prompt-words.ts';
import { watchRefusals } from './refused-hosts.ts';
import { lostWords, takeOver } from './restored-run.ts';
import { startMeter } from './run-meter.ts';
import { failureText, limitedUntil, modelRefusedBefore, noteReport, unusableHint } from './run-report.ts';
import { collectRun } from './run-repository.ts';
import { type RunSockets, withSocket } from './run-socket.ts';
import type { SecretSearch } from './secrets/search.ts';
import { watchStops } from './stopped-outside.ts';
import { tellTakenBack } from './taken-back-report.ts';
import { passUnread } from './unread-messages.ts';
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
import { awaitSetup, withoutSetup, withSetup } from './worktree-setup.ts';

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

/** The length of the output's end in a reason; the log has the rest. */
const tailBytes = 4_096;
/** The time for a turn to end, before the program is ended like any other. */
const cancelMs = 5_000;
/** How often silence is measured. */
const idlePollMs = 1_000;
/** How often renewed logins are collected: another program that starts meanwhile would get an expired login. */
const loginPollMs = 2_000;
const noLimits = { kind: 'none' } as const;

export function createAgentRun(parts: AgentRunParts): Handler<AgentRun> {
  return async (effect, context) => {
    const { row } = context;
    // Its git and its wrapper, and those of later steps.
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
  if (unfit !== null) return unusable(null, unfit);
  const begun = readClaim(folder) === null ? await begin(parts, effect, context, { run, socketPath }) : adopted(folder);
  if (begun.kind === 'over') return begun.outcome;
  context.began();
  await noteClaim(parts, row.key, folder);
  const unprepared = await awaitSetup(parts, context, folder);
  if (unprepared !== null) return unprepared;
  await noteStart(parts, effect, context, folder);
  return waitForEnd(parts, effect, context, folder);
}

/** Its work is not known, and none of its processes may continue: the next attempt works in the same place. */
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

async function noteEnd({ store, nowMs }: AgentRunParts, key: string, code: number | null): Promise<void> {
  await store.commit([{ do: 'run.note', key, set: { ended_at: nowMs(), exit_code: code, pid: null } }]);
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
    if (isStoreTrouble(thrown)) throw thrown;
    if (stop.aborted) return giveUp(folder);
    // This is no fault of the run: it waits in its row until it can begin.
    if (environmentFault(thrown) !== null || (await parts.isRepoDown?.(row.project)) === true) throw thrown;
    const message = reasonOf(thrown);
    return notStarted(folder, message, isFinal(thrown));
  }
}

/** No agent may build on a branch that has lost work. Throws `lost_work`, which is waited for: the plan needs a person. */
async function mustBeWhole(parts: AgentRunParts, { place }: AgentRun, context: EffectContext): Promise<void> {
  const lost = await tellLostWork(parts, context, place.from);
  if (lost === null) return;
  const hint = `say what is to become of it: stator plan explain ${shellWord(context.row.plan)}`;
  throw new EngineError('lost_work', lost.detail, hint);
}

/** A locked store or a full disk is waited for: it is no fault of the run. */
function isStoreTrouble(thrown: unknown): boolean {
  return thrown instanceof StoreTrouble || (thrown instanceof EngineError && thrown.code === 'store_full');
}

/** Faults of the configuration or the document, which do not go away by themselves. */
function isFinal(thrown: unknown): boolean {
  return thrown instanceof EngineError && (thrown.code === 'agent_unusable' || thrown.code === 'bad_config');
}

/** A failed preparation is a failed start. An earlier owner's wrapper may still claim the run: the first claim decides. */
function notStarted(folder: RunFolder, message: string, isFinal: boolean): Begun {
  if (voidOrAdopt(folder).kind !== 'void') return { kind: 'runs' };
  tellInLog(folder, message);
  return over(isFinal ? 'unusable' : 'start-failed', message);
}

/** People look for the reason in the log. If the disk is full, the reason is not written there. */
function tellInLog({ log }: RunFolder, message: string): void {
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
  { row, report, sendSignal: tell }: EffectContext,
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
  if (base !== null && place.branch === place.from) tell('head', 'head_moved', { head: base, begins: true });
  report('started', 'run_started', { base, words: notedWords(folder), ...inputOf(folder) });
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
  const runId = runIdOf(parts.home, row.key);
  const watch = new AbortController();
  const leave = () => watch.abort();
  const meter = await startMeter(parts, { effect, row }, { folder, onOver: leave });
  abort.addEventListener('abort', leave, { once: true });
  stop.addEventListener('abort', leave, { once: true });
  const silence = watchSilence(parts, effect, context, folder);
  const { timeoutMs } = profileOf(parts.projects.get(row.project).config.profiles, {
    role: effect.role,
    run: await parts.store.run(row.key),
  });
  const ran = { key: row.key, title: effect.title, timeoutMs };
  const result = watchFinalResult(parts, ran, { folder, onOver: leave });
  const logins = watchLogins(parts, effect, folder);
  const refusals = watchRefusals(parts, { project: row.project, plan: row.plan, folder, title: effect.title });
  const own = callFunction(parts, {
    ...{ folder, key: row.key, title: effect.title, suspected: row.suspected },
    giveToken: () => giveToken(parts, row.key),
  });
  const onError = (thrown: unknown) => parts.log.debug(`what ${effect.title} takes is not known: ${reasonOf(thrown)}`);
  const { moves } = await parts.projects.repository(row.project).catch(async () => {
    // An earlier engine watched the run, and its agent has turned the checkout into a bare repository meanwhile.
    await mendCheckout(parts, effect, { row, folder });
    return parts.projects.repository(row.project);
  });
  const atWork = moves.begin(effect.title);
  const resources = watchResources(folder, runId, { onReached: leave, onError });
  const stops = watchStops(parts, context, { folder, runId, title: effect.title });
  try {
    if (abort.aborted || stop.aborted) watch.abort();
    const end = await watchRun(folder, { abort: watch.signal }).catch((thrown: unknown) => {
      if (watch.signal.aborted) return null;
      throw thrown;
    });
    await Promise.all([own.stop(), result.stop(), stops.stop()]);
    abort.throwIfAborted();
    // This comes before the first TERM: after a crash, the following end must not be mistaken for the agent's own.
    const run = await ownLaunch(parts, row.key, basename(folder.path));
    if (isGone(run)) return await endGone(parts, context, run);
    if (end === null && readExit(folder) === null) {
      markStopped(folder);
      await endTurn(parts, folder, { runId, abort });
    }
    if (end === null || end.kind === 'lost') await stopTree(folder, runId, { graceMs: parts.graceMs, abort });
    else await sweepLeftovers(folder, runId, { abort });
    abort.throwIfAborted();
    parts.faults?.('agent-run.after-exit');
    if (existsSync(folder.outputLost))
      parts.log.warn(`some output of ${effect.title} is lost: the disk took no more into ${folder.log}`);
    await mendCheckout(parts, effect, { row, folder });
    const site = await runSiteOf(parts, row, placeOfRun(effect));
    reopen(parts, effect, { worktree: site.worktree, folder });
    const { repository } = site;
    await tellMovedRefs(effect, context, { folder, repository, others: atWork.others, nowMs: parts.nowMs() });
    if (!stop.aborted) await presenceAtEnd(site, { folder, nowMs: parts.nowMs() });
    await collectRun(parts, effect, { row, folder });
    await keepLinked(effect, context, { folder, site });
    await tellTakenBack(effect, { row, folder, site });
    const { worktree = null } = (await parts.store.run(row.key)) ?? {};
    if (worktree !== null) await parts.lastWords?.(row.project, worktree);
    const left = await tidy(parts, effect, context, folder);
    await Promise.all([logins.stop(), refusals.stop()]);
    await meter.stop();
    return await outcomeOf(parts, effect, context, { folder, left });
  } finally {
    await Promise.all([own.stop(), result.stop(), silence.stop(), logins.stop(), resources.stop(), meter.stop()]);
    await Promise.all([refusals.stop(), stops.stop()]);
    atWork.end();
    abort.removeEventListener('abort', leave);
    stop.removeEventListener('abort', leave);
  }
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
  const limit = AbortSignal.timeout(Math.min(cancelMs, graceMs));
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
  tellInLog(folder, `stator: ${text}`);
}

/** Synchronizes the program's login with the user's; a replaced login is reported and not used. */
function watchLogins({ log, nowMs }: AgentRunParts, { title }: AgentRun, folder: RunFolder): Pick<PollLoop, 'stop'> {
  const onError = (thrown: unknown) => log.warn(`the login of ${title} could not be looked at: ${reasonOf(thrown)}`);
  const loop = createPollLoop({
    everyMs: loginPollMs,
    async work() {
      syncLogins(folder, nowMs());
      return null;
    },
    onError,
  });
  loop.start();
  let stopped: Promise<void> | null = null;
  async function stop(): Promise<void> {
    await loop.stop();
    try {
      for (const path of syncLogins(folder, nowMs()))
        log.warn(`${title} changed the copy of ${path}, and not as its renewal would; what you have there stays`);
    } catch (thrown) {
      onError(thrown);
    }
  }
  return {
    async stop() {
      stopped ??= stop();
      await stopped;
    },
  };
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

/** Records that this run did not end by itself. A stop after the agent's exit ends only its leftovers. */
export function markStopped(folder: RunFolder): void {
  writeRunFile(stoppedFile(folder), '');
}

function stoppedFile({ path }: RunFolder): string {
  return join(path, 'stopped');
}

async function outcomeOf(
  parts: AgentRunParts,
  effect: AgentRun,
  context: EffectContext,
  { folder, left }: { readonly folder: RunFolder; readonly left: Leftovers },
): Promise<Outcome> {
  const { title, role } = effect;
  const { store, nowMs } = parts;
  const { row, stop } = context;
  let code = await countedExit(parts, effect, context, { folder, left });
  let wasStopped = existsSync(stoppedFile(folder));
  const unbuilt = wasStopped || code !== 1 ? null : wallsFailure(withoutSetup(tailOf(folder, tailBytes)));
  await noteEnd(parts, row.key, unbuilt === null ? code : null);
  if (unbuilt !== null) return { type: 'run_exited', payload: { code: null, cause: 'start-failed', detail: unbuilt } };
  if (code !== 0 && !wasStopped && wasAway(folder))
    return { type: 'run_exited', payload: { code, cause: 'stopped', detail: 'its worktree was away while it ran' } };
  const limits = wasStopped || !code ? noLimits : limitsEnd(folder, { code, output: tailOf(folder, tailBytes) });
  if (limits.kind === 'unmade')
    return { type: 'run_exited', payload: { code: null, cause: 'start-failed', detail: limits.text.slice(-8_192) } };
  const report = await noteReport(parts, { key: row.key, code, wasStopped }, folder);
  // Its program had reported success: that it was still running, and how it reacted to the stop, does not change that.
  if (wasStopped && report !== null && (report.isOver || wasEndedAsOver(folder))) {
    code = 0;
    wasStopped = false;
    await noteEnd(parts, row.key, code);
  }
  const ran = { key: row.key, code, wasStopped };
  const lines_read = passUnread(context, { title, folder, report });
  await tellNear(parts, row);
  const exited = (payload: Exited): Outcome => ({ type: 'run_exited', payload: { ...payload, lines_read } });
  const noted = await store.run(row.key);
  const preset = noted?.preset ?? null;
  const words = failureText(report, ran, folder, preset);
  const said = words ?? withoutSetup(outputEnd(folder, { limitBytes: tailBytes, more: logCommand(title, null) }));
  // The last line, because a failing program ends with the reason.
  const reached = limitReached(folder);
  const last = reached ?? (limits.kind === 'none' ? null : limits.text);
  const detail = last === null ? said : `${said}\n${last}`.trim();
  if (reached !== null && !stop.aborted) return exited({ code, cause: 'resource-limit', detail });
  const until = limitedUntil(report, ran, { nowMs: nowMs(), folder });
  if (until !== null) {
    const again = await noteLimit(parts, effect, { row, told: until });
    return exited({ code, cause: 'rate-limited', detail, until: again });
  }
  const isReserved = await noteReserve(parts, effect, { row, folder, report });
  if (code === 0 && !isReserved) await noteRoom(parts, row.key);
  // It may have judged the branch without the lost work: then its verdict does not count.
  const { branch, from } = effect.place;
  if (isJudge(role)) await tellLostWork(parts, context, branch);
  // For work on the plan's own branch the commit puts the question. A failed coder's work is not merged, so no question is needed.
  else if (isWorker(role) && branch !== from) await tellLostWork(parts, context, from);
  const { flags } = profileOf(parts.projects.get(row.project).config.profiles, { role, run: noted });
  const hint = unusableHint(report, ran, { preset, role, flags });
  if (hint !== null) return unusable(code, `${hint}\n${detail}`.trim());
  if (code === 0 && left.kind === 'kept' && left.withheld !== null)
    return unusable(code, `${withheldText(effect.place.branch, left)}\n${detail}`.trim());
  if (limits.kind === 'met') return exited({ code, cause: 'resource-limit', detail });
  if (code === null && !wasStopped) return { type: 'run_lost', payload: { detail } };
  const lost = code === 0 && !wasStopped ? lostWords(effect, row.plan, { folder, preset }) : null;
  if (lost !== null) return unusable(code, lost);
  if (code === 0 && !wasStopped) await sayVerdict(parts, effect, context, { report, about: commitOf(folder, left) });
  return exited({ code, cause: wasStopped ? 'stopped' : 'exit', detail });
}

/** The exit code. An agent that used no tool, according to its protocol, has still worked if something was changed. */
async function countedExit(
  parts: AgentRunParts,
  { place }: AgentRun,
  { row }: EffectContext,
  { folder, left }: { readonly folder: RunFolder; readonly left: Leftovers },
): Promise<number | null> {
  const code = readExit(folder);
  const preset = (await parts.store.run(row.key))?.preset ?? null;
  if (code !== idleCode || preset === null || !isAcpPreset(preset)) return code;
  const { repository, worktree } = await runSiteOf(parts, row, place);
  const hasMoved = (await readRef(repository, branchRef(place.branch))) !== readBase(folder);
  return left.kind !== 'none' || hasMoved || (await isDirty(repository, worktree)) ? 0 : code;
}

type Exited = Pick<SignalPayload<'run_exited'>, 'code' | 'cause' | 'detail' | 'until'>;

/** Another attempt would fail in the same way, so a person is asked. */
function unusable(code: number | null, detail: string): Outcome {
  return { type: 'run_exited', payload: { code, cause: 'unusable', detail } };
}

/** Stops all agents of the account. Returns when this one continues: at once if it has a fallback profile. */
async function noteLimit(
  parts: AgentRunParts,
  { role, title, attempt, agent }: AgentRun,
  { row, told }: { readonly row: EffectContext['row']; readonly told: number },
): Promise<number> {
  const { project, plan } = row;
  const run = await parts.store.run(row.key);
  const account = run?.account ?? null;
  if (account === null) return told;
  const at = parts.nowMs();
  const known = (await parts.store.accountLimits()).find((limit) => limit.account === account) ?? null;
  const until = heldUntil({ until: told, at, startedAt: run?.started_at ?? null }, known);
  await parts.store.commit([accountLimited({ account, until, told, used: null, at }, { project, plan, title })]);
  const cast = (await lookAtAccounts(parts)).castOf(project, role, attempt, agent);
  return cast !== null && cast.limit === null ? at : until;
}

/** Stores how much of the account's limits is left, and holds back new agents while it is less than the reserve. Returns whether it does. */
async function noteReserve(
  { store, projects, nowMs }: AgentRunParts,
  { role }: AgentRun,
  {
    row,
    folder,
    report,
  }: { readonly row: EffectContext['row']; readonly folder: RunFolder; readonly report: RunReport | null },
): Promise<boolean> {
  const run = await store.run(row.key);
  const quotas = run === null ? [] : quotasOf(run, { folder, report });
  if (run === null || quotas.length === 0) return false;
  const profile = profileOf(projects.get(row.project).config.profiles, { role, run });
  const { changes, isReserved } = quotaChanges(run, {
    ...{ quotas, profile, known: await store.accountLimits(), at: nowMs() },
  });
  if (changes.length > 0) await store.commit(changes);
  return isReserved;
}

/** Whether no limit applies: one that was reported before it began is over, for example because a person restarted it. */
async function noteRoom({ store }: AgentRunParts, key: string): Promise<void> {
  const run = await store.run(key);
  const { account = null, started_at: before = null } = run ?? {};
  if (account === null || before === null) return;
  const isKnown = (await store.accountLimits()).some((row) => row.account === account && row.since < before);
  if (isKnown) await store.commit([{ do: 'account.free', account, before }]);
}

/** Turns the last message of a judge's program into the signal of its role, in its agent's name and about the commit that it judged. */
async function sayVerdict(
  parts: AgentRunParts,
  { role, title, place }: AgentRun,
  { row, sendAs: say, sendSignal: tell }: EffectContext,
  { report, about }: { readonly report: RunReport | null; readonly about: string | null },
): Promise<void> {
  const verdict = report === null || !isJudge(role) ? null : verdictIn(report.finalMessages);
  if (verdict === null || !isJudge(role)) return;
  const { kind, body } = verdict;
  // Another author may have committed there meanwhile, and that commit was not judged.
  const { repository } = await runSiteOf(parts, row, place);
  const tip = await readRef(repository, branchRef(place.branch));
  if (tip !== null && tip !== about) tell('tip', 'head_moved', { head: tip });
  const reviewed = about === null ? {} : { reviewed_sha: about };
  say(title, 'verdict', verdictSignals[role][kind], { ...(body === '' ? {} : { body }), ...reviewed });
}

/** The last commit that a judge has seen: its run's start commit, or its own commit. */
function commitOf(folder: RunFolder, left: Leftovers): string | null {
  return left.kind === 'fixed' ? left.head : readBase(folder);
}

/** Most programs report a run's cost at its end. */
async function tellNear(parts: AgentRunParts, row: EffectContext['row']): Promise<void> {
  const budget = await lookAtBudget(parts, row);
  if (budget === null || budget.uses.length === 0) return;
  const near = nearWords(budget, budget.uses, { run: row.key, at: parts.nowMs() });
  if (near.length > 0) await parts.store.commit(near);
}

/**
 * Reports silence that lasts too long, counted from this engine's first check. A frozen agent, or one that waits for another, is not silent: its time begins
 * again afterwards. An ended agent is not silent either, however long its leftovers take. Nothing is reported after `stop` has resolved.
 */
function watchSilence(
  { store, timeline, log }: AgentRunParts,
  { idleMs, title }: AgentRun,
  { report, row }: EffectContext,
  folder: RunFolder,
): Pick<PollLoop, 'stop'> {
  if (idleMs === null) return { stop: async () => {} };
  const silentMs = createSilence(timeline, folder);
  const loop = createPollLoop({
    everyMs: idlePollMs,
    async work() {
      const state = (await store.run(row.key))?.state;
      if (readExit(folder) !== null) return null;
      if (silentMs(state) > idleMs) report('idle', 'run_idle', {});
      return null;
    },
    onError: (thrown) => log.debug(`whether ${title} is silent is not known: ${reasonOf(thrown)}`),
  });
  loop.start('with-beat');
  return loop;
}
