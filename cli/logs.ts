/** `stator logs`: the short form of `stator daemon logs`. */
import { defineVerb } from './command.ts';

export default defineVerb({
  summary: 'What the engine says: the end of daemon.log. What an agent said: stator instance logs <title>.',
  args: {
    n: { type: 'positional', required: false, description: 'how many lines' },
    follow: { type: 'boolean', alias: 'f', description: 'go on until Ctrl-C' },
  },
  examples: ['stator logs 200', 'stator logs -f'],
  async run({ n, follow = false }, call) {
    const { default: verb } = await import('./daemon/logs.ts');
    const words = [...(n === undefined ? [] : ['--lines', n]), ...(follow ? ['--follow'] : [])];
    return verb.read('logs', words).run(call);
  },
});
