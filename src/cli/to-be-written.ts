import type { Difference } from '../plan/index.ts'
import { countOf } from './format.ts'
import type { Output } from './output.ts'

/** Groups that are named in a command that writes them; of more it writes all. */
const mostNamed = 20

/** What a change leaves to be written, as the command that does so; nothing where all is there. */
export const toBeWritten = ({ stored }: Pick<Difference, 'stored'>, output: Pick<Output, 'next'>): string[] =>
  toWrite(
    stored.flatMap(({ group, state }) => (state === 'missing' ? [group] : [])),
    output,
  )

/** The command that writes groups. */
export function toWrite(groups: readonly string[], output: Pick<Output, 'next'>): string[] {
  if (groups.length === 0) return []
  if (groups.length > mostNamed) return [`To be written: ${countOf(groups.length, 'group')}, by ${output.next('materialize')}`]
  return [`To be written: ${output.next(`materialize ${groups.join(' ')}`)}`]
}
