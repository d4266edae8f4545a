/** `stator plan raise-budget`. */

import { waysOn } from '../../machines/plan/advice.ts';
import {
  type Amounts,
  amountsForm,
  amountsText,
  amountText,
  type BudgetScope,
  budgetMeasures,
  readAmounts,
  spentText,
} from '../../machines/vocabulary/budget.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { withPlan } from '../session.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { waitArg } from './signals.ts';

export default defineVerb({
  summary: 'Raise the budget of a plan; if it waits for that, it continues.',
  args: {
    plan: { type: 'positional', description: 'its name or its file' },
    amount: { type: 'positional', description: 'the new limit, such as "10 USD", or an increase, such as "+5 USD"' },
    unit: { type: 'positional', required: false, description: 'USD, tokens or minutes, if the amount has no unit' },
    ...waitArg,
  },
  examples: ['stator plan raise-budget login 10 USD', 'stator plan raise-budget login "+90 minutes"'],
  async run({ plan, amount, unit, wait }, call) {
    const written = (unit === undefined ? amount : `${amount} ${unit}`).trim();
    const amounts = readAmounts(written.replace(/^\+/, ''));
    if (amounts === null)
      throw new EngineError('usage', `"${written}" is no amount of a budget`, `write ${amountsForm}`);
    const answer = await withPlan(call, 'write', plan, async (client, address) => {
      const shown = await client.plan(address.project, address.plan);
      const scope = shown.blocked?.budget?.scope ?? 'plan';
      const limits = written.startsWith('+') ? moreThan(shown, scope, amounts) : amounts;
      refuseLow(shown, scope, limits);
      call.out.note(raised[scope](amountsText(limits)));
      const payload = { scope, ...limits };
      const sent = await client.send({ ...address, type: 'raise_budget', payload, waitMs: wait ? verdictMs : 0 });
      noteOther(call, shown, limits);
      return sent;
    });
    return printVerdict(call, answer);
  },
});

const raised: Readonly<Record<BudgetScope, (limits: string) => string>> = {
  plan: (limits) => `all of its agents together may now take ${limits}`,
  day: (limits) => `its agents may go on until the repo has taken ${limits} today`,
  attempt: (limits) => `each run of its agents may now take ${limits}`,
};

const limited: Readonly<Record<BudgetScope, string>> = {
  plan: 'the plan has',
  day: 'the repo has for today',
  attempt: 'the runs of the plan have',
};

/** The limits in force plus these amounts. Throws `usage` if there is no such limit: with one of its own the plan could do less than before. */
function moreThan({ budget, blocked }: PlanShow, scope: BudgetScope, amounts: Amounts): Amounts {
  const known = [...budget, ...(blocked?.budget === undefined ? [] : [blocked.budget])];
  return Object.fromEntries(
    budgetMeasures.flatMap((measure) => {
      const more = amounts[measure];
      if (more === undefined) return [];
      const limit = known.find((use) => use.scope === scope && use.measure === measure)?.limit;
      if (limit === undefined)
        throw new EngineError(
          'usage',
          `${limited[scope]} no limit of ${measure === 'usd' ? 'USD' : measure.replace('_', ' ')}, so there is nothing to add ${amountText(measure, more)} to`,
          'write the amount without "+" to set a limit',
        );
      return [[measure, limit + more]];
    }),
  );
}

/** The plan waits for another measure than the raised ones: it does not continue by this. */
function noteOther({ out }: Call, plan: PlanShow, limits: Amounts): void {
  const { blocked } = plan;
  if (blocked?.budget === undefined || limits[blocked.budget.measure] !== undefined) return;
  const ways = waysOn({ ...plan, source: blocked.source }).filter(({ command }) => command.includes(' raise-budget '));
  const next = ways.map(({ does, command }) => `; ${does}: ${command}`).join('');
  out.note(`it still waits, since ${spentText(blocked.budget)} are used${next}`);
}

/** Refuses a limit that is already used up: the plan would not continue. Throws `usage`. */
function refuseLow({ budget }: PlanShow, scope: BudgetScope, limits: Amounts): void {
  const low = budget.find((use) => use.scope === scope && (limits[use.measure] ?? use.spent + 1) <= use.spent);
  if (low === undefined) return;
  throw new EngineError(
    'usage',
    `${amountText(low.measure, low.spent)} are used already`,
    'allow more than that, or write "+5 USD" for so much more than the limit',
  );
}
