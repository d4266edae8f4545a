/**
 * A system call filter in bubblewrap's form. It closes the kernel's keyrings to every program inside walls: a process inherits the session keyring of the
 * engine, and no namespace hides the keys in it.
 *
 * With `guardsProgram` it also protects a program from its own child processes, together with a read-only `/proc`. Everything inside runs as one user, so
 * without this the kernel would let a test of the branch trace its judge, write into its memory, take its open files, or open the debugger that Node starts
 * on SIGUSR1.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunFolder, writeStartFile } from '../agents/run-folder.ts';

export interface GuardWords {
  /** The part of the command before bubblewrap: it opens the filter, and the file in which bubblewrap reports. */
  readonly outside: readonly string[];
  /** Arguments of bubblewrap, after those that make `/proc`. */
  readonly walls: readonly string[];
}

export interface GuardOptions {
  readonly guardsProgram: boolean;
}

/** The file descriptor from which bubblewrap reads the filter, and the one to which it writes its report. No program inside has them. */
const filterFd = '9';
const reportFd = '8';
/** Outside of the walls. */
const reportFile = ({ path }: Pick<RunFolder, 'path'>) => join(path, 'walls.json');

/** Whether the walls were built and the program inside was started. It is certain once bubblewrap has ended. */
export function wasStartedInside(run: Pick<RunFolder, 'path'>): boolean {
  const file = reportFile(run);
  // It reports an exit code only of a program that it has started.
  return existsSync(file) && readFileSync(file, 'utf8').includes('"exit-code"');
}

/** Throws the home's errors. */
export function guardWords(run: RunFolder, how: GuardOptions): GuardWords {
  // A filter cannot distinguish the system calls that write into `/proc/<pid>/mem`.
  const readOnly = how.guardsProgram ? ['--remount-ro', '/proc'] : [];
  const filter = systemCallFilter(process.arch, how);
  const file = join(run.path, 'system-calls.bpf');
  if (filter !== null) writeStartFile(file, filter);
  const opened = filter === null ? '' : ` ${filterFd}<"$2"`;
  return {
    outside: ['/bin/sh', '-c', `exec ${reportFd}>"$1"${opened}; shift 2; exec "$@"`, 'sh', reportFile(run), file],
    walls: [...readOnly, ...(filter === null ? [] : ['--seccomp', filterFd]), '--json-status-fd', reportFd],
  };
}

/** System call numbers of one ABI. */
interface Calls {
  /** The kernel's constant for the architecture: linux/audit.h. */
  readonly audit: number;
  /** Numbers from here on belong to another ABI that no program uses: refused as not implemented. */
  readonly foreignFrom?: number;
  /** `add_key`, `request_key` and `keyctl`. */
  readonly keys: readonly number[];
  readonly ptrace: number;
  readonly processVmWritev: number;
  readonly pidfdGetfd: number;
  /** Calls that send a signal, with the position of its number among the arguments. */
  readonly signals: readonly (readonly [call: number, argument: number])[];
  readonly fcntl: readonly number[];
}

/** `pidfd_send_signal` and `pidfd_getfd` have the same number on all architectures. */
const pidfdSendSignal = [424, 1] as const;
const pidfdGetfd = 438;

/** From the kernel's own tables: arch/x86/entry/syscalls/, include/uapi/asm-generic/unistd.h, arch/arm/tools/syscall.tbl. */
const x64: Calls = {
  audit: 0xc000003e,
  foreignFrom: 0x40000000,
  keys: [248, 249, 250],
  ...{ ptrace: 101, processVmWritev: 311, pidfdGetfd, fcntl: [72] },
  signals: [[62, 1], [200, 1], [234, 2], [129, 1], [297, 2], pidfdSendSignal],
};
const x32Bit: Calls = {
  audit: 0x40000003,
  keys: [286, 287, 288],
  ...{ ptrace: 26, processVmWritev: 348, pidfdGetfd, fcntl: [55, 221] },
  signals: [[37, 1], [238, 1], [270, 2], [178, 1], [335, 2], pidfdSendSignal],
};
const arm64: Calls = {
  audit: 0xc00000b7,
  keys: [217, 218, 219],
  ...{ ptrace: 117, processVmWritev: 271, pidfdGetfd, fcntl: [25] },
  signals: [[129, 1], [130, 1], [131, 2], [138, 1], [240, 2], pidfdSendSignal],
};
const arm32Bit: Calls = {
  audit: 0x40000028,
  keys: [309, 310, 311],
  ...{ ptrace: 26, processVmWritev: 377, pidfdGetfd, fcntl: [55, 221] },
  signals: [[37, 1], [238, 1], [268, 2], [178, 1], [363, 2], pidfdSendSignal],
};
const waysIn: Readonly<Record<string, readonly Calls[]>> = { x64: [x64, x32Bit], arm64: [arm64, arm32Bit] };

const sigusr1 = 10;
const fSetsig = 10;
const eperm = 1;
const enosys = 38;

/** null: stator does not know that architecture. */
export function systemCallFilter(architecture: string, { guardsProgram }: GuardOptions): Buffer | null {
  const ways = waysIn[architecture];
  if (ways === undefined) return null;
  const sections = ways.map((calls) => [
    ...keysSectionOf(calls),
    ...(guardsProgram ? guardSectionOf(calls) : []),
    allow,
  ]);
  const program: Instruction[] = [load(4)];
  // A jump goes over 255 instructions at most; a section has fewer.
  for (const [index, section] of sections.entries()) {
    const { audit } = ways[index] as Calls; // both lists have the same length
    program.push(skipUnless(audit, section.length), ...section);
  }
  return bytesOf([...program, refuse(enosys)]);
}

/** Leaves the number of the call loaded. */
function keysSectionOf({ foreignFrom, keys }: Calls): Instruction[] {
  return [
    load(0),
    ...(foreignFrom === undefined ? [] : [skipUnlessFrom(foreignFrom, 1), refuse(enosys)]),
    ...keys.flatMap((call) => [skipUnless(call, 1), refuse(eperm)]),
  ];
}

function guardSectionOf({ ptrace, processVmWritev, pidfdGetfd: getfd, signals, fcntl }: Calls): Instruction[] {
  return [
    ...[ptrace, processVmWritev, getfd].flatMap((call) => [skipUnless(call, 1), refuse(eperm)]),
    ...signals.flatMap(([call, argument]) => refusedIf(call, [[argument, sigusr1]])),
    ...fcntl.flatMap((call) =>
      refusedIf(call, [
        [1, fSetsig],
        [2, sigusr1],
      ]),
    ),
  ];
}

/** Refuses a call with these arguments; other calls continue with their number loaded. */
function refusedIf(call: number, values: readonly (readonly [argument: number, value: number])[]): Instruction[] {
  const looks = values.flatMap(([argument, value], index) => [
    load(16 + 8 * argument),
    skipUnless(value, 2 * (values.length - index - 1) + 1),
  ]);
  return [skipUnless(call, looks.length + 2), ...looks, refuse(eperm), load(0)];
}

/** One instruction of the kernel's classic BPF: linux/filter.h. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const allow: Instruction = [0x06, 0, 0, 0x7fff0000];
const refuse = (errno: number): Instruction => [0x06, 0, 0, 0x00050000 + errno];
/** Loads a word of the kernel's data about the call; for an argument the lower half, on a little-endian machine. */
const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const skipUnless = (value: number, count: number): Instruction => [0x15, 0, count, value];
const skipUnlessFrom = (value: number, count: number): Instruction => [0x35, 0, count, value];

function bytesOf(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
