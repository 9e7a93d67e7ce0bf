import { CommanderError } from 'commander'
import { LockstepError } from '../errors.ts'
import { endOnSignals } from './interrupt.ts'
import { program } from './program.ts'
import { showError } from './show-error.ts'
import { usageError } from './usage-error.ts'

/** What a process ends with. */
const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** Runs a command line to its end and ends the process. What goes wrong before the command starts is wrong usage. */
export async function run(commandLine: readonly string[]): Promise<never> {
  endQuietlyWithoutReader(process.stdout)
  endQuietlyWithoutReader(process.stderr)
  const json = commandLine.includes('--json')
  endOnSignals({ json })
  let started = false
  const lockstep = program().hook('preAction', () => {
    started = true
  })
  try {
    await lockstep.parseAsync(commandLine, { from: 'user' })
    return await end(Number(process.exitCode ?? exitCodes.ok))
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return await end(exitCodes.ok)
    if (error instanceof CommanderError && error.code === 'commander.help') return await end(exitCodes.usage)
    const shown = error instanceof CommanderError ? usageError(error, lockstep, commandLine) : error
    process.stderr.write(showError(shown, { json }))
    if (error instanceof LockstepError && error.code === 'INTERRUPTED') return await end(exitCodes.interrupted)
    return await end(started ? exitCodes.failed : exitCodes.usage)
  }
}

/** Ends the process once all that was written has been taken. */
async function end(code: number): Promise<never> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((taken) => stream.write('', taken))))
  process.exit(code)
}

/** `lockstep list | head` closes the pipe early, which is no error. */
function endQuietlyWithoutReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok)
    throw error
  })
}
