/** The forges of repos. */
import type { OperationParts } from '../commands/commands.ts';
import type { ForgeEntry } from '../contract/forges.ts';
import { operationWith } from './operation.ts';
import { listOf } from './shape.ts';

const operation = operationWith<OperationParts>();

export const forgeOperations = {
  forges: operation({
    http: 'GET /v1/forges',
    does: 'how the forge of each repo was found when it was asked last, since when, and which plans wait for it; a repo whose forge was never asked is left out',
    who: 'anyone',
    answer: listOf<ForgeEntry>(({ shapes }) => shapes.forgeEntry),
    run: ({ views }) => views.forges(),
  }),
};
