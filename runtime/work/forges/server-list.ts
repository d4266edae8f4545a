/** Queries and changes of a person's list of forges, and queries of a repository's forge. Works without an engine. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Environment } from '../../base/platform/home.ts';
import { type OutboundAnswer, type OutboundRequest, requestOutbound } from '../../base/platform/outbound.ts';
import { timeLimit } from '../../base/platform/pause.ts';
import { createForge } from './create-forge.ts';
import { allKinds, type ForgeKind, forgeKinds } from './kinds/kinds.ts';
import { remotesOf } from './remote.ts';
import { type ForgeSite, firstSite } from './repo-forge.ts';
import {
  addServer,
  chooseServer,
  type KnownServer,
  presetOf,
  readServers,
  removeServer,
  type Servers,
  serverNamed,
  serverUrl,
} from './servers.ts';
import { findToken, tokenVariables } from './tokens.ts';

export interface ServerEntry {
  readonly name: string;
  readonly url: string;
  readonly kind: ForgeKind;
  /** Whether `owner/repo#n` means this server. */
  readonly default: boolean;
  /** Whether it is built in. */
  readonly preset: boolean;
  readonly allow_private: boolean;
  /** `env:NAME`; null: the usual places of its kind. */
  readonly token: string | null;
  readonly env_file: string | null;
}

export interface ServerShow extends ServerEntry {
  /** The variables that may have the token, in order. */
  readonly token_variables: readonly string[];
  /** Where the token was found; null: nowhere. The token itself is never shown. */
  readonly token_from: string | null;
}

export interface NewServer {
  readonly name: string;
  readonly url: string;
  readonly kind?: string | undefined;
  readonly token?: string | undefined;
  readonly envFile?: string | undefined;
  readonly allowPrivate: boolean;
}

/** A repository's forge: that of its first remote at a known server. */
export interface RepoForgeState {
  readonly remote: string;
  readonly server: string;
  readonly kind: ForgeKind;
  readonly repo: string;
  readonly tokenFrom: string | null;
  /** The token's user; null: there is no token, or the forge did not answer. */
  readonly login: string | null;
  readonly problem: EngineError | null;
}

export interface ServerList {
  list(): readonly ServerEntry[];
  /** Without a name: the default one. Throws `not_found`. */
  show(name: string | undefined): Promise<ServerShow>;
  /** Asks the forge for its kind if none is given. Throws the errors of `addServer` and `askKind`. */
  add(server: NewServer): Promise<ServerEntry>;
  /** Throws the errors of `removeServer`. */
  remove(name: string): ServerEntry;
  /** Whether a person has chosen the default one. */
  isChosen(): boolean;
  /** Throws `not_found`. */
  choose(name: string): ServerEntry;
  /** null: none of its remotes is at a known forge. Throws `bad_config`. */
  forgeOf(repo: string): Promise<RepoForgeState | null>;
}

const loginTimeoutMs = 10_000;

export function createServerList({ home, env }: { home: string; env: Environment }): ServerList {
  const entry = (server: KnownServer, { main }: Servers = readServers(home)) => entryOf(server, main);
  return {
    list() {
      const servers = readServers(home);
      return servers.list.map((server) => entry(server, servers));
    },
    async show(name) {
      const servers = readServers(home);
      const server = name === undefined ? servers.main : serverNamed(servers, name);
      const found = await findToken(server, env);
      return {
        ...entry(server, servers),
        token_variables: tokenVariables(server),
        token_from: found?.from ?? null,
      };
    },
    async add({ name, url: given, kind: said, token, envFile, allowPrivate }) {
      const url = serverUrl(given);
      const kind = said === undefined ? (presetOf(url)?.kind ?? (await askKind({ url, allowPrivate }))) : kindOf(said);
      return entry(
        addServer(home, {
          name,
          url,
          kind,
          ...(token === undefined ? {} : { token }),
          ...(envFile === undefined ? {} : { env_file: envFile }),
          ...(allowPrivate ? { allow_private: true } : {}),
        }),
      );
    },
    remove: (name) => entry(removeServer(home, name)),
    isChosen: () => readServers(home).isChosen,
    choose: (name) => entry(chooseServer(home, name)),
    forgeOf: createForgeOf({ home, env }),
  };
}

