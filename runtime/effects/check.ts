/** Runs the checks that a document names for its tasks, each as a process of its own that survives the engine like a run does. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { WorkCheck } from '../../machines/effect.ts';
import { EngineError } from '../../machines/errors.ts';
import { runName } from '../../machines/ids.ts';
import { type PlanTask, parsePlan } from '../../machines/plan-document.ts';
import { runEnvironment } from '../agents/environment.ts';
import { ensureLauncher } from '../agents/launcher.ts';
import { watchRun } from '../agents/liveness.ts';
import { safeText, tailOf } from '../agents/output-log.ts';
import { createRunFolder, type RunFolder, readClaim, readExit } from '../agents/run-folder.ts';
import { runIdOf } from '../agents/run-id.ts';
import { stopTree, sweepLeftovers } from '../agents/stopping.ts';
import { launch } from '../agents/wrapper.ts';
import type { Store } from '../store/store.ts';
import type { EffectContext, Handler, Outcome } from './handler.ts';
import { type EffectParts, folderOf, runsRoot, siteOf } from './workplace.ts';

export interface CheckParts extends EffectParts {
  readonly store: Store;
  readonly env: NodeJS.ProcessEnv;
  readonly socketPath: string;
}

/** A check that takes longer has failed. */
const limitMs = 30 * 60_000;
const tailBytes = 4_096;
const unwanted = 'it is no longer wanted';

export function createCheck(parts: CheckParts): Handler<WorkCheck> {
  return async (effect, context): Promise<Outcome> => {
    for (const [index, { wave, task }] of checksOf(parts, effect, context).entries()) {
      const failure = await check(parts, effect, context, { index, command: task.check ?? 'true' });
      if (failure !== null)
        return {
          type: 'check_failed',
          payload: { detail: `check of wave ${wave} task ${task.number}: ${task.check}\n${failure}` },
        };
    }
    return { type: 'check_passed', payload: {} };
  };
}

function checksOf(
  { store }: CheckParts,
  effect: WorkCheck,
  { row }: EffectContext,
): { wave: number; task: PlanTask }[] {
  const { document } = parsePlan(store.plans.content(row.project, row.plan) ?? '');
  return document.waves
    .flatMap(({ number, tasks }) => tasks.map((task) => ({ wave: number, task })))
    .filter(
      ({ wave, task }) =>
        task.check !== null && (effect.wave === null || (effect.wave === wave && effect.task === task.number)),
    );
}

/** null: it passed. */
async function check(
  parts: CheckParts,
  effect: WorkCheck,
  context: EffectContext,
  { index, command }: { index: number; command: string },
): Promise<string | null> {
  const { row, abort, stop } = context;
  const name = `${row.wish}-check-${index + 1}`;
  const runId = runIdOf(parts.home, `${row.key}/check-${index + 1}`);
  if (stop.aborted) return endUnwanted(folderOf(parts, row, name), runId, abort);
  const folder = createRunFolder(runsRoot(parts.home), runName(row.project, row.plan, name));
  if (readClaim(folder) === null) await start(parts, effect, context, { folder, runId, command });
  if (readClaim(folder)?.kind === 'void') return unwanted;
  const limit = AbortSignal.timeout(limitMs);
  try {
    const end = await watchRun(folder, { abort: AbortSignal.any([abort, stop, limit]) });
    if (end.kind === 'lost') await stopTree(folder, runId, { abort });
    else await sweepLeftovers(folder, runId, { abort });
    if (end.kind === 'exited' && end.code === 0) return null;
    return `${end.kind === 'lost' ? 'it vanished' : `it exited with ${end.code}`}\n${safeText(tailOf(folder, tailBytes))}`;
  } catch (thrown) {
    abort.throwIfAborted();
    if (!limit.aborted && !stop.aborted) throw thrown;
    await stopTree(folder, runId, { abort });
    if (stop.aborted) return unwanted;
    return `it ran for more than ${limitMs / 60_000} minutes\n${safeText(tailOf(folder, tailBytes))}`;
  }
}

/** An earlier owner may have left it running, or about to run. Of those that passed nothing is left, and the one after them is looked at. */
async function endUnwanted(folder: RunFolder, runId: string, abort: AbortSignal): Promise<string | null> {
  if (!existsSync(folder.path)) return unwanted;
  await stopTree(folder, runId, { abort });
  return readExit(folder) === 0 ? null : unwanted;
}

async function start(
  parts: CheckParts,
  effect: WorkCheck,
  { row }: EffectContext,
  { folder, runId, command }: { folder: RunFolder; runId: string; command: string },
): Promise<void> {
  const { worktree } = await siteOf(parts, row, effect.place);
  const env = runEnvironment({
    base: parts.env,
    run: { title: `${row.plan}-check`, role: 'coder', attempt: 1, wave: effect.wave, task: effect.task },
    project: row.project,
    plan: row.plan,
    runId,
    home: parts.home,
    socketPath: parts.socketPath,
    // Of nobody: a check judges the work, and has no say of its own.
    token: randomUUID(),
    folder: { prompt: folder.prompt, temp: folder.temp },
    binDir: ensureLauncher(parts.home),
    envFile: {},
  });
  const launched = await launch({ folder, argv: ['/bin/sh', '-c', command], cwd: worktree, env, stdinFile: null });
  if (launched.kind === 'failed') throw new EngineError('unavailable', launched.message, launched.hint);
}
