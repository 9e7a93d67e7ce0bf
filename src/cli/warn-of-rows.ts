import type { RowReport } from '../offline/index.ts'
import { countOf, formatCount } from './format.ts'
import type { Output } from './output.ts'

/** Says which rows of sources were set aside, and why. */
export async function warnOfRows(reports: readonly RowReport[], output: Output): Promise<void> {
  const { formatProblems } = await import('../offline/index.ts')
  for (const { source, rows, setAside, problems } of reports) {
    if (setAside === 0) continue
    output.warn(`${formatCount(setAside)} of ${countOf(rows, 'row')} of ${source} set aside: ${formatProblems(problems).join('; ')}`)
  }
}
