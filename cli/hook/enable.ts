/** `stator hook enable`. */
import { defineVerb } from '../command.ts';
import { switchHook } from './switching.ts';

export default defineVerb({
  summary: 'Switch a hook on that was switched off: by you, by its receiver (410), or since it had only failed.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook enable deploy'],
  more: 'What it was not told meanwhile is dead, and kept: send it with stator hook redeliver.',
  run: ({ name }, call) => switchHook(call, name, 'enable'),
});
