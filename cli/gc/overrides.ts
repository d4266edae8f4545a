/** The flags with which a person allows gc to delete items that are in use, or that would be lost. */
import type { CleaningOverride } from '../../runtime/api/client/client.ts';

export const flagOf = {
  unmerged: 'even-if-unmerged',
  uncommitted: 'even-if-uncommitted',
  in_use: 'even-if-in-use',
} as const satisfies Record<CleaningOverride, string>;

export const overrideArgs = {
  'even-if-unmerged': {
    type: 'boolean',
    description: 'delete branches and refs of attempts whose commits are merged nowhere',
  },
  'even-if-uncommitted': { type: 'boolean', description: 'delete worktrees with uncommitted work; a ref keeps it' },
  'even-if-in-use': { type: 'boolean', description: 'delete folders in use by a process' },
} as const;

export function overridesOf(
  flags: {
    readonly [Flag in (typeof flagOf)[CleaningOverride]]: boolean | undefined;
  },
): CleaningOverride[] {
  return Object.entries(flagOf).flatMap(
    ([override, flag]) => (flags[flag] === true ? [override as CleaningOverride] : []), // a key of the table
  );
}
