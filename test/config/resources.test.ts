/** What a profile may take of the machine. */
import { describe, expect, it } from 'vitest';
import { daemonOf, errorOf, repoOf } from '../support/config.ts';

const read = (repo: string, daemon = '') => repoOf(repo, daemonOf(daemon));
const agents = (line: string) => `[agents.default]\n${line}\n`;

describe('nice, memory and processes of a profile', () => {
  it('are the usual ones where nobody names them, and the nearest place that names one counts', () => {
    const usual = read('').profiles.coder;
    expect([usual.nice, usual.memoryBytes, usual.processes, usual.diskBytes]).toEqual([
      0,
      undefined,
      undefined,
      undefined,
    ]);
    const daemon = agents('nice = 10\nmemory = "4GiB"\nprocesses = 200');
    expect(read('', daemon).profiles.coder).toMatchObject({ nice: 10, memoryBytes: 4 * 1024 ** 3, processes: 200 });
    const { coder, reviewer } = read('[agents.reviewer]\nmemory = ""\nprocesses = ""\n', daemon).profiles;
    expect(coder).toMatchObject({ memoryBytes: 4 * 1024 ** 3, processes: 200 });
    expect(reviewer).toMatchObject({ nice: 10, memoryBytes: null, processes: null });
  });

  it.each([
    ['nice = -20', '-20', 'a whole number from 0 to 19'],
    ['nice = "3 apples"', '"3 apples"', 'a whole number from 0 to 19'],
    ['nice = 1e99', '1e+99', 'a whole number from 0 to 19'],
    [
      'memory = "3 apples"',
      '"3 apples"',
      'a size such as "512MiB" or "4GiB", from 64MiB to 64TiB, "auto", or "" for none',
    ],
    ['memory = -1', '-1', 'a size such as "512MiB"'],
    ['memory = 0', '0', 'a size such as "512MiB"'],
    ['memory = "0GiB"', '"0GiB"', 'a size such as "512MiB"'],
    ['memory = "4GB"', '"4GB"', 'a size such as "512MiB"'],
    ['memory = "1e99GiB"', '"1e99GiB"', 'a size such as "512MiB"'],
    ['memory = "999999TiB"', '"999999TiB"', 'a size such as "512MiB"'],
    ['processes = "3 apples"', '"3 apples"', 'a whole number from 16 to 1000000, "auto", or "" for none'],
    ['processes = -1', '-1', 'a whole number from 16 to 1000000'],
    ['processes = 0', '0', 'a whole number from 16 to 1000000'],
    ['processes = 1e99', '1e+99', 'a whole number from 16 to 1000000'],
  ])('%s is refused with its place, what was found and what is accepted', (line, found, accepted) => {
    for (const file of [() => read(agents(line)), () => daemonOf(agents(line))]) {
      const { code, message } = errorOf(file);
      expect(code).toBe('bad_config');
      expect(message).toMatch(/\.toml, line 2: agents\.default\./);
      expect(message).toContain(accepted);
      expect(message).toContain(found);
    }
  });

  it('that a repo chooses itself are shown before it is trusted, and need trust again when they change', () => {
    const four = read(agents('memory = "4GiB"\nprocesses = 200\nnice = 5'), agents('memory = "1GiB"'));
    expect(four.enables).toEqual(['agents: memory up to 4GiB, processes up to 200, nice = 5']);
    const none = read(agents('memory = ""\nprocesses = ""\nnice = 5'), agents('memory = "1GiB"'));
    expect(none.enables).toEqual(['agents: no limit of memory, no limit of processes, nice = 5']);
    expect(none.digest).not.toBe(four.digest);
  });
});
