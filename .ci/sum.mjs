// Adds up vitest's JSON reports and the steps that failed, prints `N passed, N failed`, and exits by it. Plain
// JavaScript for the system's Node: it must speak even where nothing could be installed.
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const [folder, ...failedSteps] = process.argv.slice(2);
let [passed, failed, skipped] = [0, 0, 0];
const told = new Set();
for (const file of readdirSync(folder)) {
  const report = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
  if (report.numFailedTests > 0) told.add(path.basename(file, '.json'));
}
// A step that failed though none of its tests did (a linter, a suite that cannot be loaded) counts as one.
failed += failedSteps.filter((name) => !told.has(name)).length;
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
