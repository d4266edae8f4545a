/** Who is to ask a person and cannot is found when the configuration is read. */
import { describe, expect, it } from 'vitest';
import { daemonOf, errorOf, repoOf } from '../support/config.ts';
import { expectProse } from '../support/prose.ts';

const read = (repo: string, daemon = '') => repoOf(repo, daemonOf(daemon));

describe('permissions', () => {
  it('are skipped by default, and asked for by claude, with an hour for the answer', () => {
    expect(read('').profiles.coder).toMatchObject({ permissions: 'skip', permissionTimeoutMs: 3_600_000 });
    const { coder, reviewer } = read(
      '[agents.default]\npermissions = "ask"\n[agents.reviewer]\npermissions = "skip"',
    ).profiles;
    expect(coder).toMatchObject({ preset: 'claude', permissions: 'ask' });
    expect(reviewer.permissions).toBe('skip');
  });

  it('cannot be asked for by the other programs, which is said with the line and the reason', () => {
    const others = ['codex', 'opencode', 'gemini', 'sh', 'command'];
    const texts = others.map((preset) => {
      const toml = `[agents.coder]\npreset = "${preset}"\npermissions = "ask"\n`;
      const { code, message, hint } = errorOf(() => read(toml));
      expect(code).toBe('bad_config');
      expect(message).toContain('/.stator/config.toml, line 3:');
      return `${message}\nhint: ${hint}`;
    });
    expectProse(texts.join('\n'), 'line 3');
  });

  it('are looked at in the place that says so, also where a repo names the program', () => {
    const { message } = errorOf(() =>
      read('[agents.coder]\npreset = "codex"\n', '[agents.default]\npermissions = "ask"\n'),
    );
    expect(message).toMatch(/\/daemon\.toml, line 2: permissions = "ask" for the coder/);
  });

  it('that are asked for are not skipped by a flag', () => {
    for (const flags of ['["--dangerously-skip-permissions"]', '["--permission-mode", "bypassPermissions"]']) {
      const { message } = errorOf(() => read(`[agents.default]\npermissions = "ask"\nflags = ${flags}\n`));
      expect(message).toContain('lets the planner do everything unasked');
    }
    expect(
      read('[agents.default]\npermissions = "ask"\nflags = ["--permission-mode", "acceptEdits"]').profiles.coder
        .permissions,
    ).toBe('ask');
  });

  it('of a role that is off are nobody’s concern', () => {
    expect(
      read('[agents.default]\npermissions = "ask"\n[agents.reviewer]\nenabled = false\npreset = "codex"').profiles
        .reviewer.enabled,
    ).toBe(false);
  });
});
