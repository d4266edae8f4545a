/** The keys of agents of the Agent Client Protocol, and the roles that these agents cannot play. */
import { expect, it } from 'vitest';
import { daemonOf, errorOf, repoOf } from '../support/config.ts';

const read = (repo: string) => repoOf(repo, daemonOf(''));
const server = '[agents.coder.mcp.docs]\ncommand = "docs"\nargs = ["serve"]\nenv = ["DOCS_TOKEN"]\n';

it('a mode and MCP servers are those of the preset that they were written for', () => {
  const { profiles } = read(
    `[agents.default]\npreset = "qwen"\nmode = "auto-edit"\n${server}[agents.fixer]\npreset = "codex"\n`,
  );
  expect(profiles.coder).toMatchObject({
    mode: 'auto-edit',
    mcp: { docs: { command: 'docs', args: ['serve'], env: ['DOCS_TOKEN'] } },
  });
  expect(profiles.fixer).toMatchObject({ preset: 'codex', mode: null, mcp: {} });
});

it('another program has neither, which is said with its line', () => {
  const mode = errorOf(() => read('[agents.coder]\npreset = "codex"\nmode = "yolo"\n'));
  expect(mode.message).toMatch(/config\.toml, line 3: `mode` for the coder, whose preset is "codex": only agents of/);
  const mcp = errorOf(() => read(`[agents.coder]\npreset = "claude"\n${server}`));
  expect(mcp.message).toContain('`mcp` for the coder, whose preset is "claude"');
  const wrong = errorOf(() => read('[agents.coder]\npreset = "acp"\n[agents.coder.mcp.docs]\nurl = "http://x"\n'));
  expect(wrong.message).toContain('agents.coder.mcp.docs');
});

it('acp = true is of programs that have a stream of their own as well, and of no others', () => {
  const { profiles, policy } = read(
    '[agents.default]\npreset = "gemini"\nacp = true\npermissions = "ask"\nmode = "autoEdit"\n[agents.fixer]\npreset = "opencode"\npermissions = "skip"\n[agents.session]\nacp = false\npermissions = "skip"\nmode = ""\n',
  );
  expect(profiles.coder).toMatchObject({ preset: 'gemini-acp', acp: true, mode: 'autoEdit' });
  expect([profiles.fixer.preset, profiles.session.preset]).toEqual(['opencode', 'gemini']);
  expect(policy.roles.reviewer.on).toBe(true);
  const asked = errorOf(() => read('[agents.coder]\npreset = "gemini"\npermissions = "ask"\n'));
  expect(asked.message).toContain('with acp = true it asks');
  for (const preset of ['claude', 'sh', 'copilot', 'acp']) {
    const { message } = errorOf(() => read(`[agents.coder]\npreset = "${preset}"\nacp = true\n`));
    expect(message).toMatch(new RegExp(`line 3: acp = true for the coder, whose preset is "${preset}": `));
  }
  expect(errorOf(() => read('[agents.coder]\npreset = "gemini-acp"\n')).message).toContain('agents.coder.preset');
});

it('qwen judges, whose settings are known by a trial, as opencode and gemini by the protocol do', () => {
  const { policy } = read('[agents.default]\npreset = "qwen"\n[agents.verifier]\npreset = "opencode"\nacp = true\n');
  expect([policy.roles.reviewer.on, policy.roles.verifier.on]).toEqual([true, true]);
});

it('agents of other programs do not judge: their roles are off, and a fallback to one of them is refused with the reason', () => {
  const { policy, profiles } = read('[agents.default]\npreset = "copilot"\n[agents.verifier]\n');
  expect([policy.roles.coder.on, policy.roles.reviewer.on, policy.roles.verifier.on]).toEqual([true, false, false]);
  expect(profiles.reviewer.preset).toBe('copilot');
  const { message } = errorOf(() =>
    read('[agents.reviewer]\npreset = "claude"\nfallback = "spare"\n[agents.spare]\npreset = "goose"\n'),
  );
  expect(message).toContain('spare cannot replace the reviewer: preset "goose" may load settings of the branch');
});
