/** All operations. A noun is a line here; an operation is a value in the noun's file. */
import { hookOperations } from './hook.ts';

export const operations = { ...hookOperations };
