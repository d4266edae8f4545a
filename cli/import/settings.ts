/** A configuration file that an import writes if it does not exist. An existing file is never changed. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'smol-toml';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import { homeFolder, parseDaemonConfig } from '../../runtime/base/config/config.ts';
import { readConfigText } from '../../runtime/base/config/file.ts';
import { removeDrafts, replaceFile } from '../../runtime/base/platform/atomic-file.ts';
import type { Call } from '../command.ts';
import type { Piece, Step } from './steps.ts';

interface ConfigStep {
  readonly to: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Throws `bad_config` if the text is not accepted; then nothing is written. */
  check(text: string): void;
  /** The command that makes it effective; null: none is needed. */
  readonly next: string | null;
  /** Whether the existing file is not effective yet, because its import was interrupted. */
  isWaiting(): Promise<boolean>;
}

/** daemon.toml of this home. Throws as `configStep` does. */
export function daemonStep({ env }: Call, client: Client, settings: ConfigStep['settings']): Promise<Step[]> {
  const to = join(homeFolder(env), 'daemon.toml');
  return configStep({
    to,
    settings,
    check: (text) => void parseDaemonConfig(to, text),
    next: 'stator daemon reload',
    isWaiting: async () =>
      client.note === null && statSync(to).mtimeMs > Date.now() - (await client.status()).uptime * 1_000,
  });
}

/** Empty if there is nothing to set. Throws `bad_config` if the file cannot be read. */
export async function configStep({ to, settings, check, next, isWaiting }: ConfigStep): Promise<Step[]> {
  if (Object.keys(settings).length === 0) return [];
  const text = stringify(settings);
  const piece = { kind: 'settings', name: to, what: text.trimEnd(), next: null };
  /** The state of the existing file; null: there is no such file. */
  const existing = async (): Promise<Pick<Piece, 'state' | 'what' | 'next'> | null> => {
    const there = readConfigText(to);
    if (there === null) return null;
    if (there === text) return { state: 'there', what: '', next: (await isWaiting()) ? next : null };
    const what = `the file is there, and stays as it is; to add by hand:\n${piece.what}`;
    return { state: 'left', what, next: null };
  };
  const there = await existing();
  if (there !== null) return [{ ...piece, ...there }];
  return [
    {
      ...piece,
      state: 'comes',
      async bring() {
        check(text);
        // Another process may have written the file while the person was asked.
        const now = await existing();
        if (now !== null) return now;
        write(to, text);
        return { next };
      },
    },
  ];
}

/** Throws `bad_config` if the file cannot be written. */
function write(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    removeDrafts(file);
    replaceFile(file, text);
  } catch (cause) {
    const hint = `see that ${dirname(file)} is a folder that you may write`;
    throw new EngineError('bad_config', `${file} cannot be written: ${messageOf(cause)}`, hint, { cause });
  }
}
