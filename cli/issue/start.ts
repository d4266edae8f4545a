/** `stator issue start`. */
import { defineVerb } from '../command.ts';
import { offerDaemon } from '../daemon/offer.ts';
import { withClient } from '../session.ts';
import { sayWhenSlow } from '../slow.ts';
import { asked, referenceArg, tellStarted, waitsForEngine, written } from './ask.ts';

export default defineVerb({
  summary: 'Begin an agent session for an issue, on a branch and in a worktree of its own.',
  args: {
    ref: referenceArg,
    message: { type: 'positional', description: 'what to do about it' },
    'pr-url': { type: 'positional', required: false, description: 'the address of its pull request' },
    queue: { type: 'boolean', description: 'wait for a slot, where none is free' },
  },
  more: 'Exit 0: its agent works (with --queue: or it is queued). Exit 1: it failed, or no engine runs, and it waits for one; on a terminal it offers to start the daemon. Exit 2: no slot is free, and nothing was made.',
  examples: [
    'stator issue start acme/shop#12 "find out why the basket is empty"',
    'stator issue start acme/shop#12 "fix it" --queue',
  ],
  async run({ ref, message, 'pr-url': pr, queue }, call) {
    const body = {
      ...asked(call, ref),
      message: written(message, 'message'),
      queue: queue === true,
      ...(pr === undefined ? {} : { pull_request: pr }),
    };
    await offerDaemon(call, waitsForEngine);
    const slow = `${ref} is being looked up at its forge; its branch and worktree are made then`;
    return tellStarted(
      call,
      await withClient(call, 'write', (client) => sayWhenSlow(call, slow, client.startIssue(body))),
      body.queue,
    );
  },
});
