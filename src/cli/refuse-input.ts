import { globSync, statSync } from 'node:fs'
import type { History, SourceData } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'

/** Throws `INVALID_ARGUMENT` where an output is a file that holds labels, or history of a source: `--overwrite` is not meant for those. */
export function refuseInput(
  output: string,
  labels: string,
  sources: readonly SourceData[],
  moved: Readonly<Record<string, History>>,
): void {
  const own = statSync(output, { throwIfNoEntry: false })
  if (!own) return
  const isOutput = (path: string) => {
    const input = statSync(path, { throwIfNoEntry: false })
    return input?.dev === own.dev && input.ino === own.ino
  }
  const holds = (paths: readonly string[]) => paths.flatMap(filesOf).some(isOutput)
  const source = sources.find(({ name, history }) => holds(pathsOf(moved[name] ?? history)))
  const what = source ? `holds the history of the source ${source.name}` : holds([labels]) ? 'holds the labels' : null
  if (what === null) return
  throw new LockstepError('INVALID_ARGUMENT', `${output} ${what}, which would be written over`, { remedy: 'Write to another file.' })
}

const pathsOf = (history: History | null): readonly string[] => (history === null || history.kind === 'rows' ? [] : [history.path].flat())

const filesOf = (path: string): readonly string[] => (/[*?[{]/.test(path) ? globSync(path) : [path])
