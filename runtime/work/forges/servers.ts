/** The forges that a person knows, in `servers.toml` of the home: read at each use, written by the `server` commands. A repository cannot add any. */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'smol-toml';
import { type AST, parseTOML } from 'toml-eslint-parser';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { issueText } from '../../../machines/vocabulary/schema-issue.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { parseToml } from '../../base/config/document.ts';
import { readConfigText } from '../../base/config/file.ts';
import { didYouMean } from '../../base/config/nearest.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { ensureHome } from '../../base/platform/home.ts';
import { withoutSecrets } from '../../base/platform/secrets.ts';
import type { Server } from './forge.ts';
import { allKinds, forgeKinds } from './kinds/kinds.ts';

/** A forge with the source of its token. */
export interface KnownServer extends Server {
  /** The environment variable with the token; null: the usual ones of its kind. */
  readonly tokenVariable: string | null;
  /** A file of `NAME=value` lines that is searched first for that variable. */
  readonly envFile: string | null;
  /** Whether it is built in. */
  readonly isPreset: boolean;
}

export interface Servers {
  readonly list: readonly KnownServer[];
  /** The server that `owner/repo#n` means. */
  readonly main: KnownServer;
  /** Whether the file sets it. */
  readonly isChosen: boolean;
}

const serverLimit = 100;
const named = z
  .string({ error: 'a name' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/, { error: 'a name of letters, digits, dots and dashes' });
const serverSchema = z
  .strictObject({
    name: named,
    url: z.string({ error: 'an address such as https://git.example.com' }).max(2048).transform(asUrl),
    kind: z.enum(forgeKinds, { error: `one of ${forgeKinds.join(', ')}` }),
    token: z
      .string({ error: 'a text "env:NAME"' })
      .regex(/^env:[A-Za-z_][A-Za-z0-9_]*$/, { error: '"env:NAME": the token itself is not kept here' })
      .optional(),
    env_file: z.string({ error: 'an absolute path' }).regex(/^\//, { error: 'an absolute path' }).max(4096).optional(),
    allow_private: z.boolean({ error: 'true or false' }).optional(),
  })
  .refine(({ url, allow_private: isPrivate }) => isPrivate !== true || presetOf(url) === null, {
    path: ['allow_private'],
    error: 'false: that forge is one of the open internet',
  });
const fileSchema = z.strictObject({
  default: named.optional(),
  servers: z.array(serverSchema, { error: 'a list of tables [[servers]]' }).max(serverLimit).optional(),
});
export type ServerTable = z.input<typeof serverSchema>;

const presets: readonly KnownServer[] = allKinds.flatMap(({ kind, host }) =>
  host === undefined ? [] : [preset(host, kind)],
);

/** The built-in server of that address; null: none. */
export function presetOf(url: string): KnownServer | null {
  return presets.find((one) => new URL(one.url).host === new URL(url).host) ?? null;
}

export function serversFile(home: string): string {
  return join(home, 'servers.toml');
}

/** The file's servers, then the built-in ones that the file does not redefine. Throws `bad_config` with the file, the key and what is accepted. */
export function readServers(home: string): Servers {
  const file = readFile(home);
  const own = (file.servers ?? []).map(serverOf);
  const list = [...own, ...presets.filter(({ name }) => !own.some((server) => server.name === name))];
  const name = file.default ?? presets[0]?.name;
  const main = list.find((server) => server.name === name);
  if (main !== undefined) return { list, main, isChosen: file.default !== undefined };
  throw wrong(home, `default: there is no server "${name}"`, `one of ${list.map((server) => server.name).join(', ')}`);
}

/** Throws `conflict` if there is one with that name or address, and `usage` for an invalid server. */
export function addServer(home: string, table: ServerTable): KnownServer {
  const read = serverSchema.safeParse(table);
  if (!read.success) throw new EngineError('usage', problemText(read.error), 'see: stator server add --help');
  const server = serverOf(read.data);
  const { list } = readServers(home);
  const twin = list.find(({ name, url, isPreset }) => !isPreset && (name === server.name || url === server.url));
  if (twin !== undefined) {
    throw new EngineError(
      'conflict',
      `there is a server ${twin.name} already: ${twin.url}`,
      `take it away first: stator server remove ${twin.name}`,
    );
  }
  const file = readFile(home);
  write(home, { ...file, servers: [...(file.servers ?? []), read.data] }, (text) => withServer(text, read.data));
  return server;
}

/** Throws `not_found`, and `conflict` for a built-in one. */
export function removeServer(home: string, name: string): KnownServer {
  const server = serverNamed(readServers(home), name);
  if (server.isPreset)
    throw new EngineError(
      'conflict',
      `${name} came with stator and stays`,
      'it is asked only for repos that have a remote there',
    );
  const { default: chosen, servers = [], ...file } = readFile(home);
  const kept = servers.filter((one) => one.name !== name);
  const isChosen = chosen === undefined || chosen === name;
  const left = {
    ...(isChosen ? {} : { default: chosen }),
    ...file,
    ...(kept.length === 0 ? {} : { servers: kept }),
  };
  write(home, left, (text) => {
    const without = withoutServer(
      text,
      servers.findIndex((one) => one.name === name),
    );
    return isChosen ? withDefault(without, null) : without;
  });
  return server;
}

/** Makes it the server of `owner/repo#n`. Throws `not_found`. */
export function chooseServer(home: string, name: string): KnownServer {
  const server = serverNamed(readServers(home), name);
  write(home, { ...readFile(home), default: name }, (text) => withDefault(text, name));
  return server;
}

/** Throws `not_found` with the known names. */
export function serverNamed({ list }: Pick<Servers, 'list'>, name: string): KnownServer {
  const found = list.find((server) => server.name === name);
  if (found !== undefined) return found;
  const names = list.map((server) => server.name);
  throw new EngineError(
    'not_found',
    `there is no server "${name.slice(0, 100)}"`,
    `${didYouMean(name, names)}one of ${names.join(', ')}; add one: stator server add <name> <url>`,
  );
}

function preset(name: string, kind: Server['kind']): KnownServer {
  return {
    name,
    url: `https://${name}`,
    kind,
    allowPrivate: false,
    tokenVariable: null,
    envFile: null,
    isPreset: true,
  };
}

function serverOf(table: z.output<typeof serverSchema>): KnownServer {
  return {
    name: table.name,
    url: table.url,
    kind: table.kind,
    allowPrivate: table.allow_private ?? false,
    tokenVariable: table.token?.slice('env:'.length) ?? null,
    envFile: table.env_file ?? null,
    isPreset: false,
  };
}

/** The stored form of `url`. Throws `usage` if it cannot be a forge's address. */
export function serverUrl(text: string): string {
  const read = serverSchema.shape.url.safeParse(text);
  if (read.success) return read.data;
  throw new EngineError(
    'usage',
    `"${withoutSecrets(text).slice(0, 100)}" is no address of a forge`,
    'write an http:// or https:// address without a user in it, such as https://git.example.com',
  );
}

/** Without a slash at its end, a user, a query. */
function asUrl(text: string, context: z.RefinementCtx): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain =
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '';
  if (!isPlain) {
    context.addIssue({ code: 'custom', message: 'an http:// or https:// address without a user in it' });
    return z.NEVER;
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

type ServersFile = z.output<typeof fileSchema>;

function readFile(home: string): ServersFile {
  const text = readConfigText(serversFile(home));
  if (text === null) return {};
  const read = fileSchema.safeParse(parseToml(serversFile(home), text));
  if (read.success) return read.data;
  throw wrong(
    home,
    problemText(read.error),
    'correct that key; the keys of a server are name, url, kind, token, env_file and allow_private',
  );
}

/** Keeps a person's comments and order. If the change does not fit into that text, the file is rewritten and the old one stays beside it. */
function write(home: string, wanted: ServersFile, change: (text: string) => string): void {
  ensureHome(home);
  const path = serversFile(home);
  const before = readConfigText(path) ?? '';
  const changed = changedTo(wanted, () => change(before));
  if (changed === null && before.includes('#')) replaceFile(`${path}.before`, before, { mode: 0o600 });
  replaceFile(path, changed ?? stringify(wanted), { mode: 0o600, isSynced: true });
}

/** null: that text would have another meaning. */
function changedTo(wanted: ServersFile, change: () => string): string | null {
  try {
    const text = change();
    return isDeepStrictEqual(fileSchema.parse(parse(text)), wanted) ? text : null;
  } catch {
    return null; // one of the parsers does not accept the text
  }
}

function problemText(error: z.ZodError): string {
  const [issue] = error.issues;
  const key = issue?.path.join('.') ?? '';
  const isUnknown = issue?.code === 'unrecognized_keys';
  const words =
    isUnknown || issue === undefined
      ? `unknown key "${issue?.keys[0] ?? ''}"`
      : /^[^A-Z]/.test(issue.message)
        ? `it takes ${issue.message}`
        : `it ${issueText(issue)}`;
  return `${key === '' ? 'a server' : key}: ${words}`;
}

function wrong(home: string, message: string, hint: string): EngineError {
  const file = serversFile(home);
  return new EngineError('bad_config', `${file}: ${message}`, `${hint}: ${shellWord(file)}`);
}

/** The text with one more server at its end. */
function withServer(text: string, server: Readonly<Record<string, unknown>>): string {
  const block = stringify({ servers: [server] });
  return text.trim() === '' ? `${text}${block}` : `${text.trimEnd()}\n\n${block}`;
}

/** The text without the server at that place in the list. */
function withoutServer(text: string, index: number): string {
  const table = entriesOf(text).find(
    (entry) => entry.type === 'TOMLTable' && entry.kind === 'array' && entry.resolvedKey[1] === index,
  );
  return table === undefined ? text : withoutLines(text, table);
}

/** The file's text with another default server, or none. */
function withDefault(text: string, name: string | null): string {
  const before = entriesOf(text).find((entry) => entry.type === 'TOMLKeyValue');
  const line = name === null ? '' : stringify({ default: name });
  if (before === undefined) return name === null ? text : `${line.trimEnd()}\n${text.trim() === '' ? '' : `\n${text}`}`;
  if (name === null) return withoutLines(text, before);
  const { value } = before as AST.TOMLKeyValue; // it was found by its type
  return `${text.slice(0, value.range[0])}${JSON.stringify(name)}${text.slice(value.range[1])}`;
}

function entriesOf(text: string): readonly (AST.TOMLKeyValue | AST.TOMLTable)[] {
  return parseTOML(text, { tomlVersion: '1.1.0' }).body[0].body;
}

/** The server's own lines, and one empty line behind them. */
function withoutLines(text: string, { loc }: AST.TOMLNode): string {
  const lines = text.split('\n');
  const count = loc.end.line - loc.start.line + 1;
  const isEmptyBehind = lines[loc.end.line]?.trim() === '' && loc.end.line + 1 < lines.length;
  lines.splice(loc.start.line - 1, count + (isEmptyBehind ? 1 : 0));
  return lines.join('\n');
}
