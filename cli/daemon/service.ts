/** The daemon as a user service: the text of a systemd unit and of a launchd agent, and the commands that enable and disable it. */
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { configFolder, userFolder } from '../../runtime/base/platform/home.ts';
import { inPackage } from '../../runtime/base/platform/package-files.ts';
import type { Call } from '../command.ts';

export const managers = ['systemd', 'launchd'] as const;
export type Manager = (typeof managers)[number];

export interface Service {
  readonly manager: Manager;
  readonly file: string;
  readonly text: string;
  /** The commands that enable it, in order, each a program with its arguments. */
  readonly on: readonly (readonly string[])[];
  /** The commands after `on` where the file has changed: a service that runs keeps the variables of the old one. */
  readonly anew: readonly (readonly string[])[];
  readonly off: readonly (readonly string[])[];
  /** The commands to run after the file was deleted. */
  readonly after: readonly (readonly string[])[];
}

/** A file without it was written by another program. */
export const mark = 'written by stator daemon install';
const label = 'dev.stator.daemon';

export function serviceOf({ env }: Pick<Call, 'env'>, manager: Manager): Service {
  const home = userFolder(env);
  const command = [process.execPath, inPackage('dist/bin/stator.js'), 'daemon', 'start', '--foreground'];
  const configHome = configFolder(env);
  // As `homeFolder` reads them: the service starts in another folder.
  const given = Object.entries({
    PATH: env.PATH ?? '',
    STATOR_HOME: env.STATOR_HOME ? resolve(env.STATOR_HOME) : '',
    XDG_CONFIG_HOME: env.XDG_CONFIG_HOME === configHome ? configHome : '',
  }).filter(([, value]) => value !== '');
  if (manager === 'systemd') {
    const systemctl = (...words: string[]) => ['systemctl', '--user', ...words];
    return {
      manager,
      file: join(configHome, 'systemd', 'user', 'stator.service'),
      text: unitText(command, given),
      on: [systemctl('daemon-reload'), systemctl('enable', '--now', 'stator.service')],
      anew: [systemctl('restart', 'stator.service')],
      off: [systemctl('disable', '--now', 'stator.service')],
      after: [systemctl('daemon-reload')],
    };
  }
  const file = join(home, 'Library', 'LaunchAgents', `${label}.plist`);
  const domain = `gui/${userInfo().uid}`;
  return {
    manager,
    file,
    text: plistText(command, given),
    on: [['launchctl', 'bootstrap', domain, file]],
    anew: [],
    off: [['launchctl', 'bootout', `${domain}/${label}`]],
    after: [],
  };
}

/** The service gets PATH from here: programs of agents are found on it. A stop signals only the daemon: its agents continue, and the next daemon adopts them. By default systemd also stops the daemon when the kernel ends an agent that used too much memory. Exit code 78 means a fault that a restart cannot repair. */
function unitText(command: readonly string[], variables: readonly (readonly [string, string])[]): string {
  return [
    `# ${mark}`,
    '[Unit]',
    'Description=stator',
    '',
    '[Service]',
    `ExecStart=${command.map((word) => quoted(word).replaceAll('$', '$$$$')).join(' ')}`,
    ...variables.map(([name, value]) => `Environment=${quoted(`${name}=${value}`)}`),
    'KillMode=process',
    'OOMPolicy=continue',
    'Restart=on-failure',
    'RestartSec=10',
    'RestartPreventExitStatus=78',
    'TimeoutStopSec=60',
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/** A word quoted for systemd, which uses the percent sign for its own specifiers. */
function quoted(word: string): string {
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}

function plistText(command: readonly string[], variables: readonly (readonly [string, string])[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    `<!-- ${mark} -->`,
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key><string>${label}</string>`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...command.map((word) => `    <string>${escaped(word)}</string>`),
    '  </array>',
    '  <key>EnvironmentVariables</key>',
    '  <dict>',
    ...variables.map(([name, value]) => `    <key>${name}</key><string>${escaped(value)}</string>`),
    '  </dict>',
    '  <key>RunAtLoad</key><true/>',
    '  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>',
    '  <key>ThrottleInterval</key><integer>10</integer>',
    '  <key>AbandonProcessGroup</key><true/>',
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
