/** daemon.toml in force: the file as it was read at the start, until it is read again on request. */
import { type DaemonConfig, loadDaemonConfig } from './config.ts';

export interface Settings {
  current(): DaemonConfig;
  /**
   * Reads the file again and puts it in force; answers the keys, one line each, that only a new start applies. A broken file changes nothing.
   * Throws `bad_config` with all its problems.
   */
  reload(): string[];
}

/** Holds the settings in force. */
export interface SettingsInForce {
  current(): DaemonConfig;
  put(settings: DaemonConfig): void;
}

/** `file` is another file than the home's daemon.toml, and must exist. */
export function createSettings({ current, put }: SettingsInForce, home: string, file?: string): Settings {
  return {
    current,
    reload() {
      const fresh = loadDaemonConfig(home, file);
      const { socketPath, http, machines, storeUrl, host } = current();
      const late = [
        fresh.socketPath === socketPath ? null : 'socket_path',
        JSON.stringify(fresh.http) === JSON.stringify(http) ? null : '[http]',
        fresh.storeUrl === storeUrl ? null : 'store',
        JSON.stringify(fresh.host) === JSON.stringify(host) ? null : '[host]',
        JSON.stringify(fresh.machines) === JSON.stringify(machines) ? null : '[machines]',
      ].filter((key) => key !== null);
      // Until then clients and agents use the current address of the socket.
      put({ ...fresh, socketPath, http, machines, storeUrl, host });
      return late.map((key) => `${key} of ${fresh.file} is applied at the next start: stator daemon restart`);
    },
  };
}
