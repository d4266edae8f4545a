/** Sends the hosts that a run's proxy refused as an event to the repo's hooks. Each line of the file is sent once, even after a crash of the engine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop, type PollLoop } from '../../base/platform/poll-loop.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import { hookRows } from '../../core/store/hook-rows.ts';
import { type RunFolder, refusalsFile, writeStartFile } from '../agents/run-folder.ts';
import type { EffectParts } from './workplace.ts';

const lookMs = 2_000;
/** The most characters of one event's text. */
const textLimit = 2_000;

interface Whose {
  readonly project: string;
  readonly plan: string;
  readonly folder: RunFolder;
  /** The title of the agent, or of the check. */
  readonly title: string;
}

/** When `stop` resolves, all earlier refusals were sent, and no more are sent. */
export function watchRefusals(
  parts: Pick<EffectParts, 'store' | 'projects'> & { readonly nowMs: () => number; readonly log: Log },
  whose: Whose,
): Pick<PollLoop, 'stop'> {
  const onError = (thrown: unknown) =>
    parts.log.debug(`the refused hosts of ${whose.title} could not be reported: ${reasonOf(thrown)}`);
  const work = async () => {
    await reportRefusedHosts(parts, whose);
    return null;
  };
  const loop = createPollLoop({ everyMs: lookMs, work, onError });
  loop.start('with-beat');
  let stopped: Promise<void> | null = null;
  return {
    async stop() {
      stopped ??= loop.stop().then(() => reportRefusedHosts(parts, whose).catch(onError));
      await stopped;
    },
  };
}

async function reportRefusedHosts(
  { store, projects, nowMs }: Pick<EffectParts, 'store' | 'projects'> & { readonly nowMs: () => number },
  { project, plan, folder, title }: Whose,
): Promise<void> {
  const lines = linesOf(refusalsFile(folder));
  const reportedFile = join(folder.path, 'refused-told');
  const reported = Number(linesOf(reportedFile)[0] ?? 0);
  const fresh = lines.slice(reported);
  if (fresh.length === 0) return;
  const status = (await store.plan(project, plan))?.status ?? null;
  const reason = safeText(fresh.join('; ')).slice(0, textLimit);
  const hosts = safeText(fresh.map((line) => line.split(' ')[0] ?? '').join(' ')).slice(0, textLimit);
  const details = { instance: title, hosts, reason, message: `${title}: the network refused ${hosts}` };
  const happened = { event: 'network_refused', from: status, to: status, details } as const;
  const changes = hookRows({ project, plan }, [happened], { hooks: projects.hooksOf(project), at: nowMs() });
  if (changes.length > 0) await store.commit(changes);
  writeStartFile(reportedFile, `${lines.length}\n`);
}

/** The complete lines: the last one may be incomplete. */
function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
}
