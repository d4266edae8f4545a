/** Asks a daemon to stop, and waits until it has ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { callSocket } from '../../runtime/api/client/call.ts';
import type { OwnerFacts } from '../../runtime/core/store/sqlite/owner.ts';
import type { Call } from '../command.ts';
import { answerMs, noDaemon, ownerHere } from './presence.ts';

/** Agents get ten seconds, then KILL; after that the store writes its last rows. */
const goneMs = 90_000;
const pollMs = 50;

export interface Stopped {
  readonly pid: number;
  /** The daemon.toml that it was started with. */
  readonly config: string | null;
}

/** Throws `no_daemon`; `unavailable` if it does not end. */
export async function stopDaemon({ env }: Pick<Call, 'env'>, agents: 'leave' | 'stop'): Promise<Stopped> {
  const { owner } = ownerHere(env);
  if (owner?.kind !== 'daemon') throw noDaemon(owner);
  await ask(owner, env, agents);
  const untilMs = performance.now() + goneMs;
  while (ownerHere(env).owner?.epoch === owner.epoch) {
    if (performance.now() > untilMs)
      throw new EngineError(
        'unavailable',
        `the daemon (pid ${owner.pid}) did not stop within ${goneMs / 1_000} s`,
        `see why: stator daemon logs; end it by force: kill -9 ${owner.pid}; agents live on and are adopted by the next engine`,
      );
    await delay(pollMs);
  }
  return { pid: owner.pid, config: owner.config };
}

/** Asks the engine to stop. If it does not answer, the process is sent SIGTERM: its lock proves that it is the right process. */
async function ask(owner: OwnerFacts, env: NodeJS.ProcessEnv, agents: 'leave' | 'stop'): Promise<void> {
  try {
    if (owner.socketPath === null) throw new EngineError('unavailable', 'it serves nobody yet', 'ask again');
    const call = callSocket(owner.socketPath, env.STATOR_TOKEN);
    const answer = await call('POST', '/v1/stop', { body: { agents }, signal: AbortSignal.timeout(answerMs) });
    if (answer.status === 202) return;
    const { error, hint } = (await answer.json()) as { error: string; hint: string }; // every refusal is one
    throw new EngineError('not_allowed', error, hint);
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'not_allowed') throw thrown;
    if (agents === 'stop')
      throw new EngineError(
        'unavailable',
        `the daemon (pid ${owner.pid}) does not answer, so it cannot be told to stop its agents`,
        'stop it without them: stator daemon stop; then what runs: stator agent list',
        { cause: thrown },
      );
    if (ownerHere(env).owner?.epoch !== owner.epoch) return;
    process.kill(owner.pid, 'SIGCONT'); // a process that was stopped acts on no SIGTERM
    process.kill(owner.pid, 'SIGTERM');
  }
}
