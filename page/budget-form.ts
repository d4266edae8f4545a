/** A form for a higher limit, beside the reason why the plan has stopped: its budget is used up. */
import type { PlanEntry } from '../runtime/api/contract/plans.ts';
import { h, type View } from './dom.ts';
import { emptyWhenTaken, field, fieldText } from './form.ts';
import type { PlanActions } from './plan-model.ts';

interface BudgetParts extends Pick<PlanActions, 'may' | 'send'> {
  readonly isBusy: boolean;
}

/** null: the plan does not accept a higher limit now, or not from this person. */
export function budgetForm(
  { project, plan, need, blocked }: Pick<PlanEntry, 'project' | 'plan' | 'need' | 'blocked'>,
  { may, send, isBusy }: BudgetParts,
): View | null {
  const isTaken = need?.do.some((command) => command.includes(' plan raise-budget ')) === true;
  if (!isTaken || blocked?.budget === undefined || !may('steer')) return null;
  const { scope, measure, limit, spent } = blocked.budget;
  const { unit, more, step } = measures[measure];
  const raise = (event: Event) => {
    event.preventDefault();
    const amounts = { scope, [measure]: Number(fieldText(event, 'limit')) };
    send('raise_budget', amounts, 'It goes on.', emptyWhenTaken(event));
  };
  const least = (Math.floor(spent / step) + 1) * step;
  return h(
    'form',
    { key: `budget ${project}/${plan} ${blocked.at}`, class: 'budget-form', on: { submit: raise } },
    h(
      'div',
      { class: 'commands' },
      h(
        'label',
        null,
        `${unit} ${scopeWords[scope]} `,
        field('input', `budget ${project}/${plan} ${blocked.at}`, {
          name: 'limit',
          initial: String(Number((Math.max(limit, spent) + more).toFixed(2))),
          type: 'number',
          required: true,
          step: String(step),
          min: String(Number(least.toFixed(2))),
        }),
      ),
      h(
        'button',
        { class: 'strong', type: 'submit', 'aria-label': `Raise the budget: ${plan}`, disabled: isBusy },
        'Raise the budget',
      ),
    ),
  );
}

/** `more`: the proposed increase. `step`: the smallest difference. */
const measures = {
  usd: { unit: 'US dollars', more: 5, step: 0.01 },
  tokens: { unit: 'Tokens', more: 500_000, step: 1 },
  agent_minutes: { unit: 'Minutes', more: 60, step: 1 },
} as const;

const scopeWords = {
  plan: 'for the whole plan',
  day: 'for the repo today',
  attempt: 'for each run',
} as const;
