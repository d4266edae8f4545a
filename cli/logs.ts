/** `stator logs`: the short form of `stator daemon logs`, and of `stator agent logs` where an agent is named. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { defineVerb } from './command.ts';
import { logArgs, printLogs } from './instance/logs.ts';

export default defineVerb({
  summary: 'Print the end of daemon.log, or the log of the named agent.',
  args: {
    n: { type: 'positional', required: false, valueHint: 'n|title', description: 'how many lines, or an agent' },
    ...logArgs,
    follow: { type: 'boolean', alias: 'f', description: 'follow until Ctrl-C, or until the agent has ended' },
  },
  examples: ['stator logs 200', 'stator logs -f', 'stator logs login-w1-t2 --check'],
  async run({ n, follow = false, attempt, check }, call) {
    if (n !== undefined && !/^\d+$/.test(n)) {
      return printLogs({ title: n, follow, attempt, check }, call);
    }
    if (attempt !== undefined || check !== undefined)
      throw new EngineError(
        'usage',
        `${check === undefined ? '--attempt' : '--check'} is about an agent, and none is named`,
        'name one as stator agent list shows it: stator logs login-w1-t2 --check',
      );
    const { default: verb } = await import('./daemon/logs.ts');
    const words = [...(n === undefined ? [] : ['--lines', n]), ...(follow ? ['--follow'] : [])];
    return verb.read('logs', words).run(call);
  },
});
