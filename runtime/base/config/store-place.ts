/** Where the store of a home is: in a file of the home, or in a database of PostgreSQL. */
import { existsSync } from 'node:fs';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { type Environment, storeFile } from '../platform/home.ts';
import { withoutSecrets } from '../platform/secrets.ts';

export type StorePlace =
  | { readonly kind: 'file'; readonly file: string }
  /** `shown` names the server and the database, and neither user nor password. */
  | { readonly kind: 'postgres'; readonly url: string; readonly shown: string };

const accepted = 'postgresql://host:5432/database';

/** What the driver reads as libpq does. It ignores any other parameter, and would connect without what that asks for. */
const parameters = [
  ...['application_name', 'host', 'options', 'password', 'port', 'sslcert', 'sslkey', 'sslmode', 'sslnegotiation'],
  ...['sslrootcert', 'user'],
];
/** The driver would take any other one for verify-full. */
const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * `given` overrides daemon.toml: the setting of an embedding program. Throws `bad_config` where the variable is not set, or holds something
 * else than the URL of a database.
 */
export function storePlace(
  home: string,
  { file, storeUrl }: { readonly file: string; readonly storeUrl: string | null },
  env: Environment,
  given?: string,
): StorePlace {
  const said = given ?? storeUrl;
  if (said === null || said === '') return { kind: 'file', file: storeFile(home) };
  const name = said.startsWith('env:') ? said.slice('env:'.length) : null;
  const [where, what] = [given === undefined ? `${file}: store` : 'the store', name ?? 'it'];
  const url = name === null ? said : (env[name]?.trim() ?? '');
  if (url === '')
    throw new EngineError(
      'bad_config',
      `${where}: the variable ${what} is not set`,
      `set it where this runs, to ${accepted}`,
    );
  const refusal = (message: string, hint: string) =>
    new EngineError('bad_config', `${where}: ${what} ${message}`, hint);
  const severalServers = () =>
    refusal(
      'names several servers, and the store is on one',
      `name the one that takes writes, or an address that leads to it: ${accepted}`,
    );
  // The part before the path, without the user and the password.
  if (/^postgres(?:ql)?:\/\/(?:[^/@]*@)?[^/@?]*,/.test(url)) throw severalServers();
  if (!isPostgresUrl(url))
    throw refusal(
      'holds no URL of a database of PostgreSQL',
      `accepted: ${accepted}, with characters such as / and @ of a password written as %2F and %40; the folder of a socket is the parameter host`,
    );
  const { searchParams } = new URL(url);
  if ([...searchParams.getAll('host'), ...searchParams.getAll('port')].some((found) => found.includes(',')))
    throw severalServers();
  const unread = [...searchParams.keys()].find((name) => !parameters.includes(name));
  if (unread !== undefined)
    throw refusal(`has the parameter ${unread}, which is not read here`, `accepted: ${parameters.join(', ')}`);
  const mode = searchParams.getAll('sslmode').find((found) => !sslModes.includes(found));
  if (mode !== undefined) throw refusal(`has the sslmode ${mode}`, `accepted: ${sslModes.join(', ')}`);
  return { kind: 'postgres', url, shown: shownUrl(url) };
}

/** A typed place: the absolute path of a file, or a database as daemon.toml names it. Throws `usage`, and as `storePlace`. */
export function targetPlace(home: string, typed: string, env: Environment): StorePlace {
  const isDatabase = typed.startsWith('env:') || isPostgresUrl(typed);
  if (!isDatabase && /^[a-z][a-z0-9+.-]*:\/\//i.test(typed))
    throw new EngineError(
      'usage',
      'this is no URL of a database of PostgreSQL',
      `accepted: ${accepted}, env:NAME, or a file`,
    );
  if (!isDatabase) return { kind: 'file', file: typed };
  if (!typed.startsWith('env:') && hasPassword(typed))
    throw new EngineError(
      'usage',
      'a password on the command line is seen by others',
      'set a variable to the URL, and say env:NAME',
    );
  return storePlace(home, { file: '', storeUrl: null }, env, typed);
}

/** Whether there is a store to read. For one in PostgreSQL only a connection shows that. */
export function isStoreThere(place: StorePlace): boolean {
  return place.kind === 'postgres' || existsSync(place.file);
}

export function isPostgresUrl(text: string): boolean {
  if (!/^postgres(?:ql)?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { pathname } = new URL(text);
  // An @ there ends a password that has a slash.
  return pathname.length > 1 && !pathname.includes('@');
}

/** The file may not contain a password: other users may be able to read it. */
export function hasPassword(url: string): boolean {
  const { password, searchParams } = new URL(url);
  return password !== '' || [...searchParams.keys()].some((name) => /password/i.test(name));
}

function shownUrl(url: string): string {
  const { host, pathname, searchParams } = new URL(url);
  return withoutSecrets(`postgresql://${searchParams.get('host') ?? host}${pathname}`);
}
