/** `stator issue destroy`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { IssueDanger } from '../../runtime/api/client/client.ts';
import { canAsk, confirm } from '../ask.ts';
import { defineVerb } from '../command.ts';
import { withClient } from '../session.ts';
import { asked, referenceArg } from './ask.ts';

export default defineVerb({
  summary: "Take an issue's session away, with its worktree; its branch goes where all of it is merged.",
  args: {
    ref: referenceArg,
    yes: { type: 'boolean', alias: 'y', description: 'do not ask' },
    'even-if-pr-open': { type: 'boolean', description: 'its pull request is open, or its forge cannot say' },
    'even-if-uncommitted': { type: 'boolean', description: 'its worktree has uncommitted work; a ref keeps it' },
    'even-if-unpushed': { type: 'boolean', description: 'commits are on no remote; the branch is kept' },
    'even-if-running': { type: 'boolean', description: 'its agent is at work, and is stopped' },
    force: { type: 'boolean', description: 'all four' },
  },
  more: 'What was said stays, and is told to the next session of the issue.',
  examples: ['stator issue destroy acme/shop#12', 'stator issue destroy acme/shop#12 -y --even-if-unpushed'],
  async run({ ref, yes, force, ...flags }, call) {
    const { out } = call;
    const overridden = {
      pull_request: flags['even-if-pr-open'],
      uncommitted: flags['even-if-uncommitted'],
      unpushed: flags['even-if-unpushed'],
      running: flags['even-if-running'],
    } satisfies Record<IssueDanger, boolean | undefined>;
    const overrides = Object.entries(overridden).flatMap(
      ([kind, isSaid]) => (isSaid === true ? [kind as IssueDanger] : []), // a key of the table above
    );
    if (yes !== true && force !== true) {
      if (!canAsk(call))
        throw new EngineError('refused', `not destroyed: ${ref}: nobody can be asked here`, 'say --yes');
      if (!(await confirm(call, `destroy the session of ${ref}?`))) {
        out.note('not destroyed');
        return 1;
      }
    }
    const body = { ...asked(call, ref), overrides, force: force === true };
    const answer = await withClient(call, 'write', (client) => client.destroyIssue(body));
    for (const note of answer.notes) out.note(note);
    if (out.json) out.print(JSON.stringify(answer));
    else out.say(`destroyed ${answer.project}/${answer.plan}`);
    return 0;
  },
});
