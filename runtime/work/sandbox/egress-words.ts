/** The command line parts for walls whose only network is a proxy: the part before bubblewrap, the variables inside, and the part before the program. */
import { join } from 'node:path';
import { parseHostRule } from '../../base/platform/host-rules.ts';
import { ownScript } from '../../base/platform/package-files.ts';
import { type EgressSettings, proxyPort } from '../agents/egress/settings.ts';
import { wordsOutside } from '../agents/relay-words.ts';
import { type RunFolder, refusalsFile, writeStartFile } from '../agents/run-folder.ts';

export interface EgressWords {
  readonly outside: readonly string[];
  /** Arguments of bubblewrap. */
  readonly walls: readonly string[];
  readonly inside: readonly string[];
}

/** Programs read one spelling or the other. The user's own values would not work inside. */
const proxyVariables = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'] as const;
const noProxyVariables = ['NO_PROXY', 'no_proxy'] as const;
const otherVariables = ['ALL_PROXY', 'all_proxy', 'FTP_PROXY', 'ftp_proxy'] as const;
const ownServers = 'localhost,127.0.0.1,::1';

/** `folder`: the socket's folder, which is visible inside. Throws the home's errors. */
export function egressWords(
  hosts: readonly string[],
  {
    folder,
    run,
    env,
  }: { readonly folder: string; readonly run: RunFolder; readonly env: Readonly<Record<string, string>> },
): EgressWords {
  const socket = join(folder, 'net');
  const file = join(run.path, 'egress.json');
  const rules = hosts.map(parseHostRule).filter((rule) => rule !== null);
  const settings: EgressSettings = { socket, hosts: rules, refusals: refusalsFile(run) };
  writeStartFile(file, JSON.stringify(settings));
  const set = (names: readonly string[], value: string) => names.flatMap((name) => ['--setenv', name, value]);
  return {
    outside: wordsOutside('egress.js', [file], env),
    walls: [
      '--unshare-net',
      ...set(proxyVariables, `http://127.0.0.1:${proxyPort}`),
      ...set(noProxyVariables, ownServers),
      // Node 22.21, 24 and later.
      ...set(['NODE_USE_ENV_PROXY'], '1'),
      ...otherVariables.flatMap((name) => ['--unsetenv', name]),
    ],
    inside: [process.execPath, ownScript('loopback.js'), socket, String(proxyPort)],
  };
}
