// Where the program under test is.

import path from 'node:path';

export const projectRoot = path.resolve(import.meta.dirname, '../..');
export const program = path.join(projectRoot, 'bin/run.js');
