import { distance } from 'fastest-levenshtein';

/**
 * The known names a mistyped one may have meant, best first: at most a third of its letters differ (two for a short name),
 * upper and lower case aside.
 */
export function closeMatches(name: string, known: readonly string[], max = 3): string[] {
  const wanted = name.toLowerCase();
  const tolerance = Math.max(2, Math.floor(wanted.length / 3));
  return [...new Set(known)]
    .map((candidate) => ({ candidate, edits: distance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= tolerance && edits < candidate.length)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, max)
    .map(({ candidate }) => candidate);
}
