import { LockstepError } from '../errors.ts'

/** What a process ends with: 64 is `EX_USAGE` of BSD's sysexits.h, so that wrong usage is told from what a command found. */
export const exitCodes = { ok: 0, failed: 1, toDo: 2, usage: 64, interrupted: 130 } as const

const meanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'done; of plan and promote --dry-run: there is nothing to do',
  failed: 'it failed or was refused; of check, parity, explain and forget: something is wrong or left',
  toDo: 'of plan and promote --dry-run alone: there is something to do',
  usage: 'wrong usage: an argument, option or setting that makes no sense (INVALID_ARGUMENT)',
  interrupted: 'interrupted by a signal',
}

/** What a process ends with after an error. Until a command has started all that can be wrong is the command line, whatever its code. */
export function exitCodeOf(error: unknown, { started }: { readonly started: boolean }): number {
  if (!(error instanceof LockstepError)) return exitCodes.failed
  if (error.code === 'INTERRUPTED') return exitCodes.interrupted
  return started && error.code !== 'INVALID_ARGUMENT' ? exitCodes.failed : exitCodes.usage
}

/** As the help shows them. */
export const exitCodesHelp: string = [
  '\nExit codes:',
  ...Object.entries(exitCodes).map(([name, code]) => `  ${String(code).padEnd(4)} ${meanings[name as keyof typeof exitCodes]}`),
].join('\n')
