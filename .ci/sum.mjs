// Adds up vitest's JSON reports and the steps that failed, prints `N passed, N failed`, and exits by it. Plain
// JavaScript for the system's Node: it must speak even where nothing could be installed.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const [failedSteps, folder] = [Number(process.argv[2]), process.argv[3]];
let passed = 0;
let failedTests = 0;
let skipped = 0;
for (const name of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
  passed += report.numPassedTests;
  failedTests += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
}
// A step fails because its tests did, or for a reason of its own; it is counted only where no test tells.
const failed = Math.max(failedTests, failedSteps);
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
