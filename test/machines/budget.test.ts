/** Budgets: amounts as people write and read them, and which limits are in force. */
import { describe, expect, it } from 'vitest';
import {
  amountsText,
  amountText,
  type BudgetUse,
  limitsInForce,
  lowerOf,
  mostUsed,
  nothingRaised,
  readAmounts,
  shareOf,
  spentText,
  textOfUse,
  usesOf,
} from '../../machines/vocabulary/budget.ts';

const use = (given: Partial<BudgetUse> = {}): BudgetUse => ({
  ...{ scope: 'plan', measure: 'usd', limit: 5, spent: 4, title: null },
  ...given,
});

describe('an amount', () => {
  it.each([
    ['5 USD', { usd: 5 }],
    ['$5', { usd: 5 }],
    ['5$', { usd: 5 }],
    ['$ 5 USD', { usd: 5 }],
    ['0.25 dollars', { usd: 0.25 }],
    ['1 Dollar', { usd: 1 }],
    ['200k tokens', { tokens: 200_000 }],
    ['2M Tokens', { tokens: 2_000_000 }],
    ['1 token', { tokens: 1 }],
    ['1,500 tokens', { tokens: 1_500 }],
    ['1_500_000 tokens', { tokens: 1_500_000 }],
    ['90 minutes', { agent_minutes: 90 }],
    ['1 minute', { agent_minutes: 1 }],
    ['90min', { agent_minutes: 90 }],
    ['1 agent minute', { agent_minutes: 1 }],
    ['2 agent minutes', { agent_minutes: 2 }],
    [' 5 USD , 2k tokens and 90 minutes ', { usd: 5, tokens: 2_000, agent_minutes: 90 }],
    ['1,500 USD, 2,000 tokens', { usd: 1_500, tokens: 2_000 }],
    ['1000000000000 tokens', { tokens: 1_000_000_000_000 }],
  ])('%j is %j', (text, amounts) => {
    expect(readAmounts(text)).toEqual(amounts);
  });

  it.each([
    ...['', '5', 'five USD', '5 EUR', '$5 tokens', '-1 USD', '0 USD', '5 USD, 6 USD', '5 USD,', '5 kUSD x', '5k'],
    ...['1000000000001 tokens', '5 USD or so', 'x5 USD', '5 agent', '1.2345678 USD', '1,50 USD'],
  ])('%j is not a valid amount', (text) => {
    expect(readAmounts(text)).toBe(null);
  });

  it('is written with its measure, and a small one with two digits that count', () => {
    expect([amountText('usd', 5), amountText('usd', 1.239), amountText('usd', 0)]).toEqual([
      '5 USD',
      '1.24 USD',
      '0 USD',
    ]);
    expect([amountText('usd', 0.5), amountText('usd', 0.05), amountText('usd', 0.00123)]).toEqual([
      '0.5 USD',
      '0.05 USD',
      '0.0012 USD',
    ]);
    expect([amountText('usd', 1e-30), amountText('tokens', 1_500.6)]).toEqual(['0 USD', '1501 tokens']);
    expect([amountText('agent_minutes', 90.25), amountText('agent_minutes', 1)]).toEqual([
      '90.3 agent minutes',
      '1 agent minutes',
    ]);
    expect(amountsText({ agent_minutes: 90, usd: 5 })).toBe('5 USD, 90 agent minutes');
    expect(amountsText({})).toBe('');
  });
});

describe('a use', () => {
  it('has a share of its limit, and all of a limit of nothing', () => {
    expect([shareOf(use()), shareOf(use({ limit: 0, spent: 0 })), shareOf(use({ spent: 10 }))]).toEqual([0.8, 1, 2]);
  });

  it('names the budget and how much of it is used', () => {
    expect(spentText(use({ spent: 1.2 }))).toBe('1.2 of 5 USD');
    expect(textOfUse(use())).toBe("4 USD of 5 USD are used, the plan's budget");
    expect(textOfUse(use({ scope: 'day' }))).toBe("4 USD of 5 USD are used, the repo's budget for today");
    expect(textOfUse(use({ scope: 'attempt', title: 'login-w1-t1' }))).toBe(
      '4 USD of 5 USD are used, the budget of login-w1-t1',
    );
  });

  it('is one for each limit, in the order of the measures; the greatest share is the one that counts', () => {
    const spent = { usd: 4, tokens: 90, agent_minutes: 1 };
    const uses = usesOf('plan', { tokens: 100, usd: 5 }, { spent });
    expect(uses).toEqual([use(), use({ measure: 'tokens', limit: 100, spent: 90 })]);
    expect(usesOf('attempt', { usd: 5 }, { spent, title: 'login-coder' })).toEqual([
      use({ scope: 'attempt', title: 'login-coder' }),
    ]);
    expect(mostUsed(uses)?.measure).toBe('tokens');
    expect(mostUsed([...uses].reverse())?.measure).toBe('tokens');
    const same = [use({ title: 'first' }), use({ title: 'second' })];
    expect(mostUsed(same)?.title).toBe('first');
    expect(mostUsed([])).toBe(null);
  });
});

describe('the limits in force', () => {
  it('are the lower ones of two, and those that one of them has', () => {
    expect(lowerOf({ usd: 5, tokens: 10 }, { usd: 3, agent_minutes: 7 })).toEqual({
      usd: 3,
      tokens: 10,
      agent_minutes: 7,
    });
    expect(lowerOf({}, {})).toEqual({});
  });

  it('are those of the configuration and of the document, and in their place what a person raised', () => {
    const configured = { plan: { usd: 5, tokens: 10 }, day: { usd: 50 }, attempt: { usd: 1 } };
    const limits = (own: object) =>
      limitsInForce(configured, { document: null, raised: nothingRaised, ...own }, '2026-03-01');
    expect(limits({})).toEqual(configured);
    expect(limits({ document: { usd: 2 } }).plan).toEqual({ usd: 2, tokens: 10 });
    const raised = { plan: { usd: 9 }, attempt: { usd: 3 }, day: { usd: 80 }, on: '2026-03-01' };
    expect(limits({ document: { usd: 2 }, raised })).toEqual({
      plan: { usd: 9, tokens: 10 },
      day: { usd: 80 },
      attempt: { usd: 3 },
    });
    expect(limits({ raised: { ...raised, on: '2026-02-28' } }).day).toEqual({ usd: 50 });
  });
});
