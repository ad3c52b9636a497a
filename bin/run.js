#!/usr/bin/env node
// Starts oclif. What fails outside a command leaves in the same form as what fails inside.
import module from 'node:module';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `error: mxctl needs Node 22.18 or newer, this is ${process.version}\n` +
      'In a checkout: npx mxctl ... (npm ci has put a newer one into node_modules)\n',
  );
  process.exit(78);
}

module.enableCompileCache?.();
const { run } = await import('@oclif/core');
const { flushStreams, tolerateClosedPipes } = await import('../dist/front/output.js');

let isReporting = false;
const report = async (error) => {
  if (isReporting) return;
  isReporting = true;
  try {
    const { reportOutside } = await import('../dist/front/outside.js');
    await reportOutside(error, process.argv.slice(2));
  } catch (another) {
    // A broken installation: what reports failures is itself not there.
    process.stderr.write(`error: ${error}\n${another}\n`, () => process.exit(1));
  }
};

tolerateClosedPipes();
process.on('uncaughtException', report);
try {
  await run(process.argv.slice(2), import.meta.url);
} catch (error) {
  await report(error);
}
await flushStreams();
// A socket that some server keeps half open must not keep a finished command, and cron's lock, alive.
process.exit();
