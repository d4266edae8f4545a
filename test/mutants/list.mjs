/**
 * Small breaks of the product, at least one for each promise that people rely on. Each is one value: `find` occurs exactly once in `file` and becomes
 * `replace`; `tests` are the files of `npm test` that notice it, the fewest and quickest, and `title` (a part of a test's name) narrows them to what
 * does.
 */
import { doors } from './doors.mjs';
import { limits } from './limits.mjs';
import { safety } from './safety.mjs';
import { verbs } from './verbs.mjs';
import { walls } from './walls.mjs';

export const mutants = [...verbs, ...doors, ...limits, ...safety, ...walls];
