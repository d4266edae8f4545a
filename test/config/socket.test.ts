import { chownSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { homeFolder, socketPath } from '../../runtime/base/config/config.ts';
import { nearest } from '../../runtime/base/config/nearest.ts';
import { ownFolder } from '../../runtime/base/config/socket-path.ts';
import { errorOf } from '../support/config.ts';

describe('the home and its socket', () => {
  it('the home is $STATOR_HOME, else in $XDG_CONFIG_HOME, else in ~/.config', () => {
    const env = { STATOR_HOME: '/s', XDG_CONFIG_HOME: '/x', HOME: '/h' };
    expect(homeFolder(env)).toBe('/s');
    expect(homeFolder({ ...env, STATOR_HOME: '' })).toBe('/x/stator');
    expect(homeFolder({ HOME: '/h', XDG_CONFIG_HOME: 'relative' })).toBe('/h/.config/stator');
    expect(homeFolder({ STATOR_HOME: 'here' })).toBe(join(process.cwd(), 'here'));
    // A service may have an empty HOME; a home below the folder of each command would know none of the plans.
    const ofAccount = join(userInfo().homedir, '.config', 'stator');
    expect([{}, { HOME: '' }, { HOME: 'relative' }].map(homeFolder)).toEqual([ofAccount, ofAccount, ofAccount]);
  });

  it('the socket follows socket_path, then XDG_RUNTIME_DIR, then /tmp; another home adds eight hex digits', () => {
    const own = join(userInfo().homedir, '.config', 'stator');
    const env = { XDG_RUNTIME_DIR: '/run/user/7' };
    expect(socketPath(own, env, '')).toBe('/run/user/7/stator/stator.sock');
    expect(socketPath(own, {}, '')).toBe(`/tmp/stator-${process.getuid?.()}/stator.sock`);
    expect(socketPath('/a', env, '')).toMatch(/^\/run\/user\/7\/stator\/stator-[0-9a-f]{8}\.sock$/);
    expect(socketPath('/a/', env, '')).toBe(socketPath('/a', env, ''));
    expect(socketPath('/a', env, '')).not.toBe(socketPath('/b', env, ''));
    expect(socketPath('/a', env, '/x.sock')).toBe('/x.sock');
  });

  it('a shared folder that another user has made, or that is a link, is left alone: the socket is in the home', () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'stator-socket-')));
    const shared = join(root, 'shared');
    expect(ownFolder(shared, '/a')).toBe(shared);
    mkdirSync(shared);
    expect(ownFolder(shared, '/a')).toBe(shared);
    symlinkSync(shared, join(root, 'link'));
    expect(ownFolder(join(root, 'link'), '/a')).toBe('/a/control');
    writeFileSync(join(root, 'file'), '');
    expect(ownFolder(join(root, 'file'), '/a')).toBe('/a/control');
    if (process.getuid?.() !== 0) return;
    chownSync(shared, 12_345, 12_345);
    expect(ownFolder(shared, '/a')).toBe('/a/control');
  });

  it('a socket path that would be cut off is refused with its size in bytes', () => {
    const limit = process.platform === 'linux' ? 108 : 104;
    const longest = `/${'ü'.repeat(10)}${'x'.repeat(limit - 22)}`;
    expect(socketPath('/a', {}, longest)).toBe(longest);
    const error = errorOf(() => socketPath('/a', {}, `${longest}x`));
    // Not by snapshot: the limit is another one on another system.
    expect(error.code).toBe('bad_config');
    for (const fact of [`${limit} bytes`, `${limit - 1}`, `${longest}x`]) expect(error.message).toContain(fact);
    expect(error.hint).toContain('/a/daemon.toml');
  });
});

describe('did you mean', () => {
  it('suggests what is near and nothing that is far', () => {
    const words = ['max_agents', 'auto_merge', 'timeout'];
    expect(nearest('max-agents', words)).toBe('max_agents');
    expect(nearest('MaxAgents', words)).toBe('max_agents');
    expect(nearest('tiemout', words)).toBe('timeout');
    expect(nearest('banana', words)).toBeNull();
    expect(nearest('x', words)).toBeNull();
    expect(nearest('max', words)).toBe('max_agents');
    expect(nearest('--proj', ['--json', '--project'])).toBe('--project');
    expect(nearest('max', [...words, 'max_coordinators'])).toBeNull();
    expect(nearest('ti', words)).toBeNull();
  });
});
