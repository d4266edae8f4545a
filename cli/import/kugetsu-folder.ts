/**
 * Reads the folder of kugetsu; never writes it. Its settings are a shell script, which is parsed as text and never run. A file that cannot be read is
 * reported by name, and the rest is returned.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../machines/vocabulary/schema-issue.ts';

const text = z.string().nullish();
const time = z.union([z.string(), z.number()]).nullish();

const session = z.object({
  type: z.string(),
  issue_ref: text,
  worktree_path: text,
  created_at: time,
  state: text,
  pr_url: text,
  branch_name: text,
});
export type KugetsuSession = Readonly<z.infer<typeof session>>;

const queueItem = z.object({
  id: text,
  issue_ref: z.string(),
  message: z.string().min(1),
  state: z.string(),
  pending_since: time,
});
export type KugetsuItem = Readonly<z.infer<typeof queueItem>>;

const said = z.object({ role: z.string(), content: z.string(), time, timestamp: time });
const context = z.object({ issue_ref: z.string(), updated_at: time, conversation_history: z.array(said).nullish() });
export type KugetsuContext = Readonly<z.infer<typeof context>>;

const notification = z.object({
  type: z.string(),
  issue_ref: text,
  message: text,
  read: z.boolean().nullish(),
  time,
  timestamp: time,
  created_at: time,
});
export type KugetsuNotification = Readonly<z.infer<typeof notification>>;
const notifications = z.union([z.array(z.unknown()), z.object({ notifications: z.array(z.unknown()) })]);

export interface KugetsuFolder {
  readonly sessions: readonly KugetsuSession[];
  readonly items: readonly KugetsuItem[];
  readonly contexts: readonly KugetsuContext[];
  readonly notifications: readonly KugetsuNotification[];
  /** The variables of the settings, each with its line number. */
  readonly settings: ReadonlyMap<string, { readonly value: string; readonly line: number }>;
  readonly servers: readonly { readonly name: string; readonly url: string }[];
  /** Files without a counterpart in stator, by name. */
  readonly others: readonly string[];
  readonly broken: readonly { readonly place: string; readonly why: string }[];
}

/** Far above the size that kugetsu writes: a wrong file must not fill the memory. */
const fileLimitBytes = 4 * 1024 * 1024;
/** The files by which a folder of kugetsu is recognized. */
const marks = ['index.json', 'sessions', 'queue', 'config'];
const otherFiles = ['repos.json', 'env', 'pm-agent.md', 'queue.json'];

/** Throws `not_found` if the folder is not kugetsu's. */
export function readKugetsuFolder(folder: string): KugetsuFolder {
  if (!marks.some((name) => existsSync(join(folder, name)))) {
    const message = `${folder} is no folder of kugetsu: it has none of ${marks.join(', ')}`;
    throw new EngineError('not_found', message, 'name it: stator import kugetsu ~/.kugetsu');
  }
  const broken: { place: string; why: string }[] = [];
  const attempt = <Value>(place: string, look: () => Value): Value[] => {
    try {
      return [look()];
    } catch (thrown) {
      broken.push({ place, why: whyOf(thrown) });
      return [];
    }
  };
  const filesIn = (name: string) =>
    existsSync(join(folder, name))
      ? attempt(join(folder, name), () => readdirSync(join(folder, name)).sort())
          .flat()
          .filter((file) => file.endsWith('.json'))
      : [];
  const all = <Entry>(name: string, schema: z.ZodType<Entry>): Entry[] =>
    filesIn(name).flatMap((file) => {
      const path = join(folder, name, file);
      return attempt(path, () => schema.parse(JSON.parse(textOf(path))));
    });
  const index = join(folder, 'index.json');
  if (existsSync(index)) attempt(index, () => JSON.parse(textOf(index)));
  const { settings, servers } = existsSync(join(folder, 'config'))
    ? (attempt(join(folder, 'config'), () => settingsOf(textOf(join(folder, 'config'))))[0] ?? none)
    : none;
  const notificationFile = join(folder, 'notifications.json');
  const rows = existsSync(notificationFile)
    ? attempt(notificationFile, () => notifications.parse(JSON.parse(textOf(notificationFile)))).map((one) =>
        Array.isArray(one) ? one : one.notifications,
      )
    : [];
  return {
    sessions: all('sessions', session),
    items: all(join('queue', 'items'), queueItem),
    contexts: all('context', context),
    notifications: rows
      .flat()
      .flatMap((row, at) => attempt(`${notificationFile}, entry ${at + 1}`, () => notification.parse(row))),
    settings,
    servers,
    others: otherFiles.filter((name) => existsSync(join(folder, name))),
    broken,
  };
}

type Settings = Pick<KugetsuFolder, 'settings' | 'servers'>;
const none: Settings = { settings: new Map(), servers: [] };

/** The text of a plain file. Throws if it is not a plain file, or is too large. */
function textOf(path: string): string {
  const stat = statSync(path);
  if (!stat.isFile()) throw new Error('it is no plain file');
  if (stat.size > fileLimitBytes) throw new Error(`it has ${stat.size} bytes; at most ${fileLimitBytes} are read`);
  return readFileSync(path, 'utf8');
}

const assignment = /^\s*(?:export\s+|declare\s+(?:-\w+\s+)*)?([A-Z][A-Z0-9_]*)(?:\[["']?([^"'\]]+)["']?\])?=(.*)$/;
const entry = /\[["']?([^"'[\]]+)["']?\]=(?:"([^"]*)"|'([^']*)'|(\S+))/g;

/** `NAME=value` lines, and the table `GIT_SERVERS`, over several lines or entry by entry. */
function settingsOf(shell: string): Settings {
  const settings = new Map<string, { value: string; line: number }>();
  const servers = new Map<string, string>();
  const lines = shell.split(/\r?\n/);
  let isTable = false;
  for (const [at, line] of lines.entries()) {
    const [, name, key, raw = ''] = assignment.exec(line) ?? [];
    if (name === 'GIT_SERVERS' && key === undefined) isTable = true;
    if (name === 'GIT_SERVERS' && key !== undefined) servers.set(key, textOfValue(raw));
    else if (isTable)
      for (const [, host = '', a, b, c] of line.matchAll(entry))
        servers.set(host, (a ?? b ?? c ?? '').replace(/\)$/, ''));
    else if (name !== undefined) settings.set(name, { value: textOfValue(raw), line: at + 1 });
    if (isTable && line.includes(')')) isTable = false;
  }
  return { settings, servers: [...servers].map(([name, url]) => ({ name, url })) };
}

/** The value without its quotes, without the shell's form for a default (`${NAME:-3}`), and without a comment after it. */
function textOfValue(raw: string): string {
  const [, double, single, bare = ''] = /^\s*(?:"([^"]*)"|'([^']*)'|([^\s#;]*))/.exec(raw) ?? [];
  const value = double ?? single ?? bare;
  return /^\$\{[A-Za-z_]\w*:?-(.*)\}$/.exec(value)?.[1] ?? value;
}

function whyOf(thrown: unknown): string {
  if (!(thrown instanceof z.ZodError)) return messageOf(thrown);
  return `it is not as kugetsu writes it: ${firstIssueText(thrown, 'its value')}`;
}
