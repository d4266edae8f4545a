/** `stator daemon install | uninstall`: the daemon as a user service, which starts at login and restarts after a crash. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { replaceFile } from '../../runtime/base/platform/atomic-file.ts';
import { systemCode } from '../../runtime/base/platform/system-code.ts';
import { type Call, defineVerb, type Verbs } from '../command.ts';
import { runProgram } from '../other-program.ts';
import { refuseAgent } from '../place.ts';
import { ownerHere } from './presence.ts';
import { announceRestart } from './restarting.ts';
import { type Manager, managers, mark, type Service, serviceOf } from './service.ts';

const managerArg = {
  for: {
    type: 'string',
    valueHint: managers.join('|'),
    description: 'the service manager; default: that of this system',
  },
} as const;

const install = defineVerb({
  summary:
    'Run the daemon as a service of your user: a unit of systemd, on macOS an agent of launchd. It starts at once.',
  args: { print: { type: 'boolean', description: 'only print the file' }, ...managerArg },
  more: 'The service gets PATH and STATOR_HOME as they are now; give the command again after a change. Stopping or restarting the service leaves agents running.',
  examples: ['stator daemon install', 'stator daemon install --print'],
  async run({ print = false, for: named }, call) {
    const service = serviceOf(call, managerOf(named));
    if (print) {
      if (call.out.json) call.out.print(JSON.stringify({ file: service.file, text: service.text }));
      else call.out.quote(...service.text.trimEnd().split('\n'));
      return;
    }
    refuseAgent(call, 'install a service');
    const there = readOwn(service);
    refuseRunning(call, there !== null);
    mkdirSync(dirname(service.file), { recursive: true });
    replaceFile(service.file, service.text);
    const isChanged = there !== null && there !== service.text;
    const { home, owner } = ownerHere(call.env);
    if (owner !== null) announceRestart(home);
    // launchd reads a new service file only after the old service was unloaded.
    if (there !== null && service.manager === 'launchd') for (const command of service.off) runProgram(call, command);
    const [first = [], ...rest] = service.on;
    try {
      mustRun(call, first, service);
    } catch (thrown) {
      // Its manager does not answer, so nothing is installed.
      if (there === null) rmSync(service.file);
      throw thrown;
    }
    for (const command of isChanged ? [...rest, ...service.anew] : rest) mustRun(call, command, service);
    const done = there === service.text ? 'is installed already' : 'is installed';
    call.out.done({ status: 'installed', file: service.file }, `the daemon ${done}: ${service.file}`);
    if (service.manager === 'systemd')
      call.out.note('to keep it running while you are logged out: loginctl enable-linger');
  },
});

const uninstall = defineVerb({
  summary: 'Stop the service that daemon install made, and remove it. Agents keep running.',
  args: managerArg,
  examples: ['stator daemon uninstall'],
  async run({ for: named }, call) {
    refuseAgent(call, 'remove a service');
    const service = serviceOf(call, managerOf(named));
    const { file } = service;
    if (readOwn(service) === null) {
      call.out.done({ status: 'not_installed', file }, `no service is installed: there is no ${file}`);
      return;
    }
    removeService(call, service);
    call.out.done({ status: 'uninstalled', file }, `removed ${file}; agents that run go on`);
  },
});

/** The service that `daemon install` made here; null: there is none, or another program wrote its file. */
export function installedService(call: Call): Service | null {
  const service = serviceOf(call, managerOf(undefined));
  return hasOwn(service) ? service : null;
}

/**
 * Stops the service and deletes its file. Where its manager does not answer, as in a container, only the file is deleted, and a note says so. Throws
 * `unavailable`.
 */
export function removeService(call: Call, service: Service): void {
  try {
    for (const command of service.off) mustRun(call, command, service);
  } catch (thrown) {
    const answers =
      service.after.length > 0 && service.after.every((command) => runProgram(call, command).status === 0);
    if (answers) throw thrown;
    rmSync(service.file);
    call.out.note(`${messageOf(thrown)}; a daemon that runs goes on, until: stator daemon stop`);
    return;
  }
  rmSync(service.file);
  for (const command of service.after) mustRun(call, command, service);
}

function hasOwn(service: Service): boolean {
  try {
    return readOwn(service) !== null;
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'conflict') return false;
    throw thrown;
  }
}

/** Throws `usage`. */
function managerOf(named: string | undefined): Manager {
  if (named === undefined) return process.platform === 'darwin' ? 'launchd' : 'systemd';
  const found = managers.find((manager) => manager === named);
  if (found !== undefined) return found;
  throw new EngineError(
    'usage',
    `--for ${JSON.stringify(named)} is no service manager`,
    `one of ${managers.join(', ')}`,
  );
}

/** null: no such file. Throws `conflict` where another program wrote it. */
function readOwn({ file }: Service): string | null {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes(mark)) return text;
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return null;
    throw thrown;
  }
  throw new EngineError(
    'conflict',
    `${file} is there, and stator did not write it`,
    `move it away first: mv ${shellWord(file)} ${shellWord(`${file}.old`)}`,
  );
}

/** A home has one owner: if another daemon runs, the service would fail and be restarted again and again. */
function refuseRunning({ env }: Call, isInstalled: boolean): void {
  const { owner } = ownerHere(env);
  if (owner === null || isInstalled) return;
  throw new EngineError(
    'conflict',
    `an engine runs already (pid ${owner.pid})`,
    'stop it first; its agents go on: stator daemon stop',
  );
}

/** Throws `unavailable` with the output of the program. */
function mustRun(call: Call, command: readonly string[], { manager }: Service): void {
  const { status, error, stderr, stdout } = runProgram(call, command);
  if (status === 0) return;
  const text = command.map(shellWord).join(' ');
  const isMissing = error !== undefined && systemCode(error) === 'ENOENT';
  const why = isMissing
    ? `${command[0]} is not on PATH`
    : `${stderr ?? ''}${stdout ?? ''}`.trim() || error?.message || `it ended with ${status}`;
  const hint = isMissing
    ? `there is no ${manager} here: stator daemon start starts the daemon by itself; docs/containers.md is about containers`
    : 'when the cause is gone, give the command again';
  throw new EngineError('unavailable', `${text}: ${why}`, hint);
}

export default { install, uninstall } satisfies Verbs;
