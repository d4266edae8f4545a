/** Finds a forge's token: in a variable, in a person's env file, or from the forge's own program. It stays in memory, only for the call that needs it. */

import type { Environment } from '../../base/platform/home.ts';
import { later } from '../../base/platform/later.ts';
import { findSecret, type SecretParts, type SecretPlace } from '../agents/secret.ts';
import type { TokenProgram } from './kinds/kind.ts';
import { kindOfForge } from './kinds/kinds.ts';
import type { KnownServer } from './servers.ts';

export interface FoundToken {
  readonly token: string;
  readonly from: string;
}

/** A hundred files, which a process that only reads the store does not need. */
const loadExeca = later(() => import('execa'));

const programTimeoutMs = 5_000;
const tokenPattern = /^[\x21-\x7e]{1,4096}$/;

/** The forge's own program if it may provide the token: not for a server with a configured variable. */
export function programOf({ kind, url, tokenVariable }: KnownServer): TokenProgram | undefined {
  return tokenVariable === null ? kindOfForge(kind).tokenProgram?.(new URL(url).host) : undefined;
}

/** The variables that may have the token, in order. */
export function tokenVariables(server: KnownServer): readonly string[] {
  return server.tokenVariable === null ? kindOfForge(server.kind).tokenVariables(server) : [server.tokenVariable];
}

export function tokenPlace(server: KnownServer): SecretPlace {
  const of = `[[servers]] ${server.name} in servers.toml`;
  return { of, variables: tokenVariables(server), envFile: server.envFile };
}

/** null: there is none. A program is called only if no variable is configured. Throws as `findSecret`. */
export async function findToken(
  server: KnownServer,
  env: Environment,
  projects?: SecretParts['projects'],
): Promise<FoundToken | null> {
  const found = findSecret(tokenPlace(server), { env, ...(projects === undefined ? {} : { projects }) });
  if (found !== null) return { token: found.value, from: found.from };
  const program = programOf(server);
  return program === undefined ? null : askProgram(program.ask, env);
}

async function askProgram(
  [program, ...args]: readonly [string, ...string[]],
  env: Environment,
): Promise<FoundToken | null> {
  const { execa } = await loadExeca();
  const answer = await execa(program, args, {
    // Never a repository's folder: such a program may read files of its working directory.
    cwd: '/',
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: programTimeoutMs,
    maxBuffer: 64 * 1024,
  });
  const token = (answer.stdout ?? '').trim();
  return answer.exitCode === 0 && tokenPattern.test(token)
    ? { token, from: [program, ...args.slice(0, 2)].join(' ') }
    : null;
}
