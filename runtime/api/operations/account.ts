/** The accounts that agents work with. */
import type { OperationParts } from '../commands/commands.ts';
import type { AccountEntry } from '../contract/accounts.ts';
import { operationWith } from './operation.ts';
import { listOf } from './shape.ts';

const operation = operationWith<OperationParts>();

export const accountOperations = {
  accounts: operation({
    http: 'GET /v1/accounts',
    does: 'the agents’ accounts that are rate limited now: since when, until when, and which agents wait for each',
    who: 'anyone',
    answer: listOf<AccountEntry>(({ shapes }) => shapes.accountEntry),
    run: ({ views }) => views.accounts(),
  }),
};
