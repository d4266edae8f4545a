/** `[intake.<name>]` of daemon.toml: where plans come from by themselves. A repo's own file has no such table, because it must not start agents by itself. */
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { flag, oneOf, text, wholeNumber } from './schema-words.ts';

const intakeSources = ['folder'] as const;

const intakeName = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const common = {
  source: oneOf(intakeSources),
  project: text({ min: 1, max: 255, is: 'the name of a registered repo' }),
  enabled: flag.optional(),
  start: flag.optional(),
  per_hour: wholeNumber(1, 1000).optional(),
  open: wholeNumber(1, 1000).optional(),
};
const folderTable = z.strictObject({
  ...common,
  source: z.literal('folder'),
  folder: text({ min: 1, max: 4096, is: 'an absolute path', where: isAbsolute }).transform((path) => resolve(path)),
});

const intakeTable = z.discriminatedUnion('source', [folderTable], {
  error: `source = one of ${intakeSources.map((source) => `"${source}"`).join(', ')}`,
});

export const intakesSchema = z
  .record(z.string().regex(intakeName, { error: 'a name in small letters, digits, ".", "_" and "-"' }), intakeTable, {
    error: 'tables such as [intake.inbox]',
  })
  .refine((tables) => Object.keys(tables).length <= 100, { error: 'at most 100 tables' });
type IntakeTables = z.infer<typeof intakesSchema>;

/** Every key that a table of some source has. */
export const intakeShape = { ...common, ...folderTable.shape, source: common.source };

/** The keys of a table with that source; all of them where the source is unknown. */
export function intakeKeysOf(source: unknown): string[] {
  return Object.keys(source === 'folder' ? folderTable.shape : intakeShape);
}

interface Common {
  readonly name: string;
  readonly project: string;
  readonly isEnabled: boolean;
  /** true: its plans are started; false: they wait for a person. */
  readonly starts: boolean;
  /** How many items become plans within an hour. */
  readonly perHour: number;
  /** How many of its plans may be there that are not over. */
  readonly open: number;
}
export interface FolderIntake extends Common {
  readonly source: 'folder';
  readonly folder: string;
}
/** An intake as configured, defaults filled in. */
export type IntakeConfig = FolderIntake;

const defaults = { perHour: 12, open: 3 };

/** In the order of the file. */
export function intakesOf(tables: IntakeTables): IntakeConfig[] {
  return Object.entries(tables).map(([name, table]) => {
    const { enabled: isEnabled = true, start: starts = true, per_hour: perHour = defaults.perHour } = table;
    const own = { name, project: table.project, isEnabled, starts, perHour, open: table.open ?? defaults.open };
    return { ...own, source: table.source, folder: table.folder };
  });
}
