/**
 * Reads vitest's JSON reports of one run of the tests.
 *   node .ci/report.cjs failed <report>                       the files that failed, a line each
 *   node .ci/report.cjs count <broken> [<report> <exit> <again>]...
 *                                                             which tests are flaky, then "N passed, N failed"
 * `broken`: how many other steps failed. `exit`: the exit code of the tests. `again`: the report of the failed files alone.
 */
const { existsSync, readFileSync } = require('node:fs');
const { relative } = require('node:path');

function read(path) {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text === '' ? null : JSON.parse(text);
}

function failedFiles(report) {
  return (report?.testResults ?? []).filter(({ status }) => status === 'failed').map(({ name }) => relative('.', name));
}

/** Each test by its file and name, with its first failure message. */
function testsOf(report) {
  const tests = new Map();
  for (const { name, assertionResults } of report?.testResults ?? []) {
    for (const test of assertionResults) {
      const title = `${relative('.', name)} > ${test.fullName}`;
      tests.set(title, { title, status: test.status, why: test.failureMessages[0]?.split('\n')[0] });
    }
  }
  return [...tests.values()];
}

function countsOf(report, exit, again) {
  // A test that ran again counts with its second result.
  const final = new Map([...testsOf(report), ...testsOf(again)].map((test) => [test.title, test]));
  const passed = [...final.values()].filter(({ status }) => status === 'passed').length;
  const failed = [...final.values()].filter(({ status }) => status === 'failed').length;
  // A file that cannot be loaded has no failed test, and neither has an error outside of the tests.
  const left = failedFiles(report).length > 0 ? failedFiles(again ?? report).length : Number(exit !== '0');
  return { passed, failed: Math.max(failed, left) };
}

/** The tests that failed, and passed when their file ran again alone. */
function flakyIn(report, again) {
  const passedAgain = new Set(
    testsOf(again)
      .filter(({ status }) => status === 'passed')
      .map(({ title }) => title),
  );
  const flaky = testsOf(report).filter(({ status, title }) => status === 'failed' && passedAgain.has(title));
  return flaky.map(({ title, why }) => `flaky, passed alone: ${title}: ${why}`);
}

const [, , verb, ...rest] = process.argv;
if (verb === 'failed') {
  for (const file of failedFiles(read(rest[0]))) console.log(file);
} else {
  const [broken, ...parts] = rest;
  const sum = { passed: 0, failed: Number(broken) };
  for (let at = 0; at < parts.length; at += 3) {
    const [report, again] = [read(parts[at]), read(parts[at + 2])];
    for (const line of flakyIn(report, again)) console.log(line);
    const { passed, failed } = countsOf(report, parts[at + 1], again);
    sum.passed += passed;
    sum.failed += failed;
  }
  console.log(`${sum.passed} passed, ${sum.failed} failed`);
  process.exitCode = sum.failed === 0 ? 0 : 1;
}
