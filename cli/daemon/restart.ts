/** `stator daemon restart`. */
import { resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { loadDaemonConfig } from '../../runtime/base/config/config.ts';
import { defineVerb } from '../command.ts';
import { ownerHere } from './presence.ts';
import { startAndTell } from './start.ts';
import { stopDaemon } from './stopping.ts';

export default defineVerb({
  summary: 'Stop the daemon and start it again; its agents live on. Where none runs, one is started.',
  args: { config: { type: 'string', valueHint: 'file', description: 'another daemon.toml than it had' } },
  examples: ['stator daemon restart'],
  async run({ config }, call) {
    const { home, owner } = ownerHere(call.env);
    const named = config ?? owner?.config ?? undefined;
    // One that runs is not given up for a file that none can be started with.
    loadDaemonConfig(home, named === undefined ? undefined : resolve(call.cwd, named));
    const before = await stopDaemon(call, 'leave').catch((thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'no_daemon') return null;
      throw thrown;
    });
    if (before === null) call.out.note('no daemon was running');
    return startAndTell(call, config ?? before?.config ?? undefined);
  },
});
