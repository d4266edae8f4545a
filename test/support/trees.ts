/** The machines of every engine, created once for a test file: creating them for each cell of a table took most of its time. */
import { treesOf } from '../../actors/tree.ts';

/** They have no state between two steps, so any number of worlds can share them, like the plans of an engine. */
export const trees = treesOf();
