/** `stator daemon restart`. */
import { EngineError } from '../../machines/errors.ts';
import { defineVerb } from '../command.ts';
import { startAndTell } from './start.ts';
import { stopDaemon } from './stopping.ts';

export default defineVerb({
  summary: 'Stop the daemon and start it again; its agents live on. Where none runs, one is started.',
  args: { config: { type: 'string', valueHint: 'file', description: 'another daemon.toml than it had' } },
  examples: ['stator daemon restart'],
  async run({ config }, call) {
    const before = await stopDaemon(call, 'leave').catch((thrown: unknown) => {
      if (thrown instanceof EngineError && thrown.code === 'no_daemon') return null;
      throw thrown;
    });
    if (before === null) call.out.note('no daemon was running');
    return startAndTell(call, config ?? before?.config ?? undefined);
  },
});
