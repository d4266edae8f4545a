/** Watches a run while its processes live: its cost, its silence, its result, its logins, its resources, and stops from outside. */
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import { createPollLoop, type PollLoop } from '../../base/platform/poll-loop.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import type { Timeline } from '../../core/store/timeline.ts';
import { profileOf } from '../agents/accounts.ts';
import { syncLogins } from '../agents/logins.ts';
import { watchResources } from '../agents/resource-watch.ts';
import { type RunFolder, runIdOf } from '../agents/run-folder.ts';
import { callFunction } from './agent-function.ts';
import type { PrepareParts } from './agent-start.ts';
import { watchFinalResult } from './final-result.ts';
import { watchRefusals } from './refused-hosts.ts';
import { startMeter } from './run-meter.ts';
import { watchSilence } from './silence.ts';
import { watchStops } from './stopped-outside.ts';

/** How often renewed logins are collected: another program that starts meanwhile would get an expired login. */
const loginPollMs = 2_000;

interface WatchParts extends PrepareParts {
  readonly timeline: Timeline;
  /** Milliseconds between the request to end and the kill. */
  readonly graceMs: number;
}

interface Watched {
  readonly folder: RunFolder;
  /** Called when the run must end; it may be called again. */
  onOver(): void;
  giveToken(): Promise<string>;
  /** Makes the repository a checkout again if a process of the run has made it bare. */
  mendCheckout(): Promise<void>;
}

/**
 * `stopActing`: stops the watches that can end the run or send signals for it. `stopReading`: stops those that read once more after its last process.
 * `stop`: stops all.
 */
export async function startWatches(
  parts: WatchParts,
  effect: AgentRun,
  context: EffectContext,
  { folder, onOver, giveToken, mendCheckout }: Watched,
) {
  const { row } = context;
  const { title, role } = effect;
  const { project, plan, key } = row;
  const runId = runIdOf(parts.home, key);
  const meter = await startMeter(parts, { effect, row }, { folder, onOver });
  const silence = watchSilence(parts, effect, context, folder);
  const run = await parts.store.run(key);
  const { timeoutMs } = profileOf(parts.projects.get(project).config.profiles, { role, run });
  const result = watchFinalResult(parts, { key, title, timeoutMs }, { folder, onOver });
  const logins = watchLogins(parts, effect, folder);
  const refusals = watchRefusals(parts, { project, plan, folder, title });
  const own = callFunction(parts, { folder, key, title, suspected: row.suspected, giveToken });
  const onError = (thrown: unknown) => parts.log.debug(`what ${title} takes is not known: ${reasonOf(thrown)}`);
  const { moves } = await parts.projects.repository(project).catch(async () => {
    // An earlier engine watched the run, and its agent may have turned the checkout into a bare repository meanwhile.
    await mendCheckout();
    return parts.projects.repository(project);
  });
  const atWork = moves.begin(title);
  const resources = watchResources(folder, runId, { onReached: onOver, onError });
  const stops = watchStops(parts, context, { folder, runId, title });
  const stopAll = (watches: readonly { stop(): Promise<void> }[]) => Promise.all(watches.map((watch) => watch.stop()));
  return {
    others: atWork.others,
    stopActing: () => stopAll([own, result, stops]),
    async stopReading(): Promise<void> {
      await stopAll([logins, refusals]);
      await meter.stop();
    },
    async stop(): Promise<void> {
      await stopAll([own, result, silence, logins, resources, meter, refusals, stops]);
      atWork.end();
    },
  };
}

/** Synchronizes the program's login with the user's; a replaced login is reported and not used. */
function watchLogins({ log, nowMs }: WatchParts, { title }: AgentRun, folder: RunFolder): Pick<PollLoop, 'stop'> {
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
