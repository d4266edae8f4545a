/** The machines of every engine, made once for a file of tests: to make them anew for each cell of a table took most of its time. */
import { treesOf } from '../../actors/tree.ts';

/** They remember nothing between two steps, so any number of worlds shares them, as all plans of an engine do. */
export const trees = treesOf();
