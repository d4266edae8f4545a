/** `[intake.<name>]` of daemon.toml: where plans come from by themselves. A repo's own file has no such table, because it must not start agents by itself. */
import { z } from 'zod';
import { folderSource } from './intake-sources/folder.ts';
import { giteaSource } from './intake-sources/gitea.ts';
import { githubSource } from './intake-sources/github.ts';
import { gitlabSource } from './intake-sources/gitlab.ts';
import { jiraSource } from './intake-sources/jira.ts';
import { linearSource } from './intake-sources/linear.ts';
import { scheduleSource } from './intake-sources/schedule.ts';
import { commonKeys, type KeyWords } from './intake-sources/source.ts';
import { webhookSource } from './intake-sources/webhook.ts';
import { namedTables, oneOf } from './schema-words.ts';

const sources = {
  folder: folderSource,
  schedule: scheduleSource,
  github: githubSource,
  gitea: giteaSource,
  gitlab: gitlabSource,
  linear: linearSource,
  jira: jiraSource,
  webhook: webhookSource,
};
type SourceName = keyof typeof sources;
const sourceNames = Object.keys(sources) as SourceName[]; // the keys of the table above, nothing else

type SourceSchema = (typeof sources)[SourceName]['schema'];
/** A table's own type is known by its source. */
const sourceSchemas = Object.values(sources).map(({ schema }) => schema) as [SourceSchema, ...SourceSchema[]]; // there are some
const intakeTable = z.discriminatedUnion('source', sourceSchemas, {
  error: `source = one of ${sourceNames.map((source) => `"${source}"`).join(', ')}`,
});

export const intakesSchema = namedTables(intakeTable, { max: 100, is: 'tables such as [intake.inbox]' });
type IntakeTables = z.output<typeof intakesSchema>;
type IntakeTable = z.output<typeof intakeTable>;

const tables = Object.values(sources);
const common = { source: oneOf(sourceNames), ...commonKeys };
/** Every key that a table of some source has. */
export const intakeShape: Readonly<Record<string, z.ZodType>> = Object.assign(
  { ...common },
  ...tables.map(({ keys }) => keys),
);
/** The description of each key, with its default. */
export const intakeWords: Readonly<Record<string, KeyWords>> = Object.assign(
  {
    source: [null, 'where its items come from; required'],
    project: [null, 'the repo that their plans are of, as `stator repo list` has it; required'],
    enabled: ['true', 'false: its items become no plans; `stator intake try` works'],
    start: ['true', 'its plans are started; false: they are registered, and a person starts them'],
    per_hour: ['12', 'items that become plans within an hour'],
    open: ['3', 'its plans that are not done or cancelled, at once; 1 for a schedule with overlap = "refuse"'],
    budget: [null, 'USD that the agents of its plans may cost within a day before no more items become plans'],
  } satisfies Record<keyof typeof common, KeyWords>,
  ...tables.map(({ words }) => words),
);

/** The keys of a table with that source; all of them where the source is unknown. */
export function intakeKeysOf(source: unknown): string[] {
  const known = tables.find((table) => table.source === source);
  return Object.keys(known === undefined ? intakeShape : known.schema.shape);
}

export interface IntakeCommon {
  readonly name: string;
  readonly project: string;
  readonly isEnabled: boolean;
  /** true: its plans are started; false: they wait for a person. */
  readonly starts: boolean;
  /** How many items become plans within an hour. */
  readonly perHour: number;
  /** The most plans of it that are not over. */
  readonly open: number;
  /** USD within a day, after which no more items become plans; null: no limit. */
  readonly budgetUsd: number | null;
}
type ConfigOf<Table> = Table extends IntakeTable
  ? IntakeCommon & Readonly<Omit<Table, keyof typeof commonKeys>>
  : never;
/** An intake as configured, defaults filled in. */
export type IntakeConfig = ConfigOf<IntakeTable>;
export type IntakeSourceName = IntakeConfig['source'];
export type IntakeOf<Name extends IntakeSourceName> = Extract<IntakeConfig, { readonly source: Name }>;

const defaults = { perHour: 12, open: 3 };

function openOf(table: IntakeTable): number {
  return (
    table.open ?? (sources[table.source] as { open?: (own: never) => number }).open?.(table as never) ?? defaults.open
  ); // its own table
}

/** In the order of the file. */
export function intakesOf(tablesByName: IntakeTables): IntakeConfig[] {
  return Object.entries(tablesByName).map(([name, table]) => {
    const { project, enabled: isEnabled = true, start: starts = true, per_hour: perHour = defaults.perHour } = table;
    const { enabled: _enabled, start: _start, per_hour: _perHour, budget: budgetUsd = null, ...own } = table;
    return { ...own, name, project, isEnabled, starts, perHour, open: openOf(table), budgetUsd };
  });
}

/** Where its items come from, for people. */
export function intakeFrom(config: IntakeConfig): string {
  return sources[config.source].from(config as never); // the table of its own source
}
