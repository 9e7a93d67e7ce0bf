import type { Difference } from '../plan/index.ts'
import { countOf } from './format.ts'

/** Groups that are named in a command that writes them; of more it writes all. */
const mostNamed = 20

/** What a change leaves to be written, as the command that does so; nothing where all is there. */
export const toBeWritten = ({ stored }: Pick<Difference, 'stored'>): string[] =>
  toWrite(stored.flatMap(({ group, state }) => (state === 'missing' ? [group] : [])))

/** The command that writes groups. */
export function toWrite(groups: readonly string[]): string[] {
  if (groups.length === 0) return []
  const isLong = groups.length > mostNamed
  return [
    `To be written: ${isLong ? `${countOf(groups.length, 'group')}, by ` : ''}lockstep materialize${isLong ? '' : ` ${groups.join(' ')}`}`,
  ]
}
