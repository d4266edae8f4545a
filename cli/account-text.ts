/** Accounts as lines of text. */
import { accountText } from '../machines/vocabulary/account-text.ts';
import { counted, shortList } from '../machines/vocabulary/numbers.ts';
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { AccountEntry } from '../runtime/api/client/client.ts';
import { plain } from './text.ts';

/** The most waiting agents that are named; the others are counted. */
const namedLimit = 5;

/** For each account: whether it takes new agents, which agents wait for it, and how much of its limit is left. */
export function accountLines(accounts: readonly AccountEntry[], nowMs: number): string[] {
  return accounts.map((account) => {
    const { waiting } = account;
    const names = waiting.map(({ project, title }) => `${project}/${title}`);
    const wait = `${counted(names.length, 'agent')} ${names.length === 1 ? 'waits' : 'wait'}`;
    const who = names.length === 0 ? '' : `; ${wait} for it: ${shortList(names, namedLimit)}`;
    return plain(`${withLocalTimes(accountText(account), nowMs)}${who}`);
  });
}
