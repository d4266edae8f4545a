/** `stator delegate`. */
import { defineVerb } from './command.ts';
import { delegate } from './issue/delegate.ts';

export default defineVerb({
  summary: 'Queue work for an agent and return at once; it starts when a slot is free.',
  args: { message: { type: 'positional', description: 'what to do; it may contain the address of an issue' } },
  examples: ['stator issue start "bring the README up to date" --queue'],
  run: ({ message }, call) => delegate(call, message),
});
