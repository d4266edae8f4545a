/** daemon.toml as it is in force: what was read at the start, until somebody asks for it to be read again. */
import { type DaemonConfig, loadDaemonConfig } from './config.ts';

export interface Settings {
  current(): DaemonConfig;
  /**
   * Reads the file again and puts it in force; answers the keys, one line each, that only a new start applies. A file that is broken is kept out.
   * Throws `bad_config` with all its problems.
   */
  reload(): string[];
}

/** `file` is another file than the home's daemon.toml, and must exist. Throws `bad_config`. */
export function createSettings(home: string, file?: string): Settings {
  let inForce = loadDaemonConfig(home, file);
  return {
    current: () => inForce,
    reload() {
      const fresh = loadDaemonConfig(home, file);
      const late = [
        fresh.socketPath === inForce.socketPath ? null : 'socket_path',
        fresh.httpBind === inForce.httpBind ? null : '[http] bind',
      ].filter((key) => key !== null);
      // Until then clients are told, and agents were told, where the socket is now.
      inForce = { ...fresh, socketPath: inForce.socketPath, httpBind: inForce.httpBind };
      return late.map((key) => `${key} of ${fresh.file} is applied at the next start: stator daemon restart`);
    },
  };
}
