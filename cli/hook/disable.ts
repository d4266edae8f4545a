/** `stator hook disable`. */
import { defineVerb } from '../command.ts';
import { switchHook } from './switching.ts';

export default defineVerb({
  summary: 'Switch a hook off, until it is enabled; its configuration stays as it is.',
  args: { name: { type: 'positional', description: 'the name of the hook' } },
  examples: ['stator hook disable deploy'],
  more: 'What it is to be told meanwhile is dead at once, and kept: send it later with stator hook redeliver.',
  run: ({ name }, call) => switchHook(call, name, 'disable'),
});
