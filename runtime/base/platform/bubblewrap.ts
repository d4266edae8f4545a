/** bubblewrap, the program that builds walls on Linux: where it is, and whether it works for this user on this machine. */
import { findOnPath } from './find-program.ts';
import { tryOut } from './try-out.ts';

export type Bubblewrap =
  /** `program` is absolute. */
  | { readonly kind: 'works'; readonly program: string }
  /** `hint` says what to do about it. */
  | { readonly kind: 'missing'; readonly reason: string; readonly hint: string };

/** The namespaces of every run inside of walls, and the option that ends it with its starter. */
export const namespaceArguments = [
  '--unshare-user',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  // Root keeps them otherwise, and with them what is mounted read-only could be mounted again.
  ...['--cap-drop', 'ALL'],
  '--die-with-parent',
  '--new-session',
] as const;

/** Starts bubblewrap once, with every namespace that walls need, around `true`. Throws nothing. */
export async function probeBubblewrap(env: Readonly<Record<string, string | undefined>>): Promise<Bubblewrap> {
  if (process.platform !== 'linux') {
    return {
      kind: 'missing',
      reason: `there are no walls for agents on ${process.platform === 'darwin' ? 'macOS' : process.platform} yet`,
      hint: 'run stator on Linux, or say that it is known: sandbox = "off" under [agents.default]',
    };
  }
  const program = findOnPath('bwrap', env);
  if (program === null) {
    return {
      kind: 'missing',
      reason: 'bubblewrap is not installed: there is no bwrap on PATH',
      hint: 'install it: apt-get install bubblewrap (dnf, pacman, apk and zypper call it bubblewrap, too)',
    };
  }
  // `--unshare-net` as well: where a loopback cannot be set up, `network = "off"` could not be kept.
  const args = [...namespaceArguments, '--unshare-net', '--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];
  const { failure } = await tryOut(program, [...args, '--', 'true'], env);
  if (failure === null) return { kind: 'works', program };
  return {
    kind: 'missing',
    reason: `${program} does not work here: ${failure}`,
    hint: 'allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0 or an AppArmor profile for bwrap; in a container they must be allowed from outside',
  };
}
