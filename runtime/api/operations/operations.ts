/** All operations. A noun is a line here and a place in the table of routes; an operation is a value in the noun's file. */
import { hookOperations } from './hook.ts';
import { hostOperations } from './host.ts';

export const nouns = { host: hostOperations, hook: hookOperations };

export const operations = { ...hostOperations, ...hookOperations };
