/** The forges of repos. */
import type { OperationParts } from '../commands/commands.ts';
import type { ForgeEntry } from '../contract/forges.ts';
import { listOf, operationWith } from './operation.ts';

const operation = operationWith<OperationParts>();

export const forgeOperations = {
  forges: operation({
    http: 'GET /v1/forges',
    does: 'the state of each repo’s forge at its last request, since when, and which plans wait for it; without repos whose forge was never used',
    who: 'anyone',
    answer: listOf<ForgeEntry>(({ shapes }) => shapes.forgeEntry),
    run: ({ views }) => views.forges(),
  }),
};
