/** `stator plan merge`: a done plan into the branch that people work on; waits for what became of it. */
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { sayWhenSlow } from '../slow.ts';
import { isSure, sureArgs } from '../sure.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { mergeOutcome, mergeTold, slowMerge } from './merging.ts';
import { waitArg } from './send.ts';

export default defineVerb({
  summary: 'Merge a done plan into the branch that it was begun from.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    into: { type: 'string', description: 'another branch of yours' },
    'with-after': { type: 'boolean', description: 'along with the plans that it stands on and that are not merged' },
    ...waitArg,
    ...sureArgs,
  },
  examples: [
    'stator plan merge login',
    'stator plan merge login --into develop',
    'stator plan merge login-ui --with-after',
  ],
  more: `Exit 0: it is merged. Exit 1: it is not, or not yet; the text says why.
  The merge commit is made aside; then your branch is fast-forwarded to it, and with it the checkout that stands there.
  Refused, with the files, where that checkout has changes of its own in them, and where the two conflict: then nothing is changed.
  Refused too while a plan that it waited for, and begins from, is not there: merge that first, or both with --with-after.`,
  async run({ plan, into, wait, 'with-after': withAfter, yes = false }, call) {
    const payload = { ...(into === undefined ? {} : { into }), ...(withAfter ? { with_after: true } : {}) };
    // Not while the home is owned for it: a person may take their time.
    const isMeant = await withPlan(call, 'read', plan, (client, address) =>
      isSure(
        call,
        client,
        { ...address, type: 'merge', payload },
        { yes, command: `plan merge ${shellWord(address.plan)}` },
      ),
    );
    if (!isMeant) return 1;
    return withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      const request = { project, plan: name, type: 'merge', payload, waitMs: wait ? verdictMs : 0 };
      const answer = await sayWhenSlow(call, slowMerge(name), client.send(request));
      const { status, result } = answer.signal;
      if (status !== 'done') {
        const code = printVerdict(call, answer);
        if (status === 'failed' && !call.out.json && answer.plan.status !== 'done')
          call.out.note(`only a done plan is merged; where it is: stator plan show ${shellWord(name)}`);
        return code;
      }
      if (!wait) return tell(call, await client.plan(project, name), { isRepeated: result === 'already', wait });
      const shown = await sayWhenSlow(call, slowMerge(name), mergeOutcome(client, project, name));
      return tell(call, shown, { isRepeated: result === 'already', wait });
    });
  },
});

/** 0: it is merged, or nobody waited for that; 1: it is not. */
function tell({ out }: Call, shown: PlanShow, { isRepeated, wait }: { isRepeated: boolean; wait: boolean }): number {
  const { isMissing, text } = mergeTold(shown, { isRepeated });
  const { plan, branch, merged, merging, merge_refused } = shown;
  const isAtIt = merging && !wait;
  if (out.json) out.print(JSON.stringify({ plan, branch, merged, merging, merge_refused }));
  else if (isMissing && !isAtIt) out.refusal(text);
  else out.say(text);
  return isMissing && !isAtIt ? 1 : 0;
}
