/** `stator plan pr`: pushes a done plan and makes its pull request; waits for what became of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { withPlan } from '../named-plan.ts';
import { sayWhenSlow } from '../slow.ts';
import { plain, waitDetailText } from '../text.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { waitArg } from './send.ts';

/** A push with hooks of a person's own may take minutes; it goes on without us. */
const outcomeMs = 120_000;
const pollMs = 100;

export default defineVerb({
  summary: "Push a done plan's approved commit and make its pull request, or find the one that is there.",
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    ...waitArg,
  },
  examples: ['stator plan pr login'],
  more: `Exit 0: it is there. Exit 1: it is not, or not yet; the text says why.
  The forge is that of the repo's remote, origin before the others: stator server list. Its token comes from a variable of the engine, or from gh or glab.
  Refused where the branch moved since it was approved. With auto_create_pr, the default, it is made by itself when the plan is done.`,
  async run({ plan, wait }, call) {
    return withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      const slow = `the pull request of ${name} is being made; it waits for the remote, or tries again what failed: stator daemon logs`;
      const request = { project, plan: name, type: 'create_pr', payload: {}, waitMs: wait ? verdictMs : 0 };
      const answer = await sayWhenSlow(call, slow, client.send(request));
      if (answer.signal.status !== 'done') {
        const code = printVerdict(call, answer);
        if (answer.signal.status === 'failed' && !call.out.json && answer.plan.status !== 'done')
          call.out.note(`only a done plan has a pull request made; where it is: stator plan show ${shellWord(name)}`);
        return code;
      }
      const isRepeated = answer.signal.result === 'already';
      if (!wait) return tell(call, await client.plan(project, name), { isRepeated, wait });
      const shown = await sayWhenSlow(call, slow, outcomeOf(client, project, name));
      return tell(call, shown, { isRepeated, wait });
    });
  },
});

/** The plan when its request is made or refused, kept back by a fault of its environment, or still under way after two minutes. */
async function outcomeOf(client: Client, project: string, plan: string): Promise<PlanShow> {
  const untilMs = performance.now() + outcomeMs;
  for (;;) {
    const shown = await client.plan(project, plan);
    const isKept = shown.waiting_for?.kind === 'repo';
    if (!shown.creating_pr || isKept || performance.now() > untilMs) return shown;
    await delay(pollMs);
  }
}

/** 0: it is there, or nobody waited for that; 1: it is not, or not yet. */
function tell({ out }: Call, shown: PlanShow, { isRepeated, wait }: { isRepeated: boolean; wait: boolean }): number {
  const { plan, branch, pull_request: request, creating_pr: isAtIt, pr_refused: refused } = shown;
  const isRefused = refused !== null && !isAtIt;
  const isLate = isAtIt && wait;
  const pending =
    shown.waiting_for?.kind === 'repo'
      ? `pending: ${plan} has no pull request yet: ${waitDetailText(shown.waiting_for.detail, Date.now())}`
      : `pending: the pull request of ${plan} is being made; see what became of it: stator plan show ${shellWord(plan)}`;
  if (out.json)
    out.print(JSON.stringify({ plan, branch, pull_request: request, creating_pr: isAtIt, pr_refused: refused }));
  else if (isRefused) out.refusal(`${plan} has no pull request: ${plain(refused.detail)}`);
  else if (!isAtIt && request?.url != null)
    out.say(`${plan}${isRepeated ? ' has its pull request already' : ''}: ${plain(request.url)}, ${request.state}`);
  else if (isLate) out.refusal(pending);
  else out.say(pending);
  return isRefused || isLate ? 1 : 0;
}
