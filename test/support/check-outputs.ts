/**
 * What checks write that fail, as their tools wrote it (npm, make, gcc, cargo, pytest, pip, CMake, Maven, Vitest, Node: run for this; the others as their
 * documents show it), and the line of each that says why.
 */
export const checkOutputs: readonly { readonly tool: string; readonly why: string; readonly output: string }[] = [
  {
    tool: 'npm-missing-script',
    why: `npm error Missing script: "test"`,
    output: `npm error Missing script: "test"
npm error
npm error To see a list of scripts, run:
npm error   npm run
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-26T03_59_56_750Z-debug-0.log
`,
  },
  {
    tool: 'npm-lint',
    why: `src/a.js:3:1 unexpected token`,
    output: `
> x@1.0.0 lint
> node lint.js

src/a.js:3:1 unexpected token
npm error Lifecycle script \`lint\` failed with error:
npm error code 1
npm error path /tmp/x
npm error workspace x@1.0.0
npm error location /tmp/x
npm error command failed
npm error command sh -c node lint.js
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-26T03_59_56_750Z-debug-0.log
`,
  },
  {
    tool: 'npm-6-lifecycle',
    why: `TypeError: x is not a function`,
    output: `> x@1.0.0 throws /tmp/x
> node boom.js

/tmp/x/boom.js:1
function f(){ throw new TypeError("x is not a function"); } f();
              ^

TypeError: x is not a function
    at f (/tmp/x/boom.js:1:21)
    at Object.<anonymous> (/tmp/x/boom.js:1:61)
npm ERR! code ELIFECYCLE
npm ERR! errno 1
npm ERR! x@1.0.0 throws: \`node boom.js\`
npm ERR! Exit status 1
npm ERR!
npm ERR! Failed at the x@1.0.0 throws script.
npm ERR! This is probably not a problem with npm. There is likely additional logging output above.

npm ERR! A complete log of this run can be found in:
npm ERR!     /root/.npm/_logs/2026-11-26T04_00_29_894Z-debug.log
`,
  },
  {
    tool: 'npm-eresolve',
    why: `npm error ERESOLVE could not resolve`,
    output: `npm error code ERESOLVE
npm error ERESOLVE could not resolve
npm error
npm error While resolving: react-dom@17.0.2
npm error Found: react@18.2.0
npm error
npm error Fix the upstream dependency conflict, or retry
npm error this command with --force or --legacy-peer-deps
npm error to accept an incorrect (and potentially broken) dependency resolution.
npm error
npm error For a full report see:
npm error /root/.npm/_logs/2026-11-26T04_00_29_894Z-eresolve-report.txt
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-26T04_00_29_894Z-debug-0.log
`,
  },
  {
    tool: 'npm-ci-no-lock',
    why: `npm error The \`npm ci\` command can only install with an existing package-lock.json or`,
    output: `npm error code EUSAGE
npm error
npm error The \`npm ci\` command can only install with an existing package-lock.json or
npm error npm-shrinkwrap.json with lockfileVersion >= 1. Run an install with npm@5 or
npm error later to generate a package-lock.json file, then try again.
npm error
npm error Clean install a project
npm error
npm error Usage:
npm error npm ci
npm error
npm error aliases: clean-install, ic, install-clean, isntall-clean
npm error
npm error Run "npm help ci" for more info
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-26T04_00_29_894Z-debug-0.log
`,
  },
  {
    tool: 'node-test-tap',
    why: `not ok 1 - adds`,
    output: `TAP version 13
# Subtest: adds
not ok 1 - adds
  ---
  duration_ms: 1.851917
  location: '/tmp/x/t.test.mjs:2:1'
  failureType: 'testCodeFailure'
  error: |-
    Expected values to be strictly equal:
    
    2 !== 3
    
  code: 'ERR_ASSERTION'
  name: 'AssertionError'
  expected: 3
  actual: 2
  operator: 'strictEqual'
  stack: |-
    TestContext.<anonymous> (file:///tmp/x/t.test.mjs:2:29)
    Test.runInAsyncScope (node:async_hooks:206:9)
    node:internal/test_runner/harness:255:12
  ...
1..1
# tests 1
# pass 0
# fail 1
# duration_ms 2435.407737
`,
  },
  {
    tool: 'npm-program-missing',
    why: `sh: 1: frobnicate: not found`,
    output: `
> x@1.0.0 nofile
> frobnicate --all

sh: 1: frobnicate: not found
npm error Lifecycle script \`nofile\` failed with error:
npm error code 127
npm error A complete log of this run can be found in: /root/.npm/_logs/2026-11-26T04_00_29_894Z-debug-0.log
`,
  },
  {
    tool: 'pnpm-test',
    why: `AssertionError [ERR_ASSERTION]: 2 == 3`,
    output: `> x@1.0.0 test /tmp/x
> node t.js

node:assert:171
  throw err;
  ^

AssertionError [ERR_ASSERTION]: 2 == 3
    at Object.<anonymous> (/tmp/x/t.js:1:27)

Node.js v20.20.2
 ELIFECYCLE  Test failed. See above for more details.
`,
  },
  {
    tool: 'pnpm-missing-script',
    why: `ERR_PNPM_NO_SCRIPT Missing script: tset`,
    output: ` ERR_PNPM_NO_SCRIPT  Missing script: tset

Command "tset" not found. Did you mean "pnpm run test"?
`,
  },
  {
    tool: 'pnpm-recursive',
    why: `packages/a test: src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.`,
    output: `Scope: 2 of 3 workspace projects
packages/a test$ tsc --noEmit
packages/a test: src/a.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.
packages/a test: Failed
/tmp/x/packages/a:
 ERR_PNPM_RECURSIVE_RUN_FIRST_FAIL  a@1.0.0 test: \`tsc --noEmit\`
Exit status 2
 WARN   Local package.json exists, but node_modules missing, did you mean to install?
`,
  },
  {
    tool: 'yarn-1',
    why: `● adds`,
    output: `yarn run v1.22.22
$ jest
FAIL ./a.test.js
  ● adds

    expect(received).toBe(expected) // Object.is equality

    Expected: 3
    Received: 2

      at Object.toBe (a.test.js:1:32)

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 total
Snapshots:   0 total
Time:        0.5 s
Ran all test suites.
error Command failed with exit code 1.
info Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command.
`,
  },
  {
    tool: 'yarn-1-missing',
    why: `error Command "tset" not found.`,
    output: `yarn run v1.22.22
error Command "tset" not found.
info Visit https://yarnpkg.com/en/docs/cli/run for documentation about this command.
`,
  },
  {
    tool: 'yarn-berry',
    why: `Usage Error: Couldn't find a script named "tset".`,
    output: `Usage Error: Couldn't find a script named "tset".

$ yarn run [--inspect] [--inspect-brk] [-T,--top-level] [-B,--binaries-only] [--require #0] <scriptName> ...
`,
  },
  {
    tool: 'yarn-berry-install',
    why: `➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.`,
    output: `➤ YN0000: ┌ Resolution step
➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.
➤ YN0000: └ Completed
➤ YN0000: · Failed with errors in 0s 70ms
`,
  },
  {
    tool: 'make-gcc',
    why: `a.c:1:20: error: ‘x’ undeclared (first use in this function)`,
    output: `gcc -c a.c
a.c: In function ‘main’:
a.c:1:20: error: ‘x’ undeclared (first use in this function)
    1 | int main(){ return x; }
      |                    ^
a.c:1:20: note: each undeclared identifier is reported only once for each function it appears in
make[1]: *** [Makefile:5: build] Error 1
make[1]: Leaving directory '/tmp/x'
make: *** [Makefile:2: all] Error 2
make: Target 'test' not remade because of errors.
`,
  },
  {
    tool: 'make-no-target',
    why: `make: *** No rule to make target 'tset'. Stop.`,
    output: `building first
make: *** No rule to make target 'tset'.  Stop.
`,
  },
  {
    tool: 'make-missing-program',
    why: `make: ./nothing: No such file or directory`,
    output: `gcc -c a.c
echo testing
testing
./nothing
make: ./nothing: No such file or directory
make: *** [Makefile:3: test] Error 127
`,
  },
  {
    tool: 'linker',
    why: `b.c:(.text+0x5): undefined reference to \`foo'`,
    output: `/usr/bin/ld: /tmp/ccTzUoPT.o: in function \`main':
b.c:(.text+0x5): undefined reference to \`foo'
collect2: error: ld returned 1 exit status
make: *** [Makefile:2: b] Error 1
`,
  },
  {
    tool: 'cargo-build',
    why: `error[E0277]: cannot add \`&str\` to \`u64\``,
    output: `   Compiling x v0.1.0 (/tmp/x)
error[E0277]: cannot add \`&str\` to \`u64\`
 --> src/lib.rs:1:31
  |
1 | pub fn add(a: u64) -> u64 { a + "1" }
  |                               ^ no implementation for \`u64 + &str\`
  |
  = help: the trait \`Add<&str>\` is not implemented for \`u64\`
help: the following other types implement trait \`Add<Rhs>\`
  = note: \`&u64\` implements \`Add\`
  = note: this error originates in the macro \`add_impl\` (in Nightly builds, run with -Z macro-backtrace for more info)

For more information about this error, try \`rustc --explain E0277\`.
error: could not compile \`x\` (lib) due to 1 previous error
`,
  },
  {
    tool: 'cargo-test',
    why: `assertion \`left == right\` failed`,
    output: `running 1 test
test t::adds ... FAILED

failures:

---- t::adds stdout ----

thread 't::adds' (23367) panicked at src/lib.rs:3:29:
assertion \`left == right\` failed
  left: 1
 right: 2
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/59807616/library/std/src/panicking.rs:689:5
note: Some details are omitted, run with \`RUST_BACKTRACE=full\` for a verbose backtrace.


failures:
    t::adds

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.83s

error: test failed, to rerun pass \`--lib\`
`,
  },
  {
    tool: 'cargo-panic',
    why: `thread 'main' (1) panicked at src/main.rs:2:5: no key is configured`,
    output: `     Running \`target/debug/x\`

thread 'main' (1) panicked at src/main.rs:2:5:
no key is configured
note: run with \`RUST_BACKTRACE=1\` environment variable to display a backtrace
`,
  },
  {
    tool: 'go-test',
    why: `--- FAIL: TestAdds (0.00s): a_test.go:5: expected 3, got 2`,
    output: `--- FAIL: TestAdds (0.00s)
    a_test.go:5: expected 3, got 2
FAIL
exit status 1
FAIL	x	0.003s
`,
  },
  {
    tool: 'go-build',
    why: `./a.go:3:28: cannot use "a" (untyped string constant) as int value in return statement`,
    output: `# x
./a.go:3:28: cannot use "a" (untyped string constant) as int value in return statement
FAIL	x [build failed]
`,
  },
  {
    tool: 'go-no-module',
    why: `go: cannot find main module, but found .git/config in /tmp/x`,
    output: `go: cannot find main module, but found .git/config in /tmp/x
	to create a module there, run:
	go mod init
`,
  },
  {
    tool: 'pytest',
    why: `FAILED test_b.py::test_c - ValueError: no such key`,
    output: `=================================== FAILURES ===================================
____________________________________ test_c ____________________________________

    def test_c():
>       raise ValueError("no such key")
E       ValueError: no such key

test_b.py:5: ValueError
=========================== short test summary info ============================
FAILED test_b.py::test_b - assert 1 == 2
FAILED test_b.py::test_c - ValueError: no such key
============================== 2 failed in 29.30s ==============================
`,
  },
  {
    tool: 'pytest-collect',
    why: `E ModuleNotFoundError: No module named 'nope'`,
    output: `==================================== ERRORS ====================================
__________________________ ERROR collecting test_a.py __________________________
ImportError while importing test module '/tmp/x/test_a.py'.
Hint: make sure your test modules/packages have valid Python names.
Traceback:
test_a.py:1: in <module>
    import nope
E   ModuleNotFoundError: No module named 'nope'
=========================== short test summary info ============================
ERROR test_a.py
!!!!!!!!!!!!!!!!!!!! Interrupted: 1 error during collection !!!!!!!!!!!!!!!!!!!!
============================== 1 error in 27.33s ===============================
`,
  },
  {
    tool: 'pytest-no-file',
    why: `ERROR: file or directory not found: nofile.py`,
    output: `============================= test session starts ==============================
collected 0 items

============================ no tests ran in 23.84s ============================
ERROR: file or directory not found: nofile.py

`,
  },
  {
    tool: 'unittest',
    why: `ModuleNotFoundError: No module named 'nope'`,
    output: `E
======================================================================
ERROR: nope (unittest.loader._FailedTest.nope)
----------------------------------------------------------------------
ImportError: Failed to import test module: nope
Traceback (most recent call last):
  File "/usr/lib/python3.11/unittest/loader.py", line 162, in loadTestsFromName
    module = __import__(module_name)
             ^^^^^^^^^^^^^^^^^^^^^^^
ModuleNotFoundError: No module named 'nope'


----------------------------------------------------------------------
Ran 1 test in 0.000s

FAILED (errors=1)
`,
  },
  {
    tool: 'pip',
    why: `ERROR: Could not find a version that satisfies the requirement nopackage-x (from versions: none)`,
    output: `Looking in links: /opt/wheels
ERROR: Could not find a version that satisfies the requirement nopackage-x (from versions: none)
ERROR: No matching distribution found for nopackage-x
[notice] A new release of pip is available: 23.2.1 -> 25.0
`,
  },
  {
    tool: 'ruff',
    why: `a.py:1:8: F401 [*] \`os\` imported but unused`,
    output: `a.py:1:8: F401 [*] \`os\` imported but unused
Found 1 error.
[*] 1 fixable with the \`--fix\` option.
`,
  },
  {
    tool: 'gradle-test',
    why: `org.opentest4j.AssertionFailedError: expected: <3> but was: <2>`,
    output: `> Task :compileJava UP-TO-DATE
> Task :test FAILED

ATest > adds() FAILED
    org.opentest4j.AssertionFailedError: expected: <3> but was: <2>
        at app//ATest.adds(ATest.java:6)

1 test completed, 1 failed

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':test'.
> There were failing tests. See the report at: file:///tmp/x/build/reports/tests/test/index.html

* Try:
> Run with --scan to get full insights.

BUILD FAILED in 1s
3 actionable tasks: 1 executed, 2 up-to-date
`,
  },
  {
    tool: 'gradle-compile',
    why: `/tmp/x/A.java:1: error: incompatible types: String cannot be converted to int`,
    output: `> Task :compileJava FAILED
/tmp/x/A.java:1: error: incompatible types: String cannot be converted to int
class A { int x = "a"; }
                  ^
1 error

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':compileJava'.
> Compilation failed; see the compiler error output for details.

* Try:
> Run with --info option to get more log output.
> Get more help at https://help.gradle.org.

BUILD FAILED in 800ms
1 actionable task: 1 executed
`,
  },
  {
    tool: 'gradle-no-task',
    why: `Task 'tset' not found in root project 'x'.`,
    output: `FAILURE: Build failed with an exception.

* What went wrong:
Task 'tset' not found in root project 'x'.

* Try:
> Run gradlew tasks to get a list of available tasks.
> Run with --stacktrace option to get the stack trace.
> Get more help at https://help.gradle.org.

BUILD FAILED in 412ms
`,
  },
  {
    tool: 'maven-compile',
    why: `[ERROR] /tmp/x/src/main/java/A.java:[1,19] incompatible types: java.lang.String cannot be converted to int`,
    output: `[INFO] Scanning for projects...
[INFO] -------------------------------------------------------------
[ERROR] COMPILATION ERROR : 
[INFO] -------------------------------------------------------------
[ERROR] /tmp/x/src/main/java/A.java:[1,19] incompatible types: java.lang.String cannot be converted to int
[INFO] 1 error
[INFO] BUILD FAILURE
[INFO] Total time:  1.783 s
[INFO] Finished at: 2026-11-26T04:06:34Z
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.11.0:compile (default-compile) on project b: Compilation failure
[ERROR] 
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
[ERROR] Re-run Maven using the -X switch to enable full debug logging.
[ERROR] 
[ERROR] For more information about the errors and possible solutions, please read the following articles:
[ERROR] [Help 1] http://cwiki.apache.org/confluence/display/MAVEN/MojoFailureException
`,
  },
  {
    tool: 'maven-offline',
    why: `[ERROR] Failed to execute goal org.apache.maven.plugins:maven-resources-plugin:2.6:resources (default-resources) on project b: Cannot access central in offline mode -> [Help 1]`,
    output: `[INFO] BUILD FAILURE
[INFO] Total time:  1.783 s
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-resources-plugin:2.6:resources (default-resources) on project b: Cannot access central in offline mode -> [Help 1]
[ERROR] 
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
[ERROR] Re-run Maven using the -X switch to enable full debug logging.
[ERROR] [Help 1] http://cwiki.apache.org/confluence/display/MAVEN/PluginResolutionException
`,
  },
  {
    tool: 'cmake',
    why: `CMake Error at CMakeLists.txt:5 (find_package): By not providing "FindNope.cmake" in CMAKE_MODULE_PATH this project has`,
    output: `-- Detecting C compile features - done
CMake Error at CMakeLists.txt:5 (find_package):
  By not providing "FindNope.cmake" in CMAKE_MODULE_PATH this project has
  asked CMake to find a package configuration file provided by "Nope", but
  CMake did not find one.


-- Configuring incomplete, errors occurred!
See also "/tmp/x/b/CMakeFiles/CMakeOutput.log".
`,
  },
  {
    tool: 'ctest',
    why: `1 - a (Failed)`,
    output: `Test project /tmp/x/b
    Start 1: a
1/1 Test #1: a ................................***Failed    0.09 sec

0% tests passed, 1 tests failed out of 1

Total Test time (real) =   0.09 sec

The following tests FAILED:
	  1 - a (Failed)
Errors while running CTest
Output from these tests are in: /tmp/x/b/Testing/Temporary/LastTest.log
Use "--rerun-failed --output-on-failure" to re-run the failed cases verbosely.
`,
  },
  {
    tool: 'vitest',
    why: `AssertionError: expected { a: 1 } to deeply equal { a: 2 }`,
    output: ` FAIL  a.test.ts > snaps
AssertionError: expected { a: 1 } to deeply equal { a: 2 }

- Expected
+ Received

  {
-   "a": 2,
+   "a": 1,
  }

 ❯ a.test.ts:3:35
      1| import { it, expect } from 'vitest';

⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[2/2]⎯


 Test Files  1 failed (1)
      Tests  2 failed (2)
   Start at  04:05:55
   Duration  2.82s (transform 83ms, setup 0ms, import 218ms, tests 79ms, environment 0ms)

`,
  },
  {
    tool: 'eslint',
    why: `3:1 error 'x' is not defined no-undef`,
    output: `
/tmp/x/a.js
  3:1  error  'x' is not defined  no-undef

✖ 1 problem (1 error, 0 warnings)

`,
  },
  {
    tool: 'dotnet-build',
    why: `/tmp/x/A.cs(1,5): error CS0103: The name 'x' does not exist in the current context [/tmp/x/a.csproj]`,
    output: `  Determining projects to restore...
/tmp/x/A.cs(1,5): error CS0103: The name 'x' does not exist in the current context [/tmp/x/a.csproj]

Build FAILED.

    0 Warning(s)
    1 Error(s)

Time Elapsed 00:00:01.23
`,
  },
  {
    tool: 'dotnet-test',
    why: `Assert.Equal() Failure: Values differ`,
    output: `  Failed ATest.Adds [3 ms]
  Error Message:
   Assert.Equal() Failure: Values differ
Expected: 3
Actual:   2
  Stack Trace:
     at ATest.Adds() in /tmp/x/ATest.cs:line 6

Failed!  - Failed:     1, Passed:     0, Skipped:     0, Total:     1, Duration: 3 ms - a.dll (net8.0)
`,
  },
  {
    tool: 'rspec',
    why: `Failure/Error: expect(1 + 1).to eq 3`,
    output: `F

Failures:

  1) adds
     Failure/Error: expect(1 + 1).to eq 3

       expected: 3
            got: 2

Finished in 0.01 seconds (files took 0.05 seconds to load)
1 example, 1 failure

Failed examples:

rspec ./a_spec.rb:1 # adds
`,
  },
  {
    tool: 'phpunit',
    why: `Failed asserting that 2 matches expected 3.`,
    output: `There was 1 failure:

1) ATest::testAdds
Failed asserting that 2 matches expected 3.

/tmp/x/ATest.php:6

FAILURES!
Tests: 1, Assertions: 1, Failures: 1.
`,
  },
  {
    tool: 'deno',
    why: `error: AssertionError: Values are not equal.`,
    output: ` ERRORS

adds => ./a_test.ts:1:6
error: AssertionError: Values are not equal.
    throw new AssertionError(message);
          ^
    at assertEquals (https://deno.land/std/assert/assert_equals.ts:51:9)

 FAILURES

adds => ./a_test.ts:1:6

FAILED | 0 passed | 1 failed (3ms)

error: Test failed
`,
  },
  {
    tool: 'bun-script',
    why: `error: expect(received).toBe(expected)`,
    output: `$ bun test
a.test.ts:
error: expect(received).toBe(expected)

Expected: 3
Received: 2

(fail) adds [0.10ms]

 0 pass
 1 fail
Ran 1 test across 1 file. [8.00ms]
error: script "test" exited with code 1
`,
  },
];
