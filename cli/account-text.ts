/** Accounts as lines of text. */
import { accountText } from '../machines/vocabulary/account-text.ts';
import { counted } from '../machines/vocabulary/numbers.ts';
import { withLocalTimes } from '../machines/vocabulary/time-text.ts';
import type { AccountEntry } from '../runtime/api/client/client.ts';
import { plain } from './text.ts';

/** The most waiting agents that are named; the others are counted. */
const namedLimit = 5;

/** For each account: whether it takes new agents, which agents wait for it, and how much of its limit is left. */
export function accountLines(accounts: readonly AccountEntry[], nowMs: number): string[] {
  return accounts.map((account) => {
    const { waiting } = account;
    const names = waiting.slice(0, namedLimit).map(({ project, title }) => `${project}/${title}`);
    const more = waiting.length > namedLimit ? ` and ${waiting.length - namedLimit} more` : '';
    const verb = waiting.length === 1 ? 'waits' : 'wait';
    const who =
      waiting.length === 0 ? '' : `; ${counted(waiting.length, 'agent')} ${verb} for it: ${names.join(', ')}${more}`;
    return plain(`${withLocalTimes(accountText(account), nowMs)}${who}`);
  });
}
