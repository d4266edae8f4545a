/** No program inside walls reaches the kernel's keyrings, and child processes of a judge cannot change its program, and so cannot forge a verdict. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemCallFilter } from '../../runtime/work/sandbox/program-guard.ts';
import { begin, ground, planText, startEngine, untilBlocked } from '../support/engine.ts';
import { noWallsHere } from '../support/walls.ts';

const python = '/usr/bin/python3';
const hasPython = spawnSync(python, ['-c', 'import ctypes']).status === 0;
const x64 = process.arch === 'x64';

/** Prints which attacks work on its parent, which has printed the address of a word in its memory. */
const attack = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid, at = os.getppid(), int(sys.argv[1])
ptrace, writev, getfd, tgkill, fcntl = ${x64 ? '101, 311, 438, 234, 72' : '117, 271, 438, 131, 25'}
class Part(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
def tell(name, did): print(name, "did" if did else "not")
def opened():
    try:
        with open("/proc/%d/mem" % pid, "r+b", 0) as memory:
            memory.seek(at)
            return memory.write(b"forged") == 6
    except OSError:
        return False
word = ctypes.create_string_buffer(b"forged")
here, there = Part(ctypes.cast(word, ctypes.c_void_p), 6), Part(at, 6)
tell("trace", libc.syscall(ptrace, 0x4206, pid, 0, 0) == 0)
tell("write", libc.syscall(writev, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) == 6)
tell("memory", opened())
tell("take", libc.syscall(getfd, libc.syscall(434, pid, 0), 1, 0) >= 0)
tell("debugger", libc.kill(pid, 10) == 0)
tell("thread", libc.syscall(tgkill, pid, pid, 10) == 0)
tell("queue", libc.syscall(424, libc.syscall(434, pid, 0), 10, 0, 0) == 0)
tell("set", libc.syscall(fcntl, 0, 10, 10) == 0)
tell("asked", libc.kill(pid, 0) == 0 and libc.kill(os.getpid(), 28) == 0)
`;

const judge = `#!${python}
import ctypes, signal, subprocess, sys
signal.signal(signal.SIGUSR1, lambda *_: None)
word = ctypes.create_string_buffer(b"honest", 16)
print(subprocess.run([sys.executable, "-c", """${attack}""", str(ctypes.addressof(word))], stdout=subprocess.PIPE, text=True).stdout.replace("\\n", ", "), word.value.decode())
sys.exit(1)
`;

describe.skipIf(noWallsHere !== null || !hasPython || !['x64', 'arm64'].includes(process.arch))(
  'what a judge starts',
  () => {
    it('inside walls neither traces it, nor writes into its memory, takes its files or opens its debugger', async () => {
      const on = ground();
      const program = join(on.root, 'judge.py');
      writeFileSync(program, judge, { mode: 0o755 });
      const engine = await startEngine({
        on,
        daemon: 'auto_review_fix = false\n',
        agents: {
          default: { preset: 'sh', attempts: 1, sandbox: 'bwrap' },
          reviewer: { preset: 'command', program, attempts: 1, sandbox: 'bwrap' },
        },
      });
      // A coder, too, gets no keyring: a process inherits that of the engine.
      const keyctl = `import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(${x64 ? 250 : 219}, 0, -3, 1) != -1)`;
      await begin(engine, 'login', planText([`${python} -c '${keyctl}' && echo a > a.txt`]));
      const { blocked } = await untilBlocked(engine, 'login');
      const closed = ['trace', 'write', 'memory', 'take', 'debugger', 'thread', 'queue', 'set'].map(
        (name) => `${name} not`,
      );
      expect(blocked?.reason).toContain([...closed, 'asked did', ' honest'].join(', '));
    });
  },
);

/** The filter's decision about a call: the kernel's interpreter, as far as these filters use it. */
function answerOf(filter: Buffer, call: { arch: number; number: number; args?: readonly number[] }): string {
  const { arch, number, args = [] } = call;
  const words = new Map([[0, number], [4, arch], ...args.map((arg, index) => [16 + 8 * index, arg] as const)]);
  let loaded = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const [code, ifTrue, ifFalse, value] = [
      filter.readUInt16LE(at),
      filter.readUInt8(at + 2),
      filter.readUInt8(at + 3),
      filter.readUInt32LE(at + 4),
    ];
    if (code === 0x06) return value === 0x7fff0000 ? 'allowed' : `refused ${value - 0x00050000}`;
    if (code === 0x20) loaded = words.get(value) ?? 0;
    else at += 8 * ((code === 0x15 ? loaded === value : loaded >= value) ? ifTrue : ifFalse);
  }
  return 'fell off its end';
}

describe('the filter of system calls', () => {
  it.each([
    ['x64', 'its own trace', { arch: 0xc000003e, number: 101 }, 'refused 1'],
    ['x64', 'a 32-bit trace', { arch: 0x40000003, number: 26 }, 'refused 1'],
    ['x64', 'a trace by x32', { arch: 0xc000003e, number: 0x40000000 + 521 }, 'refused 38'],
    ['x64', 'SIGUSR1', { arch: 0xc000003e, number: 62, args: [7, 10] }, 'refused 1'],
    ['x64', 'SIGTERM', { arch: 0xc000003e, number: 62, args: [7, 15] }, 'allowed'],
    ['x64', 'process 10 a SIGTERM', { arch: 0xc000003e, number: 62, args: [10, 15] }, 'allowed'],
    ['x64', 'another fcntl', { arch: 0xc000003e, number: 72, args: [1, 4, 10] }, 'allowed'],
    ['x64', 'a 32-bit fcntl', { arch: 0x40000003, number: 221, args: [1, 10, 10] }, 'refused 1'],
    ['x64', 'a read', { arch: 0xc000003e, number: 0 }, 'allowed'],
    ['x64', 'an unknown way in', { arch: 1, number: 0 }, 'refused 38'],
    ['arm64', 'its own trace', { arch: 0xc00000b7, number: 117 }, 'refused 1'],
    ['arm64', 'a thread’s SIGUSR1', { arch: 0xc00000b7, number: 131, args: [7, 7, 10] }, 'refused 1'],
    ['arm64', 'a 32-bit write into memory', { arch: 0x40000028, number: 377 }, 'refused 1'],
    ['arm64', 'what is a trace elsewhere', { arch: 0xc00000b7, number: 101 }, 'allowed'],
    ['arm64', 'a 32-bit look at keys', { arch: 0x40000028, number: 311 }, 'refused 1'],
  ])('of %s answers to %s', (architecture, _call, call, answer) => {
    expect(answerOf(systemCallFilter(architecture, { guardsProgram: true }) ?? Buffer.alloc(0), call)).toBe(answer);
  });

  it('is null for an architecture whose call numbers are unknown', () => {
    expect(systemCallFilter('riscv64', { guardsProgram: true })).toBeNull();
  });

  it('refuses others than judges the keyrings alone', () => {
    const filter = systemCallFilter('x64', { guardsProgram: false }) ?? Buffer.alloc(0);
    const answers = [248, 249, 250, 101, 62].map((number) => answerOf(filter, { arch: 0xc000003e, number }));
    expect(answers).toEqual(['refused 1', 'refused 1', 'refused 1', 'allowed', 'allowed']);
  });
});
