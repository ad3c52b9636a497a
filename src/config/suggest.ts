// "Did you mean": the nearest of a few names.

/** Longer words are not typing errors of a key; it also bounds the quadratic work. */
const maxLength = 64;

/** Edits between two words, a swap of neighbours counted once (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}

/** The candidate that `given` was probably meant to be; null where none is near. Hyphen, case and space are no edits. */
export function nearest(given: string, candidates: Iterable<string>): string | null {
  if (given.length > maxLength) return null;
  const plain = (text: string) => text.toLowerCase().replace(/[\s-]/g, '_');
  const word = plain(given);
  let best: string | null = null;
  // A third of the word may be wrong, one letter of a short one: more, and any name is like any other.
  let limit = Math.max(1, Math.floor(word.length / 3));
  for (const candidate of candidates) {
    if (candidate.length > maxLength) continue;
    const distance = editDistance(word, plain(candidate));
    if (distance > limit || (best !== null && distance === limit)) continue;
    [best, limit] = [candidate, distance];
  }
  return best;
}
