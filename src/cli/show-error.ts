import { styleText } from 'node:util'
import { LockstepError } from '../errors.ts'
import { remedyOf } from './remedy.ts'

/** An error as people read it (what, where, what to do, code), or as one line of JSON. */
export function showError(error: unknown, { json }: { readonly json: boolean }): string {
  const { message, where, remedy, code } = partsOf(error)
  if (json) return `${JSON.stringify({ error: { code, message, where, remedy } })}\n`
  const label = (text: string) => `${text}:`.padEnd(8)
  const lines = [
    `${styleText(['bold', 'red'], label('Error'), { stream: process.stderr })}${message}`,
    ...(where === '' ? [] : [`${label('Where')}${where}`]),
    `${label('Remedy')}${remedy}`,
    ...(code === null ? [] : [`${label('Code')}${code}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** The message stands without its place where the place stands by itself. */
function partsOf(error: unknown): { message: string; where: string; remedy: string; code: string | null } {
  if (error instanceof LockstepError) {
    const { message, where, code } = error
    return { message: where === '' ? message : message.slice(0, -` (${where})`.length), where, remedy: remedyOf(error), code }
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { message: text, where: '', remedy: 'This is a defect of Lockstep; please report it with what led to it.', code: null }
}
