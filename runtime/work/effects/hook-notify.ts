/** A hook as a notification on the desktop: notify-send on Linux, osascript on macOS. */
import { execFile } from 'node:child_process';
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import type { NotifyHookConfig } from '../../base/config/config.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import { inheritedEnvironment } from '../agents/environment.ts';
import { resolveProgram } from '../agents/program.ts';
import { hookNotice } from './hook-event-body.ts';
import { failedTry, type HookTry } from './hook-try.ts';

interface Notifying {
  readonly project: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly abort: AbortSignal;
  /** Default: this process's platform. */
  readonly platform?: NodeJS.Platform;
}

/** The variables with which a program finds its user's desktop. */
const desktopVariables = ['DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR', 'DISPLAY', 'WAYLAND_DISPLAY', 'XAUTHORITY'];
const errorLimit = 500;

/** Shows it once, without a retry: a notification about something hours ago is useless. */
export async function showNotification(
  hook: NotifyHookConfig,
  effect: HookDeliver,
  { project, env: base, abort, platform = process.platform }: Notifying,
): Promise<HookTry> {
  const { subject, text } = hookNotice(effect, project);
  const title = `stator: ${subject}`;
  const { program, args, install } = platform === 'darwin' ? byAppleScript(title, text) : byNotifySend(title, text);
  const env = inheritedEnvironment(base, { names: desktopVariables });
  const found = resolveProgram(program, { from: null, env });
  if (found.kind === 'missing') return failedTry(`${program} is not there: ${install}`);
  return new Promise((resolve) => {
    execFile(
      found.path,
      args,
      { env, timeout: hook.timeoutMs, maxBuffer: 64 * 1024, signal: abort },
      (thrown, _out, err) => {
        if (thrown === null) resolve({ kind: 'delivered', status: 0, output: null });
        else resolve(failedTry(`${program} did not show it: ${oneLine(err || thrown.message).slice(0, errorLimit)}`));
      },
    );
  });
}

interface Program {
  readonly program: string;
  readonly args: string[];
  readonly install: string;
}

/** notify-send reads the body as markup, so it is escaped. */
function byNotifySend(title: string, body: string): Program {
  const text = body.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return {
    program: 'notify-send',
    args: ['--app-name=stator', '--', title, text],
    install: 'install it (Debian, Ubuntu: apt install libnotify-bin), or take the hook out',
  };
}

/** The texts are arguments of a script that does not change. */
function byAppleScript(title: string, body: string): Program {
  const script = [
    'on run argv',
    'display notification (item 2 of argv) with title (item 1 of argv)',
    'end run',
  ].flatMap((line) => ['-e', line]);
  return { program: 'osascript', args: [...script, title, body], install: 'it is part of macOS; look at your PATH' };
}
