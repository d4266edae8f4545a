/** An agent's change of its program's login reaches the user only if it is the same login, renewed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Preset } from '../../runtime/base/config/config.ts';
import { copyLogins, syncLogins } from '../../runtime/work/agents/logins.ts';
import { createRunFolder, runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import { ground } from '../support/engine.ts';

const nowMs = Date.UTC(2026, 0, 31);
const hourMs = 3_600_000;

const jwt = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;
const claude = (token: string, expiresAt: number, more = {}) => ({
  claudeAiOauth: { accessToken: token, refreshToken: `${token}-next`, expiresAt, scopes: ['user'], ...more },
});
const codex = (account: string, more = {}) => ({
  OPENAI_API_KEY: null,
  tokens: {
    id_token: jwt({ sub: account, iat: Math.random() }),
    access_token: jwt({ sub: account, exp: Math.random() }),
    refresh_token: String(Math.random()),
    account_id: account,
    ...more,
  },
  last_refresh: String(Math.random()),
});
const gemini = (account: string, more = {}) => ({
  access_token: String(Math.random()),
  id_token: jwt({ sub: account }),
  refresh_token: `of ${account}`,
  expiry_date: Math.random(),
  ...more,
});
const opencode = (access: string, expires: number, more = {}) => ({
  openai: { type: 'api', key: 'sk-1' },
  anthropic: { type: 'oauth', access, refresh: `${access}-next`, expires },
  ...more,
});

/** A run with the user's login, and the present content of both copies. */
function given(preset: Preset, login: unknown) {
  const { root } = ground();
  const own = join(root, 'login.json');
  writeFileSync(own, JSON.stringify(login));
  const folderOf = (name: string) => {
    const folder = runFolderAt(join(root, 'runs'), name);
    createRunFolder(folder);
    const [one] = copyLogins(folder, preset, [own]);
    return { folder, copy: one?.copy ?? '' };
  };
  return { own, folderOf, ownNow: () => JSON.parse(readFileSync(own, 'utf8')) };
}

describe('a login', () => {
  test.each([
    ['claude', claude('a', nowMs + 60_000), claude('b', nowMs + 8 * hourMs)],
    ['codex', codex('ada'), codex('ada')],
    ['gemini', gemini('ada'), gemini('ada')],
    ['opencode', opencode('a', nowMs - hourMs), opencode('b', nowMs + hourMs)],
    ['gemini-acp', gemini('ada'), gemini('ada')],
    ['opencode-acp', opencode('a', nowMs - hourMs), opencode('b', nowMs + hourMs)],
  ] as const)('of %s that the program renewed is its user’s from then on', (preset, before, after) => {
    const { folderOf, ownNow } = given(preset, before);
    const { folder, copy } = folderOf('one');
    writeFileSync(copy, JSON.stringify(after));
    expect(syncLogins(folder, nowMs)).toEqual([]);
    expect(ownNow()).toEqual(after);
  });

  test.each([
    ['claude, long before it runs out', 'claude', claude('a', nowMs + hourMs), claude('b', nowMs + 8 * hourMs)],
    ['claude, of another plan', 'claude', claude('a', nowMs), claude('b', nowMs + hourMs, { subscriptionType: 'x' })],
    ['claude, no login at all', 'claude', claude('a', nowMs), { apiKeyHelper: 'sh -c evil' }],
    ['codex, of another account', 'codex', codex('ada'), codex('eve')],
    ['codex, with tokens of another account', 'codex', codex('ada'), codex('eve', { account_id: 'ada' })],
    ['codex, as a key', 'codex', codex('ada'), { ...codex('ada'), OPENAI_API_KEY: 'sk-eve' }],
    ['gemini, of another account', 'gemini', gemini('ada'), gemini('eve')],
    ['gemini, with another way to renew it', 'gemini', gemini('ada'), gemini('ada', { refresh_token: 'of eve' })],
    [
      'opencode, with another key',
      'opencode',
      opencode('a', 0),
      opencode('a', 0, { openai: { type: 'api', key: 'sk-eve' } }),
    ],
    [
      'opencode, with another service',
      'opencode',
      opencode('a', 0),
      opencode('a', 0, { eve: { type: 'api', key: 'k' } }),
    ],
  ] as const)('that an agent exchanged is not taken, and is named: %s', (_what, preset, before, after) => {
    const { own, folderOf, ownNow } = given(preset, before);
    const { folder, copy } = folderOf('one');
    writeFileSync(copy, JSON.stringify(after));
    expect(syncLogins(folder, nowMs)).toEqual([own]);
    expect(ownNow()).toEqual(JSON.parse(JSON.stringify(before)));
  });

  test('that one program renewed reaches the others that run, and one that they exchanged reaches nobody', () => {
    const { folderOf } = given('gemini', gemini('ada'));
    const [one, two, three] = [folderOf('one'), folderOf('two'), folderOf('three')];
    const renewed = JSON.stringify(gemini('ada'));
    writeFileSync(one.copy, renewed);
    writeFileSync(three.copy, JSON.stringify(gemini('eve')));
    for (const { folder } of [one, three, two]) syncLogins(folder, nowMs);
    expect(readFileSync(two.copy, 'utf8')).toBe(renewed);
    expect(readFileSync(three.copy, 'utf8')).toContain('of eve');
  });

  test('that is half written, or is a folder, is left alone until it is whole', () => {
    const { folderOf, ownNow } = given('gemini', gemini('ada'));
    const { folder, copy } = folderOf('one');
    const before = ownNow();
    writeFileSync(copy, '{"access_token": "');
    syncLogins(folder, nowMs);
    expect(ownNow()).toEqual(before);
    const renewed = gemini('ada');
    writeFileSync(copy, JSON.stringify(renewed));
    syncLogins(folder, nowMs);
    expect(ownNow()).toEqual(renewed);
  });
});
