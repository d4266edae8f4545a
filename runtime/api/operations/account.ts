/** The accounts that agents work with. */
import type { OperationParts } from '../commands/commands.ts';
import type { AccountEntry } from '../contract/accounts.ts';
import { listOf, operationWith } from './operation.ts';

const operation = operationWith<OperationParts>();

export const accountOperations = {
  accounts: operation({
    http: 'GET /v1/accounts',
    does: 'the agents’ accounts that take no new agents now, since when, until when, and which agents wait for each; and what is left of an account, where its program says so',
    who: 'anyone',
    answer: listOf<AccountEntry>(({ shapes }) => shapes.accountEntry),
    run: ({ views }) => views.accounts(),
  }),
};
