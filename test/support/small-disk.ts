// A small file system of its own, to be filled up: a tmpfs, which takes the right to mount.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly directory: string;
  /** To the last octet. */
  fill(): void;
  makeRoom(): void;
  remove(): void;
}

export function mountDisk(mebibytes: number): SmallDisk {
  const directory = mkdtempSync(join(tmpdir(), 'mxctl-disk-'));
  execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'tmpfs', directory], {
    stdio: 'ignore',
  });
  const filler = join(directory, 'filler');
  return {
    directory,
    fill: () => {
      try {
        writeFileSync(filler, Buffer.alloc((mebibytes + 1) * 1024 * 1024));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
        throw error;
      }
      throw new Error('the disk is larger than it should be');
    },
    makeRoom: () => {
      rmSync(filler);
    },
    remove: () => {
      execFileSync('/bin/umount', [directory]);
      rmSync(directory, { recursive: true });
    },
  };
}

/** Why none can be made here; null = one can. */
export const diskMissing = whatIsMissing();

function whatIsMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return '(needs root on Linux, to mount)';
  try {
    mountDisk(1).remove();
    return null;
  } catch {
    return '(may not mount here)';
  }
}