function entryOf(server: KnownServer, main: KnownServer): ServerEntry {
  return {
    name: server.name,
    url: server.url,
    kind: server.kind,
    default: server.name === main.name,
    preset: server.isPreset,
    allow_private: server.allowPrivate,
    token: server.tokenVariable === null ? null : `env:${server.tokenVariable}`,
    env_file: server.envFile,
  };
}

function kindOf(said: string): ForgeKind {
  const kind = forgeKinds.find((one) => one === said.toLowerCase());
  if (kind !== undefined) return kind;
  throw new EngineError('usage', `"${said.slice(0, 100)}" is no kind of forge`, `one of ${forgeKinds.join(', ')}`);
}

/** A server's answer about its token; one request for all of its repos. */
type TokenState = Pick<RepoForgeState, 'tokenFrom' | 'login' | 'problem'>;

function createForgeOf({ home, env }: { home: string; env: Environment }): ServerList['forgeOf'] {
  const tokenStates = new Map<string, Promise<TokenState>>();
  return async (path) => {
    const { list } = readServers(home);
    const site = firstSite(await remotesOf(path), list);
    if (site === null) return null;
    const { server, remote, repo } = site;
    const tokenState = tokenStates.get(server.name) ?? tokenStateOf(site, env);
    tokenStates.set(server.name, tokenState);
    return {
      remote,
      server: server.name,
      kind: server.kind,
      repo: `${repo.owner}/${repo.name}`,
      ...(await tokenState),
    };
  };
}

async function tokenStateOf({ server, repo }: ForgeSite, env: Environment): Promise<TokenState> {
  const token = await findToken(server, env);
  if (token === null) return { tokenFrom: null, login: null, problem: null };
  const forge = createForge({ server, repo, token: token.token, signal: timeLimit(loginTimeoutMs) });
  try {
    return { tokenFrom: token.from, login: await forge.login(), problem: null };
  } catch (thrown) {
    if (thrown instanceof EngineError) return { tokenFrom: token.from, login: null, problem: thrown };
    throw thrown;
  }
}

export interface KindQuestion {
  /** Its web address, without a slash at its end. */
  readonly url: string;
  readonly allowPrivate: boolean;
  readonly send?: ((request: OutboundRequest) => Promise<OutboundAnswer>) | undefined;
}

const timeoutMs = 10_000;
const maxResponseBytes = 64 * 1024;

/** Throws `forge_unreachable`, `address_refused`, and `usage` if it is no known kind, or does not reveal it; no token is sent. */
export async function askKind({ url, allowPrivate, send = requestOutbound }: KindQuestion): Promise<ForgeKind> {
  const hint = `say it: --kind ${forgeKinds.join('|')}; then nothing is asked`;
  const answers = new Map<string, OutboundAnswer>();

  async function answerTo(path: string): Promise<OutboundAnswer> {
    const known = answers.get(path);
    if (known !== undefined) return known;
    const answer = await send({
      url: `${url}${path}`,
      method: 'GET',
      headers: { accept: 'application/json', 'user-agent': 'stator' },
      body: null,
      allowPrivate,
      timeoutMs,
      maxResponseBytes,
    }).catch((thrown: unknown) => {
      if (!(thrown instanceof EngineError)) throw thrown;
      throw thrown.code === 'address_refused'
        ? new EngineError(thrown.code, thrown.message, 'where that is meant: --allow-private', { cause: thrown })
        : new EngineError('forge_unreachable', thrown.message, hint, { cause: thrown });
    });
    answers.set(path, answer);
    return answer;
  }

  for (const { kind, signs } of allKinds.toSorted((a, b) => a.signRank - b.signRank))
    for (const { path, isIn } of signs) if (isIn(await answerTo(path))) return kind;
  throw new EngineError('usage', `${url} does not say which kind of forge it is`, hint);
}
