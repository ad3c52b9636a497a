// The name that somebody meant to type.

/** The known name with the fewest typing mistakes, at most one for every three characters (more, and any name is like
 *  any other), one in a short name; null where none is near. Case, hyphen and space for underscore are no mistakes. */
export function nearest(typed: string, known: Iterable<string>): string | null {
  const plain = (text: string) => text.toLowerCase().replace(/[\s-]/g, '_');
  const distances = [...known]
    .map((name) => ({ name, distance: countMistakes(plain(typed), plain(name)) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(typed.length / 3)))
    .sort((a, b) => a.distance - b.distance);
  return distances[0]?.name ?? null;
}

// Longer than any name of ours; bounds the work for what a hostile file or command line brings.
const longestCompared = 64;

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function countMistakes(from: string, to: string): number {
  if (from.length > longestCompared || to.length > longestCompared) return Infinity;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (beforePrevious[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}
