/** `stator plan merge`: a done plan into the branch that people work on; waits for what became of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { waitDetailText } from '../text.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { waitArg } from './send.ts';

/** A merge takes well under a second; one that waits for other work in git, or a checkout of a large repo, longer. */
const outcomeMs = 120_000;
const pollMs = 100;

export default defineVerb({
  summary: 'Merge a done plan into the branch that it was begun from.',
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    into: { type: 'string', description: 'another branch of yours' },
    ...waitArg,
  },
  examples: ['stator plan merge login', 'stator plan merge login --into develop'],
  more: `The merge commit is made aside; then your branch is fast-forwarded to it, and with it the checkout that stands there.
  Refused, with the files, where that checkout has changes of its own in them, and where the two conflict: then nothing is changed.`,
  async run({ plan, into, wait }, call) {
    return withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      const payload = into === undefined ? {} : { into };
      const answer = await client.send({ project, plan: name, type: 'merge', payload, waitMs: wait ? verdictMs : 0 });
      const { status, result } = answer.signal;
      if (status !== 'done') {
        const code = printVerdict(call, answer);
        if (status === 'failed' && !call.out.json && answer.plan.status !== 'done')
          call.out.note(`only a done plan is merged; where it is: stator plan show ${shellWord(name)}`);
        return code;
      }
      const shown = wait ? await outcomeOf(client, project, name) : await client.plan(project, name);
      return tell(call, shown, result === 'already');
    });
  },
});

/** The plan when its merge is over, kept by its surroundings, or still under way after two minutes. */
async function outcomeOf(client: Client, project: string, plan: string): Promise<PlanShow> {
  const untilMs = performance.now() + outcomeMs;
  for (;;) {
    const shown = await client.plan(project, plan);
    const isKept = shown.waiting_for?.kind === 'repo';
    if (!shown.merging || isKept || performance.now() > untilMs) return shown;
    await delay(pollMs);
  }
}

/** 0 merged, or still at it; 1 refused. */
function tell({ out }: Call, shown: PlanShow, isRepeated: boolean): number {
  const { plan, branch, merged, merging, merge_refused: refused } = shown;
  const isRefused = refused !== null && !merging;
  if (out.json) out.print(JSON.stringify({ plan, branch, merged, merging, merge_refused: refused }));
  else if (isRefused) {
    out.refusal(`${plan} is not merged: ${refused.detail}`);
  } else if (merged !== null && !merging) {
    const how = isRepeated ? 'is merged already' : 'is merged';
    out.say(`${plan} ${how}: ${branch} is in ${merged.into}, ${merged.head.slice(0, 12)}`);
  } else if (shown.waiting_for?.kind === 'repo') {
    out.say(`pending: ${waitDetailText(shown.waiting_for.detail, Date.now())}`);
  } else out.say(`pending: ${plan} is being merged; see what became of it: stator plan show ${shellWord(plan)}`);
  return isRefused ? 1 : 0;
}
